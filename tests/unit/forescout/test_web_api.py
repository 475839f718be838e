# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forescout's Web API: logins, forms of the token, expiry, entity tags, large ids, and labels."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    InvalidOptions,
    Locked,
    NotFound,
    Refused,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout import hosts
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.hosts import (
    HOST,
    LABELS,
    PROPERTY,
    prepare_host_info,
    read_host,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.policies import MATCH
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.web_api import (
    WebApi,
    place,
)
from ansible_collections.otsec.defender_iot.tests.unit.fakes import CONNECTION, Wire, answer, do

PARAMS = {**CONNECTION, "username": "u", "password": "p", "token_form": "auto"}
TOKEN = answer(200, "head.body.tail", "text/plain")
EXPIRED = answer(401, {"message": "Expired. See log for more details."})
FIELDS = {"hostFields": [{"name": f"tag{n}", "label": label} for n, label in enumerate(LABELS)]}
BIG = -6488799636120036097


def web(*answers: Any, **params: Any) -> WebApi:
    """Open a platform over a wire in memory."""
    made = WebApi({**PARAMS, **params})
    made.http = Wire(*answers)
    return made


def sent(api: WebApi) -> list[str | None]:
    """Return the form in which the token was sent with each request."""
    headers = [content.get("headers", {}).get("Authorization") for content in api.http.contents]
    return [header and header.replace("head.body.tail", "T") for header in headers]


def host(**fields: Any) -> Any:
    """Make the answer about one host."""
    return answer(200, {"host": {"id": BIG, "ip": "192.0.2.1", "mac": None, "fields": fields}})


def at(timestamp: int, value: Any = "v") -> dict[str, Any]:
    """Make a property's value."""
    return {"timestamp": timestamp, "value": value}


def job(*answers: Any, **params: Any) -> Task:
    """Make a task about a host, which has logged in already."""
    given = {
        **PARAMS,
        "labels": LABELS,
        "host": "192.0.2.1",
        "newer_than": None,
        "wait": 0,
        "interval": 1,
        **params,
    }
    return Task(HOST, given, web(TOKEN, *answers), "forescout-1", False)


def test_the_login_is_a_form_and_its_answer_is_the_token() -> None:
    api = web(TOKEN, answer(200, FIELDS))
    assert len(api.table(PROPERTY)) == 8
    assert api.http.requests == [("POST", "/api/login"), ("GET", "/api/hostfields")]
    assert api.http.contents[0] == {"data": {"username": "u", "password": "p"}}


@pytest.mark.parametrize(
    ("form", "answers", "forms"),
    [
        ("auto", [answer(200, FIELDS)], [None, "T"]),
        ("auto", [EXPIRED, answer(200, FIELDS)], [None, "T", "Bearer T"]),
        ("bare", [answer(200, FIELDS)], [None, "T"]),
        ("bearer", [answer(200, FIELDS)], [None, "Bearer T"]),
    ],
)
def test_the_token_is_sent_in_the_form_that_the_platform_wants(form: str, answers: Any, forms: Any) -> None:
    api = web(TOKEN, *answers, token_form=form)
    api.table(PROPERTY)
    assert sent(api) == forms


@pytest.mark.parametrize(("form", "asked"), [("auto", 2), ("bare", 1), ("bearer", 1)])
def test_a_fresh_token_that_is_refused_is_no_reason_to_log_in_again(form: str, asked: int) -> None:
    api = web(TOKEN, *[EXPIRED] * asked, token_form=form)
    with pytest.raises(Refused, match="set token_form"):
        api.table(PROPERTY)
    assert len(api.http.requests) == 1 + asked


def test_an_expired_token_is_replaced_once_in_the_form_already_known() -> None:
    api = web(TOKEN, EXPIRED, answer(200, FIELDS), EXPIRED, TOKEN, answer(200, FIELDS))
    api.table(PROPERTY)
    api.table(PROPERTY)
    assert sent(api) == [None, "T", "Bearer T", "Bearer T", None, "Bearer T"]


def test_a_token_that_is_refused_right_after_a_second_login_is_an_error() -> None:
    api = web(TOKEN, answer(200, FIELDS), EXPIRED, TOKEN, EXPIRED)
    api.table(PROPERTY)
    with pytest.raises(Refused):
        api.table(PROPERTY)


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (
            answer(401, {"message": "no"}),
            Refused,
            "the login is not repeated; use a Web API account",
        ),
        (answer(403, {}), Refused, "Client IPs"),
        (answer(429, {"errors": ["Wait 7 seconds"]}), Locked, "wait 7 s, then run again"),
        (answer(429, "", **{"Retry-After": "9"}), Locked, "wait 9 s"),
        (answer(429, ""), Locked, "for now; wait, then"),
        (answer(503, ""), ApplianceError, "it may be starting"),
        (answer(500, ""), ApplianceError, "check its event log"),
        (answer(200, "<html>", "text/html"), ApplianceError, "it answered 200 without a token"),
        (answer(200, ""), ApplianceError, "it answered 200 without a token"),
        (answer(200, '{"token": "x"}'), ApplianceError, "it answered 200 without a token"),
    ],
)
def test_a_login_that_fails_is_made_once(given: Any, error: Any, says: str) -> None:
    api = web(given)
    with pytest.raises(error, match=says) as caught:
        api.table(PROPERTY)
    assert caught.value.attempt == 'logging in to the Web API as "u"'
    assert len(api.http.requests) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (answer(404, {"message": "Not found. See log for more details."}), "not the published one"),
        (answer(200, {"hostfields": []}), "not the published one"),
        (answer(200, {"hostFields": [1]}), "not the published one"),
        (answer(200, []), "not the published one"),
        (answer(200, "<html>", "text/html"), "an HTML page where JSON was expected"),
    ],
)
def test_a_list_that_is_none_is_an_error(given: Any, says: str) -> None:
    with pytest.raises(ApplianceError, match=says):
        web(TOKEN, given).table(PROPERTY)


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("192.0.2.1", "ip/192.0.2.1"),
        ("2001:db8::1", "ip/2001:db8::1"),
        ("00:00:5E:00:53:12", "mac/00005e005312"),
        ("00-00-5e-00-53-12", "mac/00005e005312"),
        ("00005e005312", "mac/00005e005312"),
        (str(BIG), str(BIG)),
        ("3221225985", "3221225985"),
        ("a/b", "a%2Fb"),
        ("fe80::1%eth0", "fe80%3A%3A1%25eth0"),
        ("fe80::1%?a=b", "fe80%3A%3A1%25%3Fa%3Db"),
        ("fe80::1%/../../login", "fe80%3A%3A1%25%2F..%2F..%2Flogin"),
    ],
)
def test_a_host_is_named_by_address_or_id(named: str, found: str) -> None:
    assert place(named) == found


def test_what_has_not_changed_is_not_sent_again() -> None:
    tagged = answer(200, {"host": {"id": 1}}, ETag='"a"')
    api = web(TOKEN, tagged, answer(304), answer(200, {"host": {"id": 2}}, ETag='"b"'), answer(304))
    assert [api.read(HOST, "1")["id"] for _time in range(4)] == [1, 1, 2, 2]
    asked = [content["headers"].get("If-None-Match") for content in api.http.contents[1:]]
    assert asked == [None, '"a"', '"a"', '"b"']


def test_an_unasked_304_is_an_error() -> None:
    with pytest.raises(ApplianceError, match="not the published one"):
        web(TOKEN, answer(304)).read(HOST, "1")


def test_a_host_that_does_not_exist_is_an_error_of_its_own() -> None:
    with pytest.raises(NotFound, match="the platform does not know this host"):
        do(read_host, job(answer(200, FIELDS), answer(404, {})))


def test_an_id_beyond_53_bits_is_kept_exact() -> None:
    assert do(read_host, job(answer(200, FIELDS), host()))["host"]["id"] == str(BIG)


def test_values_are_found_by_label_and_those_of_other_modules_left_out() -> None:
    result = do(
        read_host, job(answer(200, FIELDS), host(tag5=at(1793614500, "Omron"), online=at(1793614600)))
    )
    assert result["host"]["properties"] == {
        "Vendor": {"value": "Omron", "updated_at": "2026-11-02T10:15:00Z"}
    }
    assert result["host"]["updated_at"] == "2026-11-02T10:15:00Z"
    assert (result["missing_labels"], result["ambiguous_labels"], result["newer"]) == ([], [], None)


def test_a_property_of_several_values_has_the_newest_time() -> None:
    result = do(read_host, job(answer(200, FIELDS), host(tag1=[at(1793614400, "1"), at(1793614500, "2")])))
    assert result["host"]["properties"]["Firmware"] == {
        "value": ["1", "2"],
        "updated_at": "2026-11-02T10:15:00Z",
    }


@pytest.mark.parametrize("field", [{}, {"value": 1}, {"timestamp": None}, {"timestamp": True}, "x", None, []])
def test_a_value_without_a_time_proves_nothing(field: Any) -> None:
    result = do(read_host, job(answer(200, FIELDS), host(tag5=field), newer_than="1970-01-01T00:00:00Z"))
    assert (result["host"]["updated_at"], result["newer"]) == (None, False)


@pytest.mark.parametrize(
    ("labels", "missing", "ambiguous"),
    [
        ([*LABELS], [], []),
        ([label.upper() for label in LABELS], [], []),
        (["Authorized by Microsoft Defender for IoT", *LABELS[1:]], [], []),
        (LABELS[1:], ["Authorized by CyberX"], []),
        ([], LABELS, []),
        ([*LABELS, "vendor"], [], ["Vendor"]),
    ],
)
def test_labels_may_be_missing_ambiguous_or_renamed(labels: Any, missing: Any, ambiguous: Any) -> None:
    fields = [{"name": f"tag{n}", "label": label} for n, label in enumerate(labels)]
    result = do(read_host, job(answer(200, {"hostFields": fields}), host=None))
    assert (result["missing_labels"], result["ambiguous_labels"]) == (missing, ambiguous)
    assert "host" not in result


def test_a_value_under_an_ambiguous_label_is_left_out() -> None:
    fields = {"hostFields": [*FIELDS["hostFields"], {"name": "nic_vendor", "label": "Vendor"}]}
    result = do(read_host, job(answer(200, fields), host(nic_vendor=at(1793614500), tag5=at(1793614500))))
    assert result["host"]["properties"] == {}


@pytest.mark.parametrize(
    ("newer_than", "newer"),
    [
        ("2026-11-02T10:14:59Z", True),
        ("2026-11-02T10:15:00Z", True),
        ("2026-11-02T10:15:00.900Z", True),
        ("2026-11-02T10:15:01Z", False),
        ("2026-11-02T11:15:01+01:00", False),
    ],
)
def test_a_value_is_newer_to_the_second(newer_than: str, newer: bool) -> None:
    result = do(read_host, job(answer(200, FIELDS), host(tag5=at(1793614500)), newer_than=newer_than))
    assert result["newer"] is newer


def test_a_newer_value_is_waited_for_and_the_wait_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(hosts.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(hosts.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    asked = {"newer_than": "2026-11-02T10:15:00Z", "wait": 20, "interval": 10}
    old, new = host(tag5=at(1793614499)), host(tag5=at(1793614500))
    assert do(read_host, job(answer(200, FIELDS), old, old, new, **asked))["newer"] is True
    clock[0] = 0.0
    assert do(read_host, job(answer(200, FIELDS), old, old, old, **asked))["newer"] is False
    assert clock[0] == 20


@pytest.mark.parametrize("missing", ["url", "username"])
def test_without_address_and_account_nothing_can_be_asked(missing: str) -> None:
    params = {"url": "u", "username": "n", "newer_than": None, missing: None}
    with pytest.raises(InvalidOptions, match=f"missing required arguments: {missing}"):
        prepare_host_info(params)


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "1793614500"])
def test_a_time_that_is_none_is_refused_before_the_first_request(text: str) -> None:
    with pytest.raises(InvalidOptions, match=f'newer_than is "{text}", which is not a time; set newer_than'):
        prepare_host_info({"url": "u", "username": "n", "newer_than": text})


def test_hosts_are_found_by_the_rule_that_they_match() -> None:
    api = web(TOKEN, answer(200, {"hosts": [{"hostId": BIG}]}))
    assert api.ask(MATCH, {"matchRuleId": f"{BIG},7"}) == [{"hostId": BIG}]
    assert api.http.requests[-1][1] == f"/api/hosts?matchRuleId={BIG},7"


@pytest.mark.parametrize("body", [{}, {"hosts": None}, {"hosts": {}}, []])
def test_an_answer_without_hosts_is_an_error_and_not_no_host(body: Any) -> None:
    with pytest.raises(ApplianceError, match="not the published one"):
        web(TOKEN, answer(200, body)).ask(MATCH, {"matchRuleId": "7"})


def test_closing_closes_the_connection() -> None:
    api = web()
    api.close()
    assert api.http.closed
