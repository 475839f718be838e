# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a browser's recording to a working map: recorded, drafted, completed, checked, used.

Each test runs on the recording in the repository, and on a new one with new names. A new one requires
Chromium on this machine.
"""

from __future__ import annotations

import json
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.tests.support.browser import CHROMIUM, MISSING
from ansible_collections.otsec.defender_iot.tests.support.lab import Lab, running_lab
from ansible_collections.otsec.defender_iot.tests.support.recording import (
    ADDRESS,
    DESCRIPTION,
    FORESCOUT,
    KEPT,
    SENSOR,
    appliances,
    record,
)
from ansible_collections.otsec.defender_iot.tests.support.workspace import Run, Workspace, play, task


@dataclass(frozen=True)
class Recording:
    """A lab with shuffled names, and the folder of a browser's recordings."""

    lab: Lab
    folder: Path

    def values(self, product: str) -> dict[str, str]:
        """Return the values that the operator typed and saw."""
        return dict(json.loads((self.folder / "values.json").read_text())[product])


@pytest.fixture(scope="module", params=["kept", "fresh"])
def recording(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Recording]:
    """The recording in the repository with its lab, and a new one with a new lab."""
    folder = tmp_path_factory.mktemp("recording")
    if request.param == "kept":
        with running_lab(folder, appliances()) as lab:
            yield Recording(lab, KEPT)
        return
    if not CHROMIUM:
        pytest.skip(MISSING)
    seed = secrets.randbelow(10**6)
    print(f"seed of the lab: {seed}")
    with running_lab(folder, appliances(), seed) as lab:
        record(lab, folder)
        yield Recording(lab, folder)


@pytest.fixture
def node(recording: Recording, tmp_path: Path, tree: Path) -> Workspace:
    """A control node with an inventory of the recorded lab."""
    recording.lab.reset()
    node = Workspace(tmp_path / "node", tree, recording.lab)
    hosts = {"sensors": (SENSOR, "sensor_tokens"), "forescouts": (FORESCOUT, "forescout_module")}
    groups = {}
    for group, (name, role) in hosts.items():
        variables = {f"{role}_{option}": value for option, value in node.host(name).items()}
        variables[f"{role}_endpoints"] = str(draft_file(node, group[:-1]))
        groups[group] = {"hosts": {name: {**node.host(name), **variables}}}
    (node.inputs / "inventory.yml").write_text(yaml.safe_dump({"all": {"children": groups}}))
    return node


def draft_file(node: Workspace, product: str) -> Path:
    """Return the path of a draft."""
    return node.folder / f"{product}.yml"


def drafted(node: Workspace, recording: Recording, product: str) -> dict[str, Any]:
    """Draft a map with the playbook and return it."""
    values = {f"defender_iot_recorded_{name}": value for name, value in recording.values(product).items()}
    given = {
        **values,
        "defender_iot_recorded_product": product,
        "defender_iot_recording": str(recording.folder / f"{product}.har"),
        "defender_iot_draft_file": str(draft_file(node, product)),
    }
    file = node.inputs / f"{product}-recording.yml"
    file.write_text(yaml.safe_dump(given))
    run = node.playbook("otsec.defender_iot.draft_endpoints", "-vvv", "--diff", f"--extra-vars=@{file}")
    assert run.code == 0, run.output
    leaks_nothing(recording, run.output, draft_file(node, product).read_text())
    return dict(yaml.safe_load(draft_file(node, product).read_text()))


def leaks_nothing(recording: Recording, *texts: str) -> None:
    """Check that a text contains no cookie, password or token of any recording."""
    known = [recording.values(product) for product in ("sensor", "forescout")]
    values = {each[name] for each in known for name in ("password", "token")}
    for product in ("sensor", "forescout"):
        har = json.loads((recording.folder / f"{product}.har").read_text())
        for entry in har["log"]["entries"]:
            cookies = [*entry["request"]["cookies"], *entry["response"]["cookies"]]
            headers = [h for h in entry["request"]["headers"] if h["name"].lower() == "authorization"]
            values |= {each["value"].strip('"').removeprefix("Bearer ") for each in [*cookies, *headers]}
    values.discard("")
    assert len(values) > 5
    for text in texts:
        assert not [value for value in values if value in text]


def checked(node: Workspace, product: str, *arguments: str) -> Run:
    """Check a map with the playbook."""
    return node.playbook("otsec.defender_iot.check_endpoints", f"--limit={product}s", *arguments)


def refused_and_proved(node: Workspace, recording: Recording) -> None:
    """Check that a map with an assumed tokens.delete creates only the temporary token."""
    options = {"description": DESCRIPTION, "secret_ref": node.ref("refused")}
    keep = task("sensor_access_token", **options, endpoints=str(draft_file(node, "sensor")))
    (refused,) = node.run(play(keep, hosts="sensors")).results
    assert "the endpoint map's tokens.delete is assumed" in refused.data["msg"]
    before = recording.lab.state(SENSOR)["tokens"]
    run = checked(node, "sensor", "--extra-vars=defender_iot_prove=true")
    assert run.code == 0, run.output
    assert "tokens.create: works (the list has one token more, the temporary one)" in run.output
    assert "tokens.delete: works (only that token was deleted)" in run.output
    assert recording.lab.state(SENSOR)["tokens"] == before
    run = checked(node, "sensor", "--extra-vars=defender_iot_prove=true", "--check")
    assert "tokens.create: not tried (check mode creates and deletes nothing)" in run.output


def test_a_sensor_s_tokens_are_managed_by_a_drafted_map(node: Workspace, recording: Recording) -> None:
    endpoints = drafted(node, recording, "sensor")
    true = recording.lab.endpoint_map(SENSOR)
    assert endpoints["provenance"] == "captured"
    assert endpoints["tokens"]["list"] == true["tokens"]["list"]
    assert endpoints["tokens"]["create"]["fields"] == true["tokens"]["create"]["fields"]
    assert stat.S_IMODE(draft_file(node, "sensor").stat().st_mode) == 0o600
    assert "# Missing: tokens.delete: " in draft_file(node, "sensor").read_text()

    create, delete = endpoints["tokens"]["create"], true["tokens"]["delete"]
    endpoints["tokens"]["delete"] = {**delete, "headers": create["headers"], "provenance": "assumed"}
    draft_file(node, "sensor").write_text(yaml.safe_dump(endpoints))
    recording.lab.forget_calls()
    run = checked(node, "sensor")
    assert run.code == 0, run.output
    for line in ("login: works", "tokens.list: works", "version: works", "tokens.delete: not tried"):
        assert line in run.output
    assert not [call for call in recording.lab.calls() if call["write"]]
    refused_and_proved(node, recording)
    endpoints["tokens"]["delete"]["provenance"] = "captured"
    draft_file(node, "sensor").write_text(yaml.safe_dump(endpoints))

    where = {"endpoints": str(draft_file(node, "sensor"))}
    options = {"description": DESCRIPTION, "secret_ref": node.ref("token"), **where}
    keep = task("sensor_access_token", **options)
    made, again = node.run(play(keep, keep, hosts="sensors")).succeeded().results
    assert (made.changed, again.changed) == (True, False)
    value = node.kept("token")["value"]
    called = recording.lab.call(SENSOR, "GET", "/api/v1/devices", headers={"Authorization": value})
    assert called.status_code == 200
    tasks = [
        task("sensor_access_token_info", **where),
        task("sensor_access_token", **options, state="absent"),
    ]
    seen, gone = node.run(play(*tasks, hosts="sensors")).succeeded().results
    (row,) = seen.data["tokens"]
    assert row["description"] == DESCRIPTION
    assert row["used"].endswith("Z")
    assert (seen.data["provenance"], gone.changed) == ("captured", True)
    assert recording.lab.state(SENSOR)["tokens"] == []


def test_a_forescout_s_settings_are_managed_by_a_drafted_map(node: Workspace, recording: Recording) -> None:
    endpoints = drafted(node, recording, "forescout")
    true = recording.lab.endpoint_map(FORESCOUT)
    read, update = (endpoints["settings"][name] for name in ("read", "update"))
    assert (read["path"], read["fields"]) == (
        true["settings"]["read"]["path"],
        true["settings"]["read"]["fields"],
    )
    assert (update["path"], update["json"]) == (
        true["settings"]["update"]["path"],
        true["settings"]["update"]["json"],
    )
    assert "# Missing" not in draft_file(node, "forescout").read_text()
    run = checked(node, "forescout")
    assert run.code == 0, run.output
    assert "settings.read: works" in run.output

    node.keep("token", value="a-token-of-a-sensor")
    options = {"server_address": ADDRESS, "access_token_ref": node.ref("token"), "transport": "rest"}
    configure = task("forescout_module", **options, endpoints=str(draft_file(node, "forescout")))
    first, again = node.run(play(configure, configure, hosts="forescouts")).succeeded().results
    assert (first.changed, again.changed) == (True, False)
    module = recording.lab.state(FORESCOUT)["module"]
    assert module == {"server_address": ADDRESS, "access_token": "<redacted>"}


ONCE = pytest.mark.parametrize("recording", ["kept"], indirect=True)


@ONCE
def test_a_map_that_does_not_fit_is_told_and_fails_the_check(node: Workspace, recording: Recording) -> None:
    endpoints = drafted(node, recording, "sensor")
    endpoints["tokens"]["list"]["items"] = "/elsewhere"
    draft_file(node, "sensor").write_text(yaml.safe_dump(endpoints))
    run = checked(node, "sensor")
    assert run.code != 0
    for line in ("login: works", "tokens.list: fails", "tokens.create: not tried", "tokens.delete: missing"):
        assert line in run.output
    assert "finds nothing in it" in run.output


@ONCE
def test_a_draft_does_not_overwrite_a_map_that_was_completed(node: Workspace, recording: Recording) -> None:
    draft_file(node, "sensor").write_text("mine: true\n")
    assert drafted(node, recording, "sensor") == {"mine": True}


@ONCE
def test_without_a_person_to_ask_it_says_what_is_to_be_given(node: Workspace, recording: Recording) -> None:
    where = {
        "defender_iot_recording": str(recording.folder / "sensor.har"),
        "defender_iot_draft_file": str(draft_file(node, "sensor")),
    }
    run = node.playbook("otsec.defender_iot.draft_endpoints", f"--extra-vars={json.dumps(where)}")
    assert run.code != 0
    assert "a recording of a sensor needs username, password, token, description;" in run.output
    assert not draft_file(node, "sensor").exists()
