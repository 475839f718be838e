# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Forescout of the lab: logins, module settings, and the polls that update Used."""

from __future__ import annotations

from typing import Any

import pytest

MODULE = "/__lab__/module"
LABELS = {
    "Authorized by CyberX",
    "Firmware",
    "Name",
    "Operating System",
    "Type",
    "Vendor",
    "Risk Level",
    "Protocols",
}


def token_of(sensor: Any) -> str:
    """Create an access token on the sensor and return its value."""
    return sensor("POST", "/__lab__/tokens", json={"description": "Forescout"}).json()["token"]


def web(lab: Any) -> Any:
    """Return a client of the Web API."""
    client = lab.client("forescout")
    client.session.headers["Authorization"] = client("POST", "/api/login", data=client.credentials).text
    return client


def poll(lab: Any) -> str:
    """Make the Forescout poll now, and return the outcome."""
    return lab.control("POST", "/poll")["forescout"]["outcome"]


def test_a_good_token_updates_used_and_the_properties(lab: Any, sensor: Any, forescout: Any) -> None:
    settings = {"serverAddress": "192.0.2.10", "accessToken": token_of(sensor)}
    answer = forescout("PUT", MODULE, json=settings)
    assert answer.json() == {"serverAddress": "192.0.2.10", "accessTokenSet": True}
    lab.wait_for(lambda: sensor("GET", "/__lab__/tokens").json()["tokens"][0]["used"] != "N/A")
    assert poll(lab) == "ok"
    client = web(lab)
    tags = {field["name"]: field["label"] for field in client("GET", "/api/hostfields").json()["hostFields"]}
    fields = client("GET", "/api/hosts/ip/198.51.100.12").json()["host"]["fields"]
    assert {tags[tag] for tag in fields} == LABELS
    values = {tags[tag]: field["value"] for tag, field in fields.items()}
    assert (values["Name"], values["Firmware"]) == ("plc-press-1", ["2.0"])
    assert client("GET", "/api/hosts/ip/203.0.113.50").json()["host"]["fields"] == {}


def test_values_may_come_late(lab: Any, sensor: Any, forescout: Any) -> None:
    lab.control("POST", "/appliances/forescout/options", {"value_delay": 600, "web_token_seconds": 6000})
    forescout("PUT", MODULE, json={"serverAddress": "192.0.2.10", "accessToken": token_of(sensor)})
    assert poll(lab) == "ok"
    client = web(lab)
    fields = [client("GET", "/api/hosts/ip/198.51.100.12/").json()["host"]["fields"]]
    lab.control("POST", "/clock", {"advance": 600})
    fields.append(client("GET", "/api/hosts/ip/198.51.100.12").json()["host"]["fields"])
    assert [len(each) for each in fields] == [0, 8]


def test_polling_goes_on_by_itself(lab: Any, sensor: Any, forescout: Any) -> None:
    forescout("PUT", MODULE, json={"serverAddress": "192.0.2.10", "accessToken": token_of(sensor)})
    lab.wait_for(lambda: [call["path"] for call in lab.calls("sensor")].count("/api/v1/devices") >= 2)


@pytest.mark.parametrize(
    ("address", "outcome"),
    [("192.0.2.10", "refused"), ("192.0.2.99", "unreachable"), ("192.0.2.11", "unreachable")],
)
def test_failing_polls(lab: Any, forescout: Any, address: str, outcome: str) -> None:
    forescout("PUT", MODULE, json={"serverAddress": address, "accessToken": "0" * 32})
    assert poll(lab).startswith(outcome)
    host = web(lab)("GET", "/api/hosts/ip/198.51.100.12").json()["host"]
    assert host["fields"] == {}


def test_only_a_device_list_counts(lab: Any, forescout: Any) -> None:
    for switch in ("error_200", "empty_200", "redirect_login"):
        lab.options("sensor", bad_token=switch)
        forescout("PUT", MODULE, json={"serverAddress": "192.0.2.10", "accessToken": "0" * 32})
        assert poll(lab) != "ok"


def test_settings_are_updated_in_part(forescout: Any) -> None:
    assert forescout("GET", MODULE).json() == {"serverAddress": "", "accessTokenSet": False}
    forescout("PUT", MODULE, json={"accessToken": "abc"})
    answer = forescout("PUT", MODULE, json={"serverAddress": "192.0.2.99"})
    assert answer.json() == {"serverAddress": "192.0.2.99", "accessTokenSet": True}
    assert forescout("PUT", MODULE, json={"token": "abc"}).status_code == 400


def test_no_other_settings_path_exists(forescout: Any) -> None:
    for path in ("/adminapi/modules", "/__lab__/module/cyberx", "/module"):
        assert forescout("GET", path).status_code == 404


def test_oauth(lab: Any) -> None:
    client = lab.client("forescout")
    form = {**client.credentials, "grant_type": "password", "client_id": "other"}
    assert client("POST", "/fsum/oauth2.0/token", data=form).status_code == 401
    assert client("GET", MODULE).status_code == 401


def test_web_api(lab: Any) -> None:
    client = web(lab)
    hosts = client("GET", "/api/hosts").json()["hosts"]
    assert client("GET", f"/api/hosts/{hosts[0]['hostId']}").json()["host"]["ip"] == hosts[0]["ip"]
    assert client("GET", "/api/hosts/ip/192.0.2.250").status_code == 404
    assert client("GET", "/api/policies").json()["policies"][0]["policyId"] == -6488799636120036097
    assert client("POST", "/api/hosts").status_code == 405


@pytest.mark.parametrize(
    ("form", "bare", "bearer"), [("bare", 200, 401), ("bearer", 401, 200), ("both", 200, 200)]
)
def test_web_token_forms(lab: Any, form: str, bare: int, bearer: int) -> None:
    lab.options("forescout", web_token=form)
    client = web(lab)
    token = client.session.headers["Authorization"]
    assert client("GET", "/api/policies").status_code == bare
    assert client("GET", "/api/policies", headers={"Authorization": f"Bearer {token}"}).status_code == bearer


def test_web_tokens_expire(lab: Any) -> None:
    client = web(lab)
    lab.control("POST", "/clock", {"advance": 301})
    answer = client("GET", "/api/policies")
    assert answer.status_code == 401
    assert answer.json()["message"].endswith(" See log for more details.")


def test_without_the_module(lab: Any, forescout: Any) -> None:
    lab.options("forescout", module_installed=False)
    assert forescout("GET", MODULE).status_code == 404
    labels = {field["label"] for field in web(lab)("GET", "/api/hostfields").json()["hostFields"]}
    assert not labels & LABELS


def test_a_client_that_is_not_listed_is_refused(lab: Any) -> None:
    lab.options("forescout", web_client="unlisted")
    client = lab.client("forescout")
    assert client("POST", "/api/login", data=client.credentials).status_code == 403


def test_too_many_logins_are_asked_to_wait(lab: Any) -> None:
    lab.options("forescout", web_busy=True)
    client = lab.client("forescout")
    answer = client("POST", "/api/login", data=client.credentials)
    assert (answer.status_code, list(answer.json())) == (429, ["errors"])


def test_a_restart_refuses_everything(lab: Any) -> None:
    client = web(lab)
    lab.options("forescout", restarting=True)
    assert client("GET", "/api/policies").status_code == 503


def test_entity_tags(lab: Any) -> None:
    client = web(lab)
    assert "ETag" not in client("GET", "/api/policies").headers
    lab.options("forescout", etags=True)
    tag = client("GET", "/api/policies").headers["ETag"]
    assert client("GET", "/api/policies", headers={"If-None-Match": tag}).status_code == 304
    assert client("GET", "/api/policies", headers={"If-None-Match": '"x"'}).status_code == 200


def test_identifiers_of_hosts_may_be_signed_64_bit_numbers(lab: Any) -> None:
    lab.options("forescout", host_ids="signed_64")
    client = web(lab)
    row = client("GET", "/api/hosts").json()["hosts"][0]
    assert row["hostId"] < -(2**53)
    assert client("GET", f"/api/hosts/{row['hostId']}").json()["host"]["ip"] == row["ip"]


def test_hosts_are_found_by_mac_address_and_by_value(lab: Any, sensor: Any, forescout: Any) -> None:
    forescout("PUT", MODULE, json={"serverAddress": "192.0.2.10", "accessToken": token_of(sensor)})
    assert poll(lab) == "ok"
    client = web(lab)
    host = client("GET", "/api/hosts/mac/00005e005312/").json()["host"]
    assert host["ip"] == "198.51.100.12"
    fields = client("GET", "/api/hostfields").json()["hostFields"]
    vendor = next(field["name"] for field in fields if field["label"] == "Vendor")
    rows = client("GET", f"/api/hosts?{vendor}=Omron").json()["hosts"]
    assert [row["ip"] for row in rows] == ["198.51.100.12"]
    lab.options("forescout", value_lists=True)
    (value,) = (
        client("GET", f"/api/hosts/ip/198.51.100.12?fields={vendor},nothing")
        .json()["host"]["fields"]
        .values()
    )
    assert value[0]["value"] == "Omron"


def test_another_module_may_have_the_same_label(lab: Any) -> None:
    lab.options("forescout", namesake=True)
    fields = web(lab)("GET", "/api/hostfields").json()["hostFields"]
    assert [field["label"] for field in fields].count("Vendor") == 2
