# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The FortiGate of the lab: envelopes, defaults, normalisation, error codes, keys and logins."""

from __future__ import annotations

from typing import Any

import pytest
from defender_iot_lab.core.certificates import CLIENT_CA
from defender_iot_lab.fortigate.access import certified

PROFILES = "/api/v2/cmdb/system/accprofile"
ADMINS = "/api/v2/cmdb/system/api-user"
GENERATE = "/api/v2/monitor/system/api-user/generate-key"
STATUS = "/api/v2/monitor/system/status"


def admin(**attributes: Any) -> dict[str, Any]:
    """Return the body of a REST API administrator."""
    return {"name": "ot", "accprofile": "prof_admin", **attributes}


def host(network: str, number: int = 0) -> dict[str, Any]:
    """Return a trusted host."""
    kind = "ipv6-trusthost" if ":" in network else "ipv4-trusthost"
    return {"id": number, "type": kind, kind: network}


def read(fgt: Any, path: str) -> dict[str, Any]:
    """Return the one row at a path."""
    response = fgt("GET", path)
    assert response.status_code == 200, response.text
    (row,) = response.json()["results"]
    return row


def write(fgt: Any, method: str, path: str, body: Any = None, **arguments: Any) -> dict[str, Any]:
    """Write, check the success, and return the envelope."""
    response = fgt(method, path, json=body, **arguments)
    assert response.status_code == 200, response.text
    return response.json()


def key_of(fgt: Any, name: str) -> dict[str, str]:
    """Generate a key and return its header."""
    token = write(fgt, "POST", GENERATE, {"api-user": name})["results"]["access_token"]
    assert len(token) == 30
    return {"Authorization": f"Bearer {token}"}


def test_read_envelope_holds_a_list(fgt: Any) -> None:
    body = fgt("GET", f"{PROFILES}/prof_admin?vdom=root").json()
    assert body["results"][0]["q_origin_key"] == "prof_admin"
    expected = {
        "http_method": "GET",
        "vdom": "root",
        "path": "system",
        "name": "accprofile",
        "status": "success",
        "http_status": 200,
        "version": "v7.4.5",
        "build": 2702,
    }
    assert expected.items() <= body.items()


def test_a_write_envelope_shows_the_change(fgt: Any) -> None:
    created = write(fgt, "POST", PROFILES, {"name": "ro", "comments": "a"})
    assert (created["mkey"], created["revision_changed"], created["action"]) == ("ro", True, "")
    same = write(fgt, "PUT", f"{PROFILES}/ro", {"comments": "a"})
    assert not same["revision_changed"]
    assert same["revision"] == same["old_revision"] == created["revision"]


def test_defaults_of_a_profile(fgt: Any) -> None:
    write(fgt, "POST", PROFILES, {"name": "empty"})
    row = read(fgt, f"{PROFILES}/empty")
    groups = {name: value for name, value in row.items() if name.endswith("grp") or name == "wifi"}
    assert len(groups) == 11
    assert set(groups.values()) == {"none"}
    assert row["fwgrp-permission"] == dict.fromkeys(
        ("policy", "address", "service", "schedule", "others"), "none"
    )
    assert (row["admintimeout"], row["cli-get"], row["comments"]) == (10, "disable", "")
    assert "scope" not in row


@pytest.mark.parametrize(
    ("version", "present", "absent"),
    [
        ("6.4.5", {"system-diagnostics"}, {"cli-get", "others", "system-execute-ssh"}),
        ("6.4.14", {"others", "data-loss-prevention"}, {"videofilter"}),
        ("7.0.0", set(), {"others"}),
        ("7.2.8", {"others", "data-leak-prevention", "system-execute-ssh"}, {"cli-get", "dlp"}),
        ("7.4.5", {"dlp", "casb", "cli-get"}, {"system-diagnostics", "telemetry"}),
        ("7.6.5", {"telemetry", "csfsys"}, {"system-diagnostics"}),
    ],
)
def test_fields_follow_the_version(
    lab: Any, fgt: Any, version: str, present: set[str], absent: set[str]
) -> None:
    lab.options("fgt", version=version)
    row = read(fgt, f"{PROFILES}/prof_admin")
    names = set(row).union(*(value for value in row.values() if isinstance(value, dict)))
    assert present <= names
    assert not absent & names


def test_features_bring_fields(lab: Any, fgt: Any) -> None:
    lab.options("fgt", wanopt=False, multi_vdom=True)
    row = read(fgt, f"{PROFILES}/prof_admin")
    assert "wanoptgrp" not in row
    assert row["scope"] == "vdom"


def test_permissions_are_merged_child_by_child(fgt: Any) -> None:
    permission = {"policy": "read-write", "address": "read"}
    write(fgt, "POST", PROFILES, {"name": "ot", "fwgrp": "custom", "fwgrp-permission": permission})
    write(fgt, "PUT", f"{PROFILES}/ot", {"fwgrp-permission": {"address": "read-write"}})
    row = read(fgt, f"{PROFILES}/ot")
    assert row["fwgrp-permission"]["policy"] == row["fwgrp-permission"]["address"] == "read-write"


@pytest.mark.parametrize(
    ("treatment", "status", "stored"),
    [("dropped", 200, "none"), ("stored", 200, "read"), ("rejected", 500, None)],
)
def test_permissions_below_a_group_that_is_not_custom(
    lab: Any, fgt: Any, treatment: str, status: int, stored: str | None
) -> None:
    lab.options("fgt", inactive_permission=treatment)
    body = {"name": "ot", "fwgrp": "read", "fwgrp-permission": {"policy": "read"}}
    assert fgt("POST", PROFILES, json=body).status_code == status
    if stored:
        assert read(fgt, f"{PROFILES}/ot")["fwgrp-permission"]["policy"] == stored


def test_trusted_hosts_are_normalised(fgt: Any) -> None:
    hosts = [host("192.0.2.7/24", 5), host("198.51.100.9 255.255.255.255"), host("2001:DB8::1/64")]
    write(fgt, "POST", ADMINS, admin(trusthost=hosts))
    shown = read(fgt, f"{ADMINS}/ot")["trusthost"]
    assert [entry["id"] for entry in shown] == [5, 6, 7]
    assert shown[0]["ipv4-trusthost"] == "192.0.2.0 255.255.255.0"
    assert shown[1]["ipv4-trusthost"] == "198.51.100.9 255.255.255.255"
    assert shown[1]["ipv6-trusthost"] == "::/0"
    assert shown[2]["ipv6-trusthost"] == "2001:db8::/64"


def test_trusted_hosts_are_replaced_as_a_whole(fgt: Any) -> None:
    write(fgt, "POST", ADMINS, admin(comments="kept", trusthost=[host("192.0.2.1/32"), host("192.0.2.2/32")]))
    write(fgt, "PUT", f"{ADMINS}/ot", {"trusthost": [host("192.0.2.3/32")]})
    row = read(fgt, f"{ADMINS}/ot")
    assert [entry["ipv4-trusthost"] for entry in row["trusthost"]] == ["192.0.2.3 255.255.255.255"]
    assert row["comments"] == "kept"


def test_switches_of_trusted_hosts(lab: Any, fgt: Any) -> None:
    lab.options("fgt", host_bits="kept", store_zero_trusthost=True, opposite_family=False)
    write(fgt, "POST", ADMINS, admin(trusthost=[host("192.0.2.7/24"), host("0.0.0.0/0")]))
    first, second = read(fgt, f"{ADMINS}/ot")["trusthost"]
    assert first["ipv4-trusthost"] == "192.0.2.7 255.255.255.0"
    assert second["ipv4-trusthost"] == "0.0.0.0 0.0.0.0"
    assert "ipv6-trusthost" not in first


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (PROFILES, {"name": "x", "fwgrp": "write"}, -651),
        (PROFILES, {"name": "x" * 36}, -1),
        (PROFILES, {"name": "x", "admintimeout": 481}, -650),
        (PROFILES, {"name": "prof_admin"}, -5),
        (PROFILES, {"comments": "nameless"}, -56),
        (ADMINS, {"name": "x"}, -56),
        (ADMINS, {"name": "x", "accprofile": "missing"}, -3),
        (ADMINS, {"name": "x", "accprofile": "prof_admin", "vdom": [{"name": "missing"}]}, -3),
        (ADMINS, {"name": "x", "accprofile": "prof_admin", "api-key": "plain"}, -61),
        (ADMINS, {"name": "x", "accprofile": "prof_admin", "trusthost": [host("0.0.0.0/0")]}, -651),
        (ADMINS, {"name": "x", "accprofile": "prof_admin", "trusthost": [host("192.0.2.300/32")]}, -8),
    ],
)
def test_error_codes(fgt: Any, path: str, body: Any, code: int) -> None:
    before = fgt("GET", path).json()["results"]
    response = fgt("POST", path, json=body)
    answer = response.json()
    assert (response.status_code, answer["status"], answer["error"]) == (500, "error", code)
    assert answer["revision_changed"] is False
    assert "results" not in answer
    assert fgt("GET", path).json()["results"] == before


@pytest.mark.parametrize(("version", "kind"), [("7.2.8", str), ("7.4.5", list)])
def test_cli_error_is_a_text_or_a_list(lab: Any, fgt: Any, version: str, kind: type) -> None:
    lab.options("fgt", version=version)
    error = fgt("POST", ADMINS, json=admin(accprofile="missing")).json()["cli_error"]
    assert isinstance(error, kind)
    assert "entry not found in datasource" in error if kind is list else "datasource\n" in error


def test_writes_are_atomic(fgt: Any) -> None:
    write(fgt, "POST", PROFILES, {"name": "ot", "comments": "old"})
    before = read(fgt, f"{PROFILES}/ot")
    bad = {"comments": "new", "fwgrp": "custom", "fwgrp-permission": {"policy": "read", "address": "bad"}}
    assert fgt("PUT", f"{PROFILES}/ot", json=bad).status_code == 500
    assert read(fgt, f"{PROFILES}/ot") == before


def test_unknown_attribute_is_ignored_or_rejected(lab: Any, fgt: Any) -> None:
    write(fgt, "POST", PROFILES, {"name": "a", "no-such": "x"})
    lab.options("fgt", unknown_attribute="reject")
    assert fgt("POST", PROFILES, json={"name": "b", "no-such": "x"}).json()["error"] == -651


def test_missing_objects(lab: Any, fgt: Any) -> None:
    missing = fgt("GET", f"{PROFILES}/no%2Fne")
    assert missing.status_code == 404
    assert missing.json()["mkey"] == "no/ne"
    assert "results" not in missing.json()
    assert fgt("DELETE", f"{PROFILES}/none").status_code == 404
    for status in (404, 405, 500):
        lab.options("fgt", put_missing=status)
        assert fgt("PUT", f"{PROFILES}/none", json={}).status_code == status
    assert fgt("GET", "/api/v2/cmdb/system/nothing").status_code == 404
    assert fgt("POST", PROFILES, data="{").status_code == 400


def test_profiles_that_cannot_be_deleted(fgt: Any) -> None:
    write(fgt, "POST", PROFILES, {"name": "used"})
    write(fgt, "POST", ADMINS, admin(accprofile="used"))
    assert fgt("DELETE", f"{PROFILES}/used").json()["error"] == -23
    for immutable in ("super_admin", "super_admin_readonly"):
        assert fgt("PUT", f"{PROFILES}/{immutable}", json={"comments": "x"}).json()["error"] == -37
        assert fgt("DELETE", f"{PROFILES}/{immutable}").json()["error"] == (
            -23 if immutable == "super_admin" else -37
        )
    write(fgt, "DELETE", f"{ADMINS}/ot")
    write(fgt, "DELETE", f"{PROFILES}/used")


def test_queries(lab: Any, fgt: Any) -> None:
    assert fgt("GET", f"{PROFILES}?format=name&filter=name=@readonly").json()["results"] == [
        {"name": "super_admin_readonly", "q_origin_key": "super_admin_readonly"}
    ]
    assert len(fgt("GET", f"{PROFILES}?filter=name==prof_admin,name==super_admin").json()["results"]) == 2
    assert read(fgt, f"{PROFILES}/super_admin?with_meta=1")["q_ref"] == 2
    schema = fgt("GET", f"{PROFILES}?action=schema").json()["results"]
    assert schema["children"]["fwgrp-permission"]["children"]["policy"]["category"] == "unitary"
    assert fgt("GET", f"{PROFILES}?action=default").json()["results"]["fwgrp"] == "none"
    lab.options("fgt", multi_vdom=True, vdoms=["root", "ot"])
    assert [item["vdom"] for item in fgt("GET", f"{ADMINS}?vdom=*").json()] == ["root", "ot"]
    assert fgt("GET", f"{ADMINS}?vdom=missing").status_code == 403
    assert [row["name"] for row in fgt("GET", "/api/v2/cmdb/system/vdom").json()["results"]] == ["root", "ot"]


def test_a_new_key_ends_the_old_one(lab: Any, fgt: Any) -> None:
    write(fgt, "POST", ADMINS, admin(trusthost=[host("127.0.0.1/32")]))
    assert "api-key" not in read(fgt, f"{ADMINS}/ot")
    first = key_of(fgt, "ot")
    assert read(fgt, f"{ADMINS}/ot")["api-key"] == "ENC XXXX"
    assert fgt("GET", STATUS, headers=first).status_code == 200
    second = key_of(fgt, "ot")
    assert fgt("GET", STATUS, headers=first).status_code == 401
    assert fgt("GET", STATUS, headers=second).json()["results"]["hostname"] == "fgt"
    write(fgt, "DELETE", f"{ADMINS}/ot")
    assert fgt("GET", STATUS, headers=second).status_code == 401


@pytest.mark.parametrize(
    ("vdoms", "scope", "statuses"),
    [
        (["ot"], "vdom", {"": 403, "?vdom=ot": 200, "?vdom=root": 403}),
        (["ot", "root"], "vdom", {"": 200, "?vdom=ot": 200, "?vdom=root": 200}),
        (["ot"], "global", {"": 200, "?vdom=ot": 200, "?vdom=root": 200}),
    ],
)
def test_a_request_without_vdom_is_about_the_management_vdom(
    lab: Any, fgt: Any, vdoms: list[str], scope: str, statuses: dict[str, int]
) -> None:
    lab.options("fgt", vdoms=["root", "ot"])
    write(fgt, "POST", PROFILES, {"name": "x", "sysgrp": "read", "scope": scope})
    write(fgt, "POST", ADMINS, admin(accprofile="x", vdom=[{"name": name} for name in vdoms]))
    key = key_of(fgt, "ot")
    assert {query: fgt("GET", STATUS + query, headers=key).status_code for query in statuses} == statuses
    denied = fgt("GET", f"{STATUS}?vdom=missing", headers=key).json()
    assert (denied["path"], denied["name"], denied["vdom"]) == ("system", "status", "missing")


def test_keys_expire(lab: Any, fgt: Any) -> None:
    lab.options("fgt", version="7.6.3")
    write(fgt, "POST", ADMINS, admin())
    assert fgt("POST", GENERATE, json={"api-user": "ot", "expiry": 10081}).status_code == 500
    answer = write(fgt, "POST", f"{GENERATE}?api-user=ot&expiry=5")
    header = {"Authorization": f"Bearer {answer['results']['access_token']}"}
    assert fgt("GET", STATUS, headers=header).status_code == 200
    lab.control("POST", "/clock", {"advance": 301})
    assert fgt("GET", STATUS, headers=header).status_code == 401


def test_generate_key_refusals(fgt: Any) -> None:
    assert fgt("POST", GENERATE, json={"api-user": "unknown"}).json()["error"] == -3
    write(fgt, "POST", ADMINS, admin())
    refused = fgt("POST", GENERATE, json={"api-user": "ot"}, headers=key_of(fgt, "ot"))
    assert (refused.status_code, refused.json()["action"]) == (403, "generate-key")
    assert fgt("GET", GENERATE).status_code == 405


def test_lesser_callers(fgt: Any) -> None:
    custom = {"name": "no-system", "fwgrp": "read-write"}
    write(fgt, "POST", PROFILES, custom)
    write(fgt, "POST", ADMINS, admin())
    write(fgt, "POST", ADMINS, admin(name="lowest", accprofile="no-system"))
    system, lowest = key_of(fgt, "ot"), key_of(fgt, "lowest")
    profiles = fgt("GET", PROFILES, headers=system).json()["results"]
    assert "super_admin" not in [row["name"] for row in profiles]
    assert [row["name"] for row in fgt("GET", ADMINS, headers=system).json()["results"]] == ["ot", "lowest"]
    assert fgt("POST", PROFILES, json={"name": "super_admin"}, headers=system).json()["error"] == -5
    assert fgt("POST", ADMINS, json=admin(name="x"), headers=system).status_code == 403
    assert fgt("GET", PROFILES, headers=lowest).json()["http_status"] == 403
    assert fgt("GET", STATUS, headers=lowest).status_code == 200


def test_bad_keys_get_html(lab: Any, fgt: Any) -> None:
    for header in ({"Authorization": None}, {"Authorization": "Bearer wrong"}):
        response = fgt("GET", STATUS, headers=header)
        assert response.status_code == 401
        assert response.headers["content-type"].startswith("text/html")
    lab.options("fgt", nat="203.0.113.9")
    assert fgt("GET", STATUS).status_code == 401
    assert lab.calls("fgt")[-1]["source"] == "203.0.113.9"


def test_lock_out_doubles_and_ends(lab: Any, fgt: Any) -> None:
    def fail() -> list[int]:
        bad = {"Authorization": "Bearer wrong"}
        return [fgt("GET", STATUS, headers=bad).status_code for _time in range(3)]

    assert fail() == [401] * 3
    assert fgt("GET", STATUS).status_code == 429
    lab.control("POST", "/clock", {"advance": 61})
    assert fail() == [401] * 3
    lab.control("POST", "/clock", {"advance": 61})
    assert fgt("GET", STATUS).status_code == 429
    lab.control("POST", "/clock", {"advance": 60})
    assert fgt("GET", STATUS).status_code == 200


def test_url_tokens_end_with_7_4_5(lab: Any, fgt: Any) -> None:
    path = f"{STATUS}?access_token={fgt.credentials['token']}"
    assert fgt("GET", path, headers={"Authorization": None}).status_code == 401
    lab.options("fgt", version="7.2.8")
    assert fgt("GET", path, headers={"Authorization": None}).status_code == 200
    assert {call["query"] for call in lab.calls("fgt")} == {"access_token=<redacted>"}


def test_admins_need_the_password_from_7_6_5(lab: Any, fgt: Any) -> None:
    lab.options("fgt", version="7.6.5")
    refused = fgt("POST", ADMINS, json=admin())
    assert (refused.status_code, refused.json()["error"]) == (500, -8102)
    assert refused.json()["cli_error"] == ["admin's password required."]
    assert fgt("POST", GENERATE, json={"api-user": "automation"}).json()["error"] == -8102
    confirmed = {"X-Admin-Passwd": fgt.credentials["password"]}
    write(fgt, "POST", ADMINS, admin(), headers=confirmed)
    write(fgt, "POST", PROFILES, {"name": "free"})
    wrong = {"X-Admin-Passwd": "wrong ä".encode()}
    assert fgt("DELETE", f"{ADMINS}/ot", headers=wrong).json()["error"] == -8102
    assert lab.control("GET", "/state")["appliances"]["fgt"]["failed_logins"] == {"127.0.0.1": 1}
    lab.options("fgt", token_reauthentication="refuse")
    assert fgt("DELETE", f"{ADMINS}/ot", headers=confirmed).json()["error"] == -8102


def test_answers_can_be_compressed(lab: Any, fgt: Any) -> None:
    lab.options("fgt", gzip=True)
    response = fgt("GET", STATUS, headers={"Accept-Encoding": "identity"})
    assert response.headers["content-encoding"] == "gzip"
    assert response.json()["status"] == "success"


@pytest.fixture
def careful(lab: Any, fgt: Any) -> Any:
    """A client with the key of an administrator with a PKI group."""
    pki = {"peer-auth": "enable", "peer-group": "automation"}
    admin = {"name": "careful", "accprofile": "super_admin", **pki}
    client = lab.client("fgt")
    assert fgt("POST", ADMINS, json=admin).status_code == 200
    made = fgt("POST", GENERATE, json={"api-user": "careful"})
    client.session.headers["Authorization"] = f"Bearer {made.json()['results']['access_token']}"
    return client


def test_a_pki_group_asks_for_a_certificate_beside_the_key(lab: Any, careful: Any) -> None:
    assert careful("GET", PROFILES).status_code == 401
    careful.session.close()
    careful.session.cert = (lab.record["client_cert"], lab.record["client_key"])
    assert careful("GET", PROFILES).status_code == 200
    careful.session.headers["Authorization"] = "Bearer unknown"
    assert careful("GET", PROFILES).status_code == 401


def test_the_ca_of_the_appliances_signs_for_no_pki_group() -> None:
    assert certified({"peer-auth": "enable"}, CLIENT_CA)
    assert not certified({"peer-auth": "enable"}, "trustme v1.2.1")
    assert not certified({"peer-auth": "enable"}, None)
    assert certified({"peer-auth": "disable"}, None)
    assert certified({}, None)
