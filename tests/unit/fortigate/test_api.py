# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The meaning of a FortiGate's answers, in every status and form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    InvalidOptions,
    Locked,
    Refused,
    Unsupported,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Field, Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate import api, login
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api import FortiGate
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_admin import trusted_hosts
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.errors import MEANINGS
from ansible_collections.otsec.defender_iot.tests.unit.fakes import CONNECTION, Wire, answer

ADMIN = Resource(
    label="REST API administrator", kind="admin", path="system/api-user", fields={"name": Field("name")}
)
PARAMS = {
    **CONNECTION,
    "vdom": None,
    "token": "t",
    "username": None,
    "password": None,
}
ABOUT = {"path": "system", "name": "api-user"}
ROW = {"name": "a", "accprofile": "p"}
HTML = "<html><body>Unauthorized</body></html>"


def ok(results: Any = None) -> dict[str, Any]:
    """Make the envelope of a success."""
    return {**ABOUT, "http_status": 200, "status": "success", "results": results}


def failed(error: Any, **more: Any) -> dict[str, Any]:
    """Make the envelope of a failure."""
    return {**ABOUT, "status": "error", "error": error, **more}


@pytest.fixture(autouse=True)
def _nothing_was_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin every test like a new process."""
    monkeypatch.setattr(login, "REFUSED", {})


def gate(*answers: Any, cookies: Any = None, **params: Any) -> FortiGate:
    """Open a FortiGate over a wire in memory."""
    made = FortiGate({**PARAMS, **params})
    made.http = made.account.http = Wire(*answers, cookies=cookies)
    return made


def test_an_object_is_the_row_of_its_name() -> None:
    box = gate(answer(200, ok([ROW])))
    assert box.read(ADMIN, "a") == ROW
    assert box.http.requests == [("GET", "/api/v2/cmdb/system/api-user/a")]


def test_a_name_is_quoted_in_the_path() -> None:
    box = gate(answer(404, failed(-3)))
    assert box.read(ADMIN, "a/b c") is None
    assert box.http.requests == [("GET", "/api/v2/cmdb/system/api-user/a%2Fb%20c")]


@pytest.mark.parametrize("name", ["", ".", ".."])
@pytest.mark.parametrize("verb", ["read", "update", "delete", "references"])
def test_a_name_that_leads_to_another_path_is_refused_before_the_login(verb: str, name: str) -> None:
    box = gate(token=None, username="u", password="p")
    body = ({},) if verb == "update" else ()
    with pytest.raises(Unsupported, match="leads to another path"):
        getattr(box, verb)(ADMIN, name, *body)
    assert box.http.requests == []


@pytest.mark.parametrize("body", [failed(-3), failed(-1), {**ABOUT, "status": "error"}])
def test_only_the_not_found_of_fortios_itself_means_absent(body: Any) -> None:
    assert gate(answer(404, body)).read(ADMIN, "a") is None


UNUSABLE = {
    "404 of a web server": (404, HTML, "an HTML page where JSON was expected"),
    "404 without a body": (404, "", "an empty body where JSON was expected"),
    "404 of another API": (404, {"detail": "no such page"}, "it is not about system/api-user"),
    "404 about another table": (404, {**failed(-3), "name": "accprofile"}, "it is not about system/api-user"),
    "404 as a list": (404, [], "it is not about system/api-user"),
    "200 in HTML": (200, HTML, "an HTML page where JSON was expected"),
    "200 half": (200, '{"results": [', "broken or incomplete JSON where JSON was expected"),
    "200 about another table": (200, {**ok([ROW]), "name": "accprofile"}, "it is not about system/api-user"),
    "200 about nothing": (200, {"status": "success", "results": [ROW]}, "it is not about system/api-user"),
    "results are an object": (200, ok(ROW), "its results are not a list of objects"),
    "results are missing": (200, ok(), "its results are not a list of objects"),
    "results hold texts": (200, ok(["a"]), "its results are not a list of objects"),
    "another object": (200, ok([{"name": "b"}]), 'it does not contain exactly one "a"'),
    "no object": (200, ok([]), 'it does not contain exactly one "a"'),
    "two of that name": (200, ok([ROW, ROW]), 'it does not contain exactly one "a"'),
    "500 in HTML": (500, HTML, "an HTML page where JSON was expected"),
}


@pytest.mark.parametrize(("status", "body", "said"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_answer_is_an_error_and_never_an_absent_object(status: int, body: Any, said: str) -> None:
    with pytest.raises(ApplianceError) as caught:
        gate(answer(status, body)).read(ADMIN, "a")
    assert caught.value.__class__ is ApplianceError
    assert said in caught.value.reason
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (401, HTML, Refused, "not one of the account's trusted hosts"),
        (401, "", Refused, "three failures lock this source address out"),
        (
            429,
            HTML,
            Locked,
            "locked out after failed logins; wait 60 s (each further lockout lasts twice as long), then",
        ),
        (403, failed(-37), Refused, "permission denied: the account's admin profile lacks the permission"),
        (403, HTML, Refused, "permission denied by the web server, before the request reached the API"),
        (400, HTML, Refused, "it rejects the request as malformed; report"),
        (405, "", Refused, "the operation does not exist"),
        (413, HTML, Refused, "the request is too large; set fewer values in one task"),
        (424, "", Refused, "a value in the request is missing, duplicate or invalid; check"),
        (
            503,
            HTML,
            ApplianceError,
            "its API is not available; wait, because it may be starting, and run again",
        ),
        (503, failed(-1), ApplianceError, "its API is not available"),
    ],
)
@pytest.mark.parametrize("verb", ["read", "delete"])
def test_a_refusal_is_recognized_in_every_form(
    status: int, body: Any, error: type, said: str, verb: str
) -> None:
    with pytest.raises(error) as caught:
        getattr(gate(answer(status, body)), verb)(ADMIN, "a")
    assert caught.value.__class__ is error
    assert said in caught.value.reason
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("body", "code"), [(failed(-37), -37), (failed(None), None), ({}, None), ([], None), (HTML, None)]
)
def test_a_denial_keeps_its_number(body: Any, code: int | None) -> None:
    with pytest.raises(Refused) as caught:
        gate(answer(403, body)).read(ADMIN, "a")
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("vdom", "place"),
    [("plant", 'VDOM "plant"'), (None, "the management VDOM, which is used without vdom")],
)
@pytest.mark.parametrize("verb", ["read", "table", "delete", "mint"])
def test_a_denial_names_the_vdom_of_the_request(verb: str, vdom: str | None, place: str) -> None:
    arguments = [] if verb == "table" else ["a"]
    with pytest.raises(Refused) as caught:
        getattr(gate(answer(403, failed(None)), vdom=vdom), verb)(ADMIN, *arguments)
    assert caught.value.why.endswith(f"or the account has no access to {place}")
    assert caught.value.remedy.endswith("or set vdom to a VDOM of the account")


@pytest.mark.parametrize("vdom", ["*", "root,plant"])
def test_several_vdoms_are_refused_before_any_request(vdom: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        gate(vdom=vdom)
    assert str(caught.value) == f'vdom is "{vdom}", which means several VDOMs; set vdom to one VDOM'


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", "wait 7 s"),
        ("Sun, 22 Nov 2026 04:00:00 GMT", "wait 60 s"),
        ("", "wait 60 s"),
        ("-1", "wait 60 s"),
    ],
)
def test_the_message_of_a_lockout_says_how_long_to_wait(said: str, seconds: str) -> None:
    locked = replace(answer(429, HTML), headers={"Retry-After": said})
    with pytest.raises(Locked, match=f"; {seconds}( \\(.*\\))?, then"):
        gate(locked).read(ADMIN, "a")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (None, ""),
        ("", ""),
        ([], ""),
        ("in use\n\nby vpn\n", " (in use, by vpn)"),
        (["bad.", "worse"], " (bad, worse)"),
        ([1, None, "bad"], " (bad)"),
        (7, ""),
        ({"a": 1}, ""),
        ("bell\x07" + 400 * "x", f" (bell{296 * 'x'})"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 424, 500])
def test_the_message_of_the_cli_follows_the_cause(error: Any, said: str, status: int) -> None:
    with pytest.raises(Refused) as caught:
        gate(answer(status, failed(-23, cli_error=error))).update(ADMIN, "a", {})
    assert caught.value.reason == f"it is still in use{said}; first delete what refers to it"
    assert (caught.value.code, caught.value.status) == (-23, status)


@pytest.mark.parametrize("code", MEANINGS)
def test_every_known_number_has_a_cause_and_a_remedy(code: int) -> None:
    with pytest.raises(ApplianceError) as caught:
        gate(answer(500, failed(code))).update(ADMIN, "a", {})
    assert (caught.value.code, caught.value.reason) == (code, "; ".join(MEANINGS[code]))
    assert isinstance(caught.value, Refused) is (code != -61)


@pytest.mark.parametrize(
    ("status", "code", "reason", "is_refusal"),
    [
        (500, -4711, "it gave no reason; check its event log", False),
        (500, None, "it gave no reason; check its event log", False),
        (500, "-3", "it gave no reason; check its event log", False),
        (
            404,
            None,
            "the object no longer exists, as if another administrator had deleted it; run again",
            True,
        ),
        (405, None, "the operation does not exist", True),
        (424, -4711, "a value in the request is missing", True),
    ],
)
def test_without_a_known_number_the_status_is_explained(
    status: int, code: Any, reason: str, is_refusal: bool
) -> None:
    with pytest.raises(ApplianceError) as caught:
        gate(answer(status, failed(code))).update(ADMIN, "a", {})
    assert isinstance(caught.value, Refused) is is_refusal
    assert caught.value.reason.startswith(reason)
    assert caught.value.code == (code if isinstance(code, int) else None)


@pytest.mark.parametrize(
    ("status", "body"), [(500, ok()), (200, {**ABOUT, "status": "warning"}), (200, ABOUT)]
)
def test_only_success_with_status_200_is_success(status: int, body: Any) -> None:
    with pytest.raises(ApplianceError) as caught:
        gate(answer(status, body)).create(ADMIN, "a", {})
    assert not isinstance(caught.value, Refused)


def test_writes_name_table_object_and_vdom() -> None:
    box = gate(*[answer(200, ok())] * 3, vdom="root")
    box.create(ADMIN, "a", ROW)
    box.update(ADMIN, "a", {"accprofile": "q"})
    box.delete(ADMIN, "a")
    table = "/api/v2/cmdb/system/api-user"
    assert box.http.requests == [("POST", table), ("PUT", f"{table}/a"), ("DELETE", f"{table}/a")]
    assert [content["params"] for content in box.http.contents] == [{"vdom": "root"}] * 3
    assert [content.get("json") for content in box.http.contents] == [ROW, {"accprofile": "q"}, None]


def test_a_minted_key_is_returned() -> None:
    box = gate(answer(200, ok({"access_token": "s3cr3t"})))
    assert box.mint(ADMIN, "a") == ("s3cr3t", None)
    assert box.http.contents[0]["json"] == {"api-user": "a"}


@pytest.mark.parametrize("results", [None, {}, [], {"access_token": ""}, {"access_token": None}, "s3cr3t"])
def test_a_success_without_a_key_is_an_unknown_outcome(results: Any) -> None:
    with pytest.raises(ApplianceError, match="it contains no access_token") as caught:
        gate(answer(200, ok(results))).mint(ADMIN, "a")
    assert not isinstance(caught.value, Refused)


UNCLEAR = {
    "another status": answer(500, "Internal Server Error", "text/plain"),
    "no number": answer(500, failed(None)),
    "an unknown number": answer(500, failed(-4711)),
    "a command that failed": answer(500, failed(-61)),
    "a success that is none": answer(500, ok()),
    "an error with 200": answer(200, failed(None)),
    "a page": answer(200, HTML, "text/html"),
    "half an answer": answer(200, '{"status": "succ'),
    "a gateway": answer(502, HTML, "text/html"),
    "another gateway": answer(504, failed(-37, path="other")),
    "a busy server": answer(503, HTML, "text/html"),
}


@pytest.mark.parametrize("unclear", UNCLEAR.values(), ids=UNCLEAR)
def test_an_answer_that_does_not_prove_a_refusal_is_an_unknown_outcome(unclear: Any) -> None:
    with pytest.raises(ApplianceError) as caught:
        gate(unclear).mint(ADMIN, "a")
    assert not isinstance(caught.value, (Refused, Unsupported))


@pytest.mark.parametrize(
    "clear",
    [
        answer(400, HTML, "text/html"),
        answer(401, HTML, "text/html"),
        answer(403, HTML, "text/html"),
        answer(403, failed(None)),
        answer(404, failed(None)),
        answer(405, failed(None)),
        answer(413, HTML, "text/html"),
        answer(424, failed(None)),
        answer(429, ""),
        answer(500, failed(-3)),
        answer(500, failed(-37)),
        answer(500, failed(-8102)),
    ],
    ids=lambda clear: f"{clear.status}",
)
def test_a_refusal_proves_that_no_key_was_generated(clear: Any) -> None:
    with pytest.raises(Refused):
        gate(clear).mint(ADMIN, "a")


HERE = {"trusthost": [{"type": "ipv4-trusthost", "ipv4-trusthost": "127.0.0.0 255.0.0.0"}]}
THERE = {"trusthost": [{"type": "ipv4-trusthost", "ipv4-trusthost": "192.0.2.0 255.255.255.0"}]}


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, "valid"),
        (401, "invalid"),
        (403, "unknown"),
        (429, "unknown"),
        (404, "unknown"),
        (500, "unknown"),
    ],
)
def test_a_key_is_judged_by_one_call(status: int, verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = Wire(answer(status))
    monkeypatch.setattr(api, "Http", lambda _params: stranger)
    box = gate()
    box.http = Wire(answer(200, ok([{**ROW, **HERE}])))
    box.http.url = "https://127.0.0.1"
    assert box.probe(ADMIN, "a", "s3cr3t") == (verdict, status)
    assert stranger.requests == [("GET", "/api/v2/monitor/system/status")]
    assert stranger.contents[0]["headers"]["Authorization"] == "Bearer s3cr3t"
    assert stranger.closed


def test_an_administrator_that_was_read_is_not_read_again_for_a_trial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stranger = Wire(answer(200))
    monkeypatch.setattr(api, "Http", lambda _params: stranger)
    box = gate()
    box.http.url = "https://127.0.0.1"
    assert box.probe(ADMIN, "a", "s3cr3t", {**ROW, **HERE}) == ("valid", 200)
    assert box.probe(ADMIN, "a", "s3cr3t", ROW) == ("unknown", None)
    assert box.http.requests == []


def probed(admin: dict[str, Any], given: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Wire]:
    """Probe the key of an admin that trusts this host; return the verdict and the wire of the probe."""
    stranger = Wire(given)
    monkeypatch.setattr(api, "Http", lambda _params: stranger)
    box = gate(vdom="root")
    box.http = Wire(answer(200, ok([{**ROW, **HERE, **admin}])))
    box.http.url = "https://127.0.0.1"
    return box.probe(ADMIN, "a", "s3cr3t"), stranger


@pytest.mark.parametrize(
    ("admin", "query"),
    [
        ({"vdom": [{"name": "plant"}, {"name": "root"}]}, {"vdom": "plant"}),
        ({"vdom": [{"name": ""}, 7, {"name": "plant"}]}, {"vdom": "plant"}),
        ({"vdom": []}, {}),
        ({"vdom": None}, {}),
        ({}, {}),
    ],
)
def test_a_key_is_probed_in_a_vdom_of_its_admin(
    admin: Any, query: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict, stranger = probed(admin, answer(200), monkeypatch)
    assert verdict == ("valid", 200)
    assert stranger.contents[0]["params"] == query


STATUS_DENIED = {"path": "system", "name": "status", "status": "error", "http_status": 403}


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (STATUS_DENIED, "valid"),
        ({**STATUS_DENIED, "name": "global"}, "unknown"),
        ({"detail": "no"}, "unknown"),
        ([], "unknown"),
        ("{", "unknown"),
        (HTML, "unknown"),
        ("", "unknown"),
    ],
)
def test_only_a_denial_by_fortios_itself_proves_that_a_key_was_accepted(
    body: Any, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert probed({}, answer(403, body), monkeypatch)[0] == (verdict, 403)


@pytest.mark.parametrize(
    "read",
    [answer(404, failed(-3)), answer(200, ok([{**ROW, **THERE}])), answer(200, ok([ROW]))],
    ids=["no admin", "this host is not trusted", "no trusted hosts"],
)
def test_a_key_is_not_tried_where_a_refusal_proves_nothing(
    read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "Http", lambda _params: Wire())
    box = gate()
    box.http = Wire(read)
    box.http.url = "https://127.0.0.1"
    assert box.probe(ADMIN, "a", "s3cr3t") == ("unknown", None)


def test_a_key_is_not_tried_through_a_proxy_whose_address_is_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api, "Http", lambda _params: Wire())
    box = gate()
    box.http = Wire(answer(200, ok([{**ROW, **HERE}])))
    box.http.url, box.http.proxy = "https://127.0.0.1", "192.0.2.9:3128"
    assert box.probe(ADMIN, "a", "s3cr3t") == ("unknown", None)


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(("said", "version"), [("v7.4.5", "7.4.5"), ("7.4", None), (None, None)])
def test_every_read_records_the_firmware(there: bool, said: Any, version: str | None) -> None:
    reply = {**ok([{"name": "a"}]), "version": said}
    box = gate(answer(200, reply) if there else answer(404, {**reply, "status": "error", "results": None}))
    box.read(ADMIN, "a")
    assert box.version == version


@pytest.mark.parametrize(
    ("vdom", "said", "management"),
    [(None, "mgmt", "mgmt"), (None, "", None), (None, 7, None), ("plant", "plant", None)],
)
@pytest.mark.parametrize("there", [True, False])
def test_a_read_without_vdom_records_the_management_vdom(
    vdom: Any, said: Any, management: Any, there: bool
) -> None:
    reply = {**ok([{"name": "a"}]), "vdom": said}
    missing = {**reply, "status": "error", "results": None}
    box = gate(answer(200, reply) if there else answer(404, missing), vdom=vdom)
    box.read(ADMIN, "a")
    assert box.partition == management


@pytest.mark.parametrize(
    ("said", "serial"), [("FGT60F0000000001", "FGT60F0000000001"), ("", None), (7, None), (None, None)]
)
def test_a_read_records_the_serial_number_of_the_unit_that_answers(said: Any, serial: str | None) -> None:
    box = gate(answer(200, {**ok([{"name": "a"}]), "serial": said}))
    box.read(ADMIN, "a")
    assert box.serial == serial


def test_references_are_counted_by_the_metadata_of_an_object() -> None:
    box = gate(answer(200, ok([{"name": "a", "q_ref": 3}])), answer(200, ok([{"name": "a"}])))
    assert (box.references(ADMIN, "a"), box.references(ADMIN, "a")) == (3, 0)
    assert box.http.contents[0]["params"] == {"with_meta": "1"}


def test_only_the_family_of_an_entry_counts_as_trusted() -> None:
    both = {"ipv4-trusthost": "192.0.2.10 255.255.255.255", "ipv6-trusthost": "::/0"}
    table = [
        {"type": "ipv4-trusthost", **both},
        {**both, "type": "ipv6-trusthost", "ipv6-trusthost": "2001:db8::/64"},
    ]
    assert trusted_hosts([*table, both]) == [
        "192.0.2.10 255.255.255.255",
        "2001:db8::/64",
        "192.0.2.10 255.255.255.255",
    ]


GROUP = Resource(label="address group", kind="group", path="firewall/addrgrp", fields={"name": Field("name")})
LOOKUP = Resource(
    label="policy lookup", kind="policy_lookup", path="firewall/policy-lookup", fields={"name": Field("name")}
)
GROUPS = {"path": "firewall", "name": "addrgrp", "http_status": 200, "status": "success"}


def test_a_search_is_a_filter_with_the_references_the_revision_and_the_time() -> None:
    rows = [{"name": "blocked", "q_ref": 1}]
    box = gate(
        answer(200, {**GROUPS, "results": rows, "revision": "a1"}, Date="Fri, 27 Nov 2026 19:40:00 GMT")
    )
    found = box.search(GROUP, "blocked")
    assert found == {"rows": rows, "revision": "a1", "date": "Fri, 27 Nov 2026 19:40:00 GMT"}
    assert box.http.requests == [("GET", "/api/v2/cmdb/firewall/addrgrp")]
    assert box.http.contents[0]["params"] == {"filter": "name=@blocked", "with_meta": "1"}


def test_a_search_may_lack_the_revision_and_the_time() -> None:
    box = gate(answer(200, {**GROUPS, "results": []}))
    assert box.search(GROUP, "blocked") == {"rows": [], "revision": None, "date": None}


@pytest.mark.parametrize("sign", [{"limit_reached": True}, {"matched_count": 2}])
def test_a_part_of_a_table_is_not_the_table(sign: dict[str, Any]) -> None:
    reply = {**GROUPS, "results": [{"name": "a"}], **sign}
    for verb in (lambda box: box.search(GROUP, "a"), lambda box: box.table(GROUP)):
        with pytest.raises(ApplianceError, match="only a part of the table"):
            verb(gate(answer(200, reply)))


@pytest.mark.parametrize(
    ("results", "limit"),
    [
        ({"children": {"member": {"max_table_size_item": 600}}}, 600),
        ({"children": {"member": {"max_table_size_item": 0}}}, None),
        ({"children": {"member": {}}}, None),
        ({"children": {"member": []}}, None),
        ({"children": []}, None),
        ([], None),
    ],
)
def test_the_capacity_is_in_the_schema(results: Any, limit: int | None) -> None:
    box = gate(answer(200, {**GROUPS, "results": results}))
    assert box.capacity(GROUP, "member") == limit
    assert box.http.contents[0]["params"] == {"action": "schema"}


def test_members_are_added_and_removed_by_their_own_paths() -> None:
    box = gate(answer(200, GROUPS), answer(200, GROUPS))
    box.add(GROUP, "blocked", "blocked-192.0.2.7")
    box.remove(GROUP, "blocked", "blocked-192.0.2.7")
    assert box.http.requests == [
        ("POST", "/api/v2/cmdb/firewall/addrgrp/blocked/member"),
        ("DELETE", "/api/v2/cmdb/firewall/addrgrp/blocked/member/blocked-192.0.2.7"),
    ]
    assert box.http.contents[0]["json"] == {"name": "blocked-192.0.2.7"}


def test_the_place_of_a_move_is_in_the_query() -> None:
    box = gate(answer(200, {**GROUPS, "name": "policy"}))
    box.move(replace(GROUP, path="firewall/policy"), "9", "1")
    assert box.http.requests == [("PUT", "/api/v2/cmdb/firewall/policy/9")]
    assert box.http.contents[0]["params"] == {"action": "move", "before": "1"}


def test_a_question_to_the_monitor_has_its_own_base() -> None:
    box = gate(answer(200, {**GROUPS, "name": "policy-lookup", "results": {"policy_id": 9}}))
    assert box.ask(LOOKUP, {"srcintf": "lan"}) == {"policy_id": 9}
    assert box.http.requests == [("GET", "/api/v2/monitor/firewall/policy-lookup")]


KEYLESS = ["", ".", "..", None]


@pytest.mark.parametrize("key", KEYLESS)
@pytest.mark.parametrize("name", ["", ".", ".."])
def test_no_verb_can_delete_a_table(key: Any, name: str) -> None:
    """A DELETE without a key deletes every object that nothing refers to."""
    calls = [
        lambda box: box.delete(GROUP, key),
        lambda box: box.remove(GROUP, key, "blocked-192.0.2.7"),
        lambda box: box.remove(GROUP, "blocked", name),
        lambda box: box.remove(GROUP, key, name),
    ]
    for call in calls:
        box = gate()
        with pytest.raises(Unsupported):
            call(box)
        assert box.http.requests == []


@pytest.mark.parametrize(
    "path", ["firewall/address", "firewall/addrgrp/a/member", "firewall/address/", "firewall//a"]
)
def test_the_transport_refuses_the_path_of_a_table(path: str) -> None:
    box = gate()
    with pytest.raises(Unsupported, match="is a whole table, which is never deleted"):
        box._write("DELETE", f"/api/v2/cmdb/{path}", GROUP)
    assert box.http.requests == []
