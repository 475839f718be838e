# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The invented web interfaces: their pages and their names, which a switch shuffles."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from defender_iot_lab.forescout.names import ForescoutNames
from defender_iot_lab.sensor.names import SensorNames

MAPS = Path(__file__).parents[3] / "roles" / "lab" / "files" / "endpoints"
KINDS = pytest.mark.parametrize("name", ["sensor", "forescout"])


def the_map(lab: Any, name: str) -> dict[str, Any]:
    """Return the endpoint map of the control port."""
    return lab.control("GET", f"/appliances/{name}/endpoint_map")


@KINDS
def test_the_built_in_map_is_correct(lab: Any, name: str) -> None:
    assert the_map(lab, name) == yaml.safe_load((MAPS / f"{name}.yml").read_text())


@KINDS
def test_the_map_changes_once_when_names_are_shuffled(lab: Any, name: str) -> None:
    fixed = the_map(lab, name)
    lab.options(name, names="shuffled")
    assert the_map(lab, name) == the_map(lab, name) != fixed


@pytest.mark.parametrize("names", [SensorNames, ForescoutNames])
def test_shuffled_no_name_is_the_fixed_one(names: Any) -> None:
    fixed, shuffled = asdict(names()), asdict(names.shuffled(Random("1")))  # noqa: S311
    spellings = {"never_used", "used_format"}
    assert not [field for field in fixed.keys() - spellings if fixed[field] == shuffled[field]]


@pytest.mark.parametrize("names", [SensorNames, ForescoutNames])
def test_a_seed_gives_the_same_names_and_another_gives_others(names: Any) -> None:
    assert names.shuffled(Random("1")) == names.shuffled(Random("1"))  # noqa: S311
    assert names.shuffled(Random("1")) != names.shuffled(Random("2"))  # noqa: S311


def test_a_fortigate_has_no_endpoint_map(lab: Any) -> None:
    with pytest.raises(AssertionError, match="Not Found"):
        the_map(lab, "fgt")


def test_a_shuffled_sensor_lists_creates_and_deletes_by_its_map_alone(lab: Any) -> None:
    lab.options("sensor", names="shuffled")
    described = the_map(lab, "sensor")
    client, login, tokens = lab.client("sensor"), described["login"], described["tokens"]
    assert client("GET", tokens["list"]["path"]).status_code == 403
    page, sign_in = login["steps"]
    client(page["method"], page["path"])
    cookie = page["capture"]["csrf"]["cookie"]

    def send(operation: dict[str, Any], body: Any = None) -> Any:
        csrf = client.session.cookies.get(cookie, "")
        headers = {name: value.format(csrf=csrf) for name, value in operation.get("headers", {}).items()}
        answer = client(operation["method"], operation["path"], json=body, headers=headers)
        assert answer.status_code in operation["success"]
        return answer.json() if answer.content else None

    places = {place: field for field, place in sign_in["json"].items()}
    credentials = client.credentials
    send(
        sign_in,
        {places["{username}"]: credentials["username"], places["{password}"]: credentials["password"]},
    )
    (described,) = tokens["create"]["json"]
    made = send(tokens["create"], {described: "Forescout"})
    listed = send(tokens["list"])
    (row,) = listed[tokens["list"]["items"][1:]]
    fields = {field: row[pointer[1:]] for field, pointer in tokens["list"]["fields"].items()}
    assert fields["description"] == "Forescout"
    assert fields["used"] == tokens["list"]["never_used"]
    assert listed[tokens["list"]["version"][1:]] == "24.1.0"
    header = {"Authorization": made[tokens["create"]["fields"]["secret"][1:]]}
    assert client("GET", "/api/v1/devices", headers=header).status_code == 200
    (row,) = send(tokens["list"])[tokens["list"]["items"][1:]]
    assert row[tokens["list"]["fields"]["used"][1:]] != tokens["list"]["never_used"]
    delete = tokens["delete"]
    send({**delete, "path": delete["path"].replace("{id}", str(fields["id"]))})
    assert send(tokens["list"])[tokens["list"]["items"][1:]] == []


def test_a_shuffled_forescout_does_not_know_its_usual_paths(lab: Any) -> None:
    lab.options("forescout", names="shuffled")
    client = lab.client("forescout")
    form = {**client.credentials, "grant_type": "password", "client_id": "fs-oauth-client"}
    assert client("POST", "/fsum/oauth2.0/token", data=form).status_code == 404
    assert client("GET", "/__lab__/module").status_code == 404


@pytest.mark.parametrize(
    ("name", "labels"),
    [("sensor", ["Username", "Password", "Description"]), ("forescout", ["Server Address", "Access Token"])],
)
def test_the_page_labels_its_fields_and_loads_nothing_else(lab: Any, name: str, labels: list[str]) -> None:
    text = lab.client(name)("GET", "/").text
    for label in labels:
        assert re.search(rf"<label>{label} <input ", text)
    assert not re.findall(r"https?://|src=|@import", text)
    assert "__NAMES__" not in text


def test_a_page_leaves_the_csrf_cookie_of_a_session_alone(sensor: Any) -> None:
    before = sensor.session.cookies["csrftoken"]
    sensor("GET", "/")
    assert sensor.session.cookies["csrftoken"] == before
