# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The FortiGate of the lab: queries, paths below an object, and rare statuses."""

from __future__ import annotations

from typing import Any

import pytest

PROFILES = "/api/v2/cmdb/system/accprofile"
ADMINS = "/api/v2/cmdb/system/api-user"
HOSTS = f"{ADMINS}/ot/trusthost"
GENERATE = "/api/v2/monitor/system/api-user/generate-key"


def host(number: int, network: str) -> dict[str, Any]:
    """Return a trusted host."""
    return {"id": number, "type": "ipv4-trusthost", "ipv4-trusthost": network}


def get(fgt: Any, path: str) -> Any:
    """Return the results of a read."""
    response = fgt("GET", path)
    assert response.status_code == 200, response.text
    return response.json()["results"]


def write(fgt: Any, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """Write, check the success, and return the envelope."""
    response = fgt(method, path, json=body)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture
def ot(fgt: Any) -> Any:
    """A FortiGate with an administrator with two trusted hosts, and a profile with one custom group."""
    hosts = [host(1, "192.0.2.1/32"), host(7, "192.0.2.7/32")]
    write(fgt, "POST", ADMINS, {"name": "ot", "accprofile": "prof_admin", "trusthost": hosts})
    rights = {"fwgrp": "custom", "fwgrp-permission": {"policy": "read"}}
    write(fgt, "POST", PROFILES, {"name": "ot", "comments": "b", **rights})
    return fgt


def test_meta_information_of_a_row(ot: Any) -> None:
    (stock,) = get(ot, f"{PROFILES}/prof_admin?with_meta=1")
    assert {name: value for name, value in stock.items() if name.startswith("q_")} == {
        "q_origin_key": "prof_admin",
        "q_ref": 1,
        "q_static": True,
        "q_no_rename": False,
        "q_global_entry": False,
        "q_type": 10,
        "q_path": "system",
        "q_name": "accprofile",
        "q_mkey_type": "string",
        "q_no_edit": False,
    }
    (admin,) = get(ot, f"{ADMINS}/ot?with_meta=true")
    assert (admin["q_type"], admin["q_static"]) == (531, False)
    assert "q_type" not in get(ot, f"{ADMINS}/ot")[0]


def test_what_does_not_apply_is_skipped(ot: Any) -> None:
    (profile,) = get(ot, f"{PROFILES}/ot?skip=1")
    assert [name for name in profile if name.endswith("-permission")] == ["fwgrp-permission"]
    assert "admintimeout" not in profile
    write(ot, "PUT", f"{PROFILES}/ot", {"admintimeout-override": "enable"})
    assert get(ot, f"{PROFILES}/ot?skip=1")[0]["admintimeout"] == 10
    (admin,) = get(ot, f"{ADMINS}/ot?skip=1")
    assert "ipv6-trusthost" not in admin["trusthost"][0]


def test_default_values_are_left_out(ot: Any) -> None:
    (profile,) = get(ot, f"{PROFILES}/ot?exclude-default-values=1")
    assert set(profile) == {"name", "q_origin_key", "comments", "fwgrp", "fwgrp-permission"}


def test_datasources_are_named(ot: Any) -> None:
    write(ot, "PUT", f"{ADMINS}/ot", {"vdom": [{"name": "root"}]})
    (admin,) = get(ot, f"{ADMINS}/ot?datasource=1")
    assert admin["vdom"] == [{"name": "root", "q_origin_key": "root", "datasource": "system.vdom"}]
    assert "datasource" not in admin["trusthost"][0]
    (automation,) = get(ot, f"{ADMINS}/automation?datasource=1&exclude-default-values=1&skip=1&with_meta=1")
    assert automation["vdom"][0]["datasource"] == "system.vdom"
    write(ot, "PUT", f"{ADMINS}/ot", {"vdom": []})
    assert "vdom" not in get(ot, f"{ADMINS}/ot?datasource=1&exclude-default-values=1")[0]


def test_rows_are_sorted_and_counted(lab: Any, ot: Any) -> None:
    write(ot, "POST", PROFILES, {"name": "a", "comments": "b"})
    names = [row["name"] for row in get(ot, f"{PROFILES}?sort=comments,dsc&sort=name")]
    assert names == ["a", "ot", "prof_admin", "super_admin", "super_admin_readonly"]
    body = ot("GET", f"{PROFILES}?key=name&pattern=ot").json()
    assert [row["name"] for row in body["results"]] == ["ot"]
    counts = {"size": 5, "matched_count": 1, "next_idx": 0, "limit_reached": False}
    assert counts.items() <= body.items()
    lab.options("fgt", version="6.4.14")
    assert not counts.keys() & ot("GET", PROFILES).json().keys()


def test_the_schema_describes_tables_as_recorded_ones_do(fgt: Any) -> None:
    schema = get(fgt, f"{ADMINS}?action=schema")
    described = {
        "name": "api-user",
        "path": "system",
        "category": "table",
        "mkey": "name",
        "mkey_type": "string",
        "access_group": "sysgrp",
        "max_table_size_global": 512,
        "q_type": 531,
    }
    assert described.items() <= schema.items()
    children = schema["children"]
    assert children["comments"]["type"] == "var-string"
    assert "default" not in children["comments"]
    assert children["accprofile"]["required"] is True
    assert children["peer-auth"]["multiple_values"] is False
    assert children["trusthost"]["mkey_type"] == "integer"
    assert "required" not in children["schedule"]


def test_attributes_come_in_the_order_of_recorded_answers(ot: Any) -> None:
    (profile,) = get(ot, f"{PROFILES}/ot")
    first = ["name", "q_origin_key", "comments", "secfabgrp", "ftviewgrp", "authgrp", "sysgrp", "netgrp"]
    assert list(profile)[:8] == first
    (admin,) = get(ot, f"{ADMINS}/ot")
    assert list(admin)[:4] == ["name", "q_origin_key", "comments", "accprofile"]
    assert list(admin["trusthost"][0])[:3] == ["id", "q_origin_key", "type"]


def test_some_vdoms_and_the_whole_device_answer_as_lists(lab: Any, ot: Any) -> None:
    lab.options("fgt", multi_vdom=True, vdoms=["root", "ot", "it"])
    assert [each["vdom"] for each in ot("GET", f"{ADMINS}?vdom=ot,it").json()] == ["ot", "it"]
    (whole,) = ot("GET", f"{ADMINS}?global=1").json()
    assert [row["name"] for row in whole["results"]] == ["automation", "ot"]
    assert ot("GET", f"{ADMINS}?scope=global").json()["results"] == whole["results"]
    assert ot("GET", f"{ADMINS}?vdom=ot,none").status_code == 403


def test_the_security_fabric_has_permissions_from_7_6_5(lab: Any, fgt: Any) -> None:
    body = {"name": "x", "secfabgrp": "custom", "secfabgrp-permission": {"csfsys": "read"}}
    lab.options("fgt", version="7.6.4")
    assert fgt("POST", PROFILES, json=body).json()["error"] == -651
    lab.options("fgt", version="7.6.5")
    write(fgt, "POST", PROFILES, body)
    assert get(fgt, f"{PROFILES}/x")[0]["secfabgrp-permission"] == {"csfsys": "read", "csffoo": "none"}


def test_a_row_is_cloned(ot: Any) -> None:
    assert write(ot, "POST", f"{PROFILES}/ot?action=clone&nkey=copy")["mkey"] == "copy"
    (original,), (copy,) = get(ot, f"{PROFILES}/ot"), get(ot, f"{PROFILES}/copy")
    assert copy == {**original, "name": "copy", "q_origin_key": "copy"}
    write(ot, "PUT", f"{PROFILES}/copy", {"fwgrp-permission": {"policy": "read-write"}})
    assert get(ot, f"{PROFILES}/ot") == [original]
    for query, code in (("nkey=copy", -5), ("", -56), (f"nkey={'x' * 36}", -1)):
        assert ot("POST", f"{PROFILES}/ot?action=clone&{query}").json()["error"] == code
    assert ot("POST", f"{PROFILES}/none?action=clone&nkey=x").status_code == 404


def test_a_table_that_is_full(fgt: Any) -> None:
    for number in range(63):
        write(fgt, "POST", PROFILES, {"name": f"p{number}"})
    assert fgt("POST", PROFILES, json={"name": "one-too-many"}).json()["error"] == -4


def test_a_trusted_host_by_itself(ot: Any) -> None:
    assert [row["id"] for row in get(ot, HOSTS)] == [1, 7]
    (seventh,) = get(ot, f"{HOSTS}/7")
    assert seventh["ipv4-trusthost"] == "192.0.2.7 255.255.255.255"
    assert write(ot, "POST", HOSTS, host(0, "192.0.2.8/32"))["mkey"] == "8"
    write(ot, "PUT", f"{HOSTS}/7", {"ipv4-trusthost": "192.0.2.9/32"})
    assert not write(ot, "PUT", f"{HOSTS}/7", {"ipv4-trusthost": "192.0.2.9/32"})["revision_changed"]
    write(ot, "DELETE", f"{HOSTS}/1")
    left = [(row["id"], row["ipv4-trusthost"].split()[0]) for row in get(ot, HOSTS)]
    assert left == [(7, "192.0.2.9"), (8, "192.0.2.8")]


def test_refusals_of_a_trusted_host_by_itself(lab: Any, ot: Any) -> None:
    before = get(ot, HOSTS)
    assert ot("POST", HOSTS, json=host(7, "192.0.2.8/32")).json()["error"] == -5
    assert ot("PUT", f"{HOSTS}/7", json={"ipv4-trusthost": "192.0.2.300"}).json()["error"] == -8
    for method, path, status in (
        ("GET", f"{HOSTS}/2", 404),
        ("PUT", f"{HOSTS}/2", 404),
        ("DELETE", f"{HOSTS}/2", 404),
        ("PUT", HOSTS, 405),
        ("DELETE", HOSTS, 405),
        ("POST", f"{HOSTS}/7", 405),
        ("GET", f"{ADMINS}/none/trusthost", 404),
        ("DELETE", f"{ADMINS}/none/trusthost/1", 404),
        ("GET", f"{ADMINS}/ot/comments", 404),
    ):
        assert ot(method, path, json={}).status_code == status, (method, path)
    assert get(ot, HOSTS) == before
    lab.options("fgt", version="7.6.5")
    assert ot("DELETE", f"{HOSTS}/7").json()["error"] == -8102


def test_permissions_by_themselves(ot: Any) -> None:
    permissions = f"{PROFILES}/ot/fwgrp-permission"
    assert get(ot, permissions)["policy"] == "read"
    assert write(ot, "PUT", permissions, {"address": "read"})["mkey"] == "ot"
    assert (get(ot, permissions)["policy"], get(ot, permissions)["address"]) == ("read", "read")
    assert ot("DELETE", permissions).status_code == 405
    assert ot("GET", f"{permissions}/policy").status_code == 404
    assert get(ot, f"{PROFILES}/prof_admin/fwgrp-permission?skip=1") == {}


def test_an_answer_that_has_not_changed_is_not_sent_again(ot: Any) -> None:
    first = ot("GET", f"{PROFILES}/ot")
    tag = {"If-None-Match": first.headers["ETag"]}
    again = ot("GET", f"{PROFILES}/ot", headers=tag)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    write(ot, "PUT", f"{PROFILES}/ot", {"comments": "changed"})
    assert ot("GET", f"{PROFILES}/ot", headers=tag).status_code == 200


def test_a_body_that_is_too_large(fgt: Any) -> None:
    response = fgt("POST", PROFILES, json={"name": "x", "comments": "x" * 2**20})
    assert response.status_code == 413
    assert response.headers["content-type"].startswith("text/html")


def test_a_refused_value_may_be_a_failed_dependency(lab: Any, fgt: Any) -> None:
    lab.options("fgt", refused_status=424)
    duplicate = fgt("POST", PROFILES, json={"name": "prof_admin"})
    assert (duplicate.status_code, duplicate.json()["http_status"], duplicate.json()["error"]) == (
        424,
        424,
        -5,
    )
    assert fgt("PUT", f"{PROFILES}/super_admin", json={}).status_code == 500


def test_a_forbidden_read_may_be_trimmed(lab: Any, ot: Any) -> None:
    write(ot, "PUT", f"{ADMINS}/ot", {"accprofile": "ot", "trusthost": []})
    token = write(ot, "POST", GENERATE, {"api-user": "ot"})["results"]["access_token"]
    lowest = {"Authorization": f"Bearer {token}"}
    assert ot("GET", f"{PROFILES}/ot", headers=lowest).status_code == 403
    lab.options("fgt", forbidden_read="trim")
    trimmed = ot("GET", f"{PROFILES}/ot", headers=lowest)
    assert trimmed.json()["results"] == [{"name": "ot", "q_origin_key": "ot"}]
    assert ot("PUT", f"{PROFILES}/ot", json={}, headers=lowest).status_code == 403
