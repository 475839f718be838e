# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event queries: logins, both interfaces, every form of their answers, and hostile XML."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    InvalidOptions,
    Locked,
    Refused,
    TaskError,
    Unsupported,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortisiem import answers, api, xml_queries
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortisiem.api import FortiSiem, connect
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortisiem.events import EVENT
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import DirectRoute
from ansible_collections.otsec.defender_iot.plugins.module_utils._wire.https import Response
from ansible_collections.otsec.defender_iot.tests.unit.fakes import answer
from ansible_collections.otsec.defender_iot.tests.unit.fortisiem.scene import (
    JSON,
    NONE,
    PARAMS,
    PROGRESS,
    SUBMIT,
    SUBMITTED,
    events,
    query,
    siem,
    xml,
)

WHERE = '(reptDevIpAddr IN (192.0.2.11)) AND eventType NOT CONTAIN "PH_"'
ASKED = {
    "sources": {"s1": WHERE},
    "control": 'eventType NOT CONTAIN "PH_"',
    "low": 10,
    "high": 20,
    "control_low": 15,
    "limit": 100,
}
ROW = {"eventType": "CyberX-Anomaly", "rawEventMsg": "CEF:0|CyberX|"}
ID = "9,17"
OK = {"code": 0, "errString": None}
TOKEN = {"access_token": "t0ken", "token_type": "Bearer", "expires_in": 15}
CLIENT = {"client_id": "c1", "client_secret": "s3cret", "username": None, "password": None}


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.time, "sleep", lambda seconds: None)


def asked(made: FortiSiem, **changes: Any) -> dict[str, Any]:
    """Return the reply to the usual question."""
    return made.ask(EVENT, {**ASKED, **changes})


def failure(*replies: Response, **params: Any) -> ApplianceError:
    """Return the error of the usual question."""
    with pytest.raises(ApplianceError) as raised:
        asked(siem(*replies, **params))
    assert "\n" not in raised.value.sentence("siem-1")
    return raised.value


def json_query(rows: Any, pagination: Any = None) -> list[Response]:
    """Make the answers to one query in JSON."""
    return [
        answer(200, {"queryId": "7", "expireTime": 1, "error": OK}),
        answer(200, {"queryId": "7", "progress": 100, "error": OK}),
        answer(200, {"queryId": "7", "rows": rows, "pagination": pagination, "error": OK}),
    ]


@pytest.mark.parametrize("submitted", [SUBMITTED, "9,17", " 9,17\n"])
@pytest.mark.parametrize("progress", [PROGRESS.format(100), "100"])
@pytest.mark.parametrize(
    "found",
    [
        events(ROW),
        "<queryResult errorCode='0' totalCount='1'><events><event><attributes>"
        "<attribute name='rawEventMsg'>CEF:0|CyberX|</attribute><attribute name='parserName'/>"
        "<attribute name='eventType'>CyberX-Anomaly</attribute></attributes></event></events></queryResult>",
    ],
)
def test_both_forms_of_xml_are_read_in_every_step(submitted: str, progress: str, found: str) -> None:
    made = siem(xml(submitted), xml(progress), xml(found))
    assert asked(made) == {
        "sources": {"s1": {"rows": [ROW], "total": 1}},
        "sees_events": None,
        "api": "xml",
    }
    assert made.http.requests == [
        ("POST", SUBMIT),
        ("GET", f"/phoenix/rest/query/progress/{ID}"),
        ("GET", f"/phoenix/rest/query/events/{ID}/0/100"),
    ]


def test_a_query_in_xml_is_as_documented() -> None:
    made = siem(*query(ROW))
    asked(made)
    content = made.http.contents[0]
    assert content["headers"]["Content-Type"] == "text/xml"
    body = content["data"].decode()
    assert "<Low>10</Low><High>20</High>" in body
    assert f"<SingleEvtConstr>{WHERE}</SingleEvtConstr>" in body
    assert "<AttrList>phRecvTime DESC</AttrList>" in body


def test_a_constraint_cannot_leave_its_element() -> None:
    report = xml_queries.report(answers.Query("a</SingleEvtConstr>&b", 1, 2, 3))
    assert b"a&lt;/SingleEvtConstr&gt;&amp;b" in report


@pytest.mark.parametrize(
    ("control", "sees"),
    [
        ([xml(SUBMITTED), xml("100"), xml(NONE)], False),
        (query({"eventType": "X"}, total="7"), True),
    ],
)
def test_the_control_query_runs_only_for_a_source_without_events(control: Any, sees: bool) -> None:
    nothing = [xml(SUBMITTED), xml("100"), xml(NONE)]
    made = siem(*nothing, *control)
    assert asked(made)["sees_events"] is sees
    assert b"<Low>15</Low>" in made.http.contents[3]["data"]
    made = siem(*nothing)
    assert asked(made, control=None)["sees_events"] is None


@pytest.mark.parametrize(("total", "read"), [("", None), ("x", None), ("12", 12)])
def test_a_missing_total_is_unknown(total: str, read: Any) -> None:
    assert asked(siem(*query(ROW, total=total)))["sources"]["s1"]["total"] == read


def test_more_rows_than_asked_for_are_cut() -> None:
    reply = asked(siem(*query(ROW, ROW, ROW)), limit=2)
    assert len(reply["sources"]["s1"]["rows"]) == 2


# --- the JSON interface ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pagination", "total"),
    [({"total": 4}, 4), ({"total": True}, None), ({"total": -1}, None), ({}, None), (None, None)],
)
def test_the_json_interface_is_read(pagination: Any, total: Any) -> None:
    made = siem(*json_query([ROW], pagination), api="json")
    assert asked(made) == {
        "sources": {"s1": {"rows": [ROW], "total": total}},
        "sees_events": None,
        "api": "json",
    }
    assert made.http.requests == [
        ("POST", f"{JSON}/eventQuery"),
        ("GET", f"{JSON}/progress"),
        ("GET", f"{JSON}/events/results"),
    ]
    assert made.http.contents[0]["json"]["timeRange"] == {"from": 10, "to": 20}
    assert made.http.contents[2]["params"] == {"queryId": "7", "offset": "0", "limit": "100"}


ABSENT = [answer(404, "<html>"), answer(405, ""), answer(200, "<html>", "text/html"), answer(200, "")]


@pytest.mark.parametrize("absent", ABSENT)
def test_auto_uses_xml_where_there_is_no_json_and_asks_once(absent: Response) -> None:
    made = siem(absent, *query(ROW), *query(ROW), api="auto")
    assert asked(made, sources={"s1": WHERE, "s2": WHERE})["api"] == "xml"
    assert [path for method, path in made.http.requests if method == "POST"] == [
        f"{JSON}/eventQuery",
        SUBMIT,
        SUBMIT,
    ]


def test_auto_keeps_to_json() -> None:
    made = siem(*json_query([ROW]), *json_query([ROW]), api="auto")
    assert asked(made, sources={"s1": WHERE, "s2": WHERE})["api"] == "json"


@pytest.mark.parametrize("absent", ABSENT)
def test_json_alone_never_falls_back(absent: Response) -> None:
    failure(absent, api="json")


def test_a_refusal_in_json_is_no_reason_for_xml() -> None:
    refused = answer(200, {"error": {"code": 255, "errString": "no; such attribute."}})
    error = failure(refused, api="auto")
    assert error.why == "it refuses the query (no, such attribute)"
    assert isinstance(failure(answer(401, ""), api="auto"), Refused)


@pytest.mark.parametrize(
    "submitted", [[], {"error": OK}, {"queryId": ""}, {"queryId": True}, {"queryId": [1]}]
)
def test_an_answer_without_an_id_is_refused(submitted: Any) -> None:
    assert failure(answer(200, submitted), api="json").why == "the answer is not the documented one"


@pytest.mark.parametrize("progress", [{}, {"progress": "100"}, {"progress": True}])
def test_an_answer_without_progress_is_refused(progress: Any) -> None:
    replies = [json_query([])[0], answer(200, progress)]
    assert failure(*replies, api="json").why == "the answer is not the documented one"


@pytest.mark.parametrize("rows", [None, {}, [1]])
def test_an_answer_without_rows_is_refused(rows: Any) -> None:
    assert failure(*json_query(rows), api="json").why == "the answer is not the documented one"


# --- polling -----------------------------------------------------------------------------------------------


def test_rows_are_fetched_only_when_the_query_has_finished() -> None:
    polls = [
        answer(404, ""),
        answer(503, ""),
        answer(429, ""),
        xml("0"),
        xml(PROGRESS.format(75)),
        xml("100"),
    ]
    made = siem(xml(SUBMITTED), *polls, xml(events(ROW)))
    assert asked(made)["sources"]["s1"]["rows"] == [ROW]


@pytest.mark.parametrize("reply", [xml("99"), answer(404, "")])
def test_a_query_that_never_finishes_fails(reply: Response) -> None:
    error = failure(xml(SUBMITTED), *[reply] * 2, query_timeout=0)
    assert "has not finished within 0 s" in error.why
    assert error.status == reply.status


# --- logins ------------------------------------------------------------------------------------------------


def test_basic_has_the_organization_in_its_user() -> None:
    made = siem(*query(ROW))
    asked(made)
    given = made.http.contents[0]["headers"]["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(given) == b"super/reader:secret"


def test_a_token_overrides_the_rest() -> None:
    made = siem(*query(ROW), **{**CLIENT, "token": "given"})
    asked(made)
    assert {each["headers"]["Authorization"] for each in made.http.contents} == {"Bearer given"}


def test_client_credentials_fetch_one_token() -> None:
    made = siem(answer(200, TOKEN), *query(ROW), **CLIENT)
    asked(made)
    assert made.http.contents[0]["data"] == {
        "grant_type": "client_credentials",
        "client_id": "c1",
        "client_secret": "s3cret",
    }
    assert {each["headers"]["Authorization"] for each in made.http.contents[1:]} == {"Bearer t0ken"}


def test_a_token_is_renewed_before_it_can_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    made = siem(answer(200, TOKEN), *query(ROW), answer(200, {"access_token": "next"}), *query(ROW), **CLIENT)
    asked(made)
    later = time.monotonic() + 601
    monkeypatch.setattr(api.time, "monotonic", lambda: later)
    asked(made)
    assert made.http.contents[-1]["headers"]["Authorization"] == "Bearer next"


BAD_CLIENT = {"error": "BAD_REQUEST", "message": "Invalid client credentials."}


@pytest.mark.parametrize(
    ("reply", "kind", "why"),
    [
        (
            answer(400, BAD_CLIENT),
            Refused,
            "not accepted (Invalid client credentials), and it is not tried again",
        ),
        (answer(400, "oops"), Refused, "not accepted, and it is not tried again"),
        (answer(400, []), Refused, "not accepted, and it is not tried again"),
        (answer(401, {}), Refused, "not accepted, and it is not tried again"),
        (answer(404, "<html>"), Unsupported, "no token endpoint"),
        (answer(500, {"error": "INTERNAL_ERROR"}), ApplianceError, "not the documented one"),
        (answer(200, {}), ApplianceError, "not the documented one"),
        (answer(200, []), ApplianceError, "not the documented one"),
        (answer(200, {"access_token": "a\nb"}), ApplianceError, "not the documented one"),
    ],
)
def test_a_refused_client_is_one_sentence(reply: Response, kind: type, why: str) -> None:
    error = failure(reply, **CLIENT)
    assert type(error) is kind
    assert why in error.why
    assert error.attempt == "fetching an access token"
    assert "s3cret" not in error.sentence("siem-1")


@pytest.mark.parametrize(
    ("reply", "params", "kind", "why"),
    [
        (answer(401, "<html>Not authorized"), {}, Refused, "username or password is not accepted"),
        (answer(401, ""), {"token": "t"}, Refused, "does not accept the access token"),
        (answer(403, ""), {}, Refused, "permission denied"),
        (answer(429, ""), {}, Locked, "accepts no more requests"),
        (answer(404, "<html>"), {}, ApplianceError, "it has no such interface, or the query has expired"),
        (answer(415, ""), {}, ApplianceError, "not the documented one"),
        (answer(500, "<html>Request failed"), {}, ApplianceError, "not the documented one"),
    ],
)
def test_a_status_that_refuses_is_one_sentence(reply: Any, params: Any, kind: type, why: str) -> None:
    error = failure(reply, **params)
    assert type(error) is kind
    assert why in error.why
    assert error.attempt == "reading the events of s1"


# --- XML of others -----------------------------------------------------------------------------------------

REFUSED = "<error code='255'><description>unknown attribute &lt;x&gt;; see log.</description></error>"
SAID = "it refuses the query (unknown attribute <x>, see log)"
NO_XML = "its answer is not a whole XML document"
DOCTYPE = "its answer declares a document type, as web pages do, and was not read"
BOMB = "<!DOCTYPE r [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><response>&b;</response>"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"<response>{REFUSED}</response>", SAID),
        (f"<response><result>{REFUSED}</result></response>", SAID),
        ("<response><error code='255'/></response>", "it refuses the query"),
        ("<queryResult errorCode='255'/>", "it refuses the query"),
        (BOMB, DOCTYPE),
        (f"<?xml version='1.0'?><!-- a --> {BOMB}", DOCTYPE),
        (f"\ufeff{BOMB}", DOCTYPE),
        ("<!DOCTYPE r SYSTEM 'file:///etc/passwd'><r/>", DOCTYPE),
        ("<!DOCTYPE html><html></html>", DOCTYPE),
        ("<response>&undeclared;</response>", NO_XML),
        ("<response>&#xD800;</response>", NO_XML),
        ("<a>" * 100_000, NO_XML),
        ("<a>" * 1000 + "</a>" * 1000, NO_XML),
        (SUBMITTED[:-5], NO_XML),
        ("", NO_XML),
        ("OK", NO_XML),
        ("<response>".encode("utf-16").decode("utf-8", "replace"), NO_XML),
        ("<?xml version='1.0' encoding='EBCDIC-CP-US'?><response/>", "the answer is not the documented one"),
        ("<html><body>Please wait</body></html>", "the answer is not the documented one"),
        ("<response requestId='x'><result><expireTime>1</expireTime></result></response>",
         "the answer is not the documented one"),
        ("9,17,3", NO_XML),
    ],
)  # fmt: skip
def test_hostile_or_wrong_xml_is_one_sentence(text: str, why: str) -> None:
    assert failure(xml(text)).why == why


@pytest.mark.parametrize("progress", ["<response/>", PROGRESS.format("-1"), PROGRESS.format("all")])
def test_wrong_progress_is_refused(progress: str) -> None:
    assert failure(xml("9,17"), xml(progress)).why == "the answer is not the documented one"


@pytest.mark.parametrize("found", ["<response/>", "<queryResult/>"])
def test_wrong_rows_are_refused(found: str) -> None:
    assert failure(xml("9,17"), xml("100"), xml(found)).why == "the answer is not the documented one"


@pytest.mark.parametrize(
    ("wire", "read"),
    [
        ("a&lt;b&amp;c &quot;d&quot; | e=f", 'a<b&c "d" | e=f'),
        ("<![CDATA[<!DOCTYPE x>]]>", "<!DOCTYPE x>"),
        ("a\x01b&#1;c&#x1F;d", "a\ufffdb\ufffdc\ufffdd"),
        ("\ufffd" * 3, "\ufffd" * 3),
        ("x" * 8192, "x" * 8192),
    ],
)
def test_a_raw_event_of_any_characters_is_read(wire: str, read: str) -> None:
    reply = asked(siem(*query({"rawEventMsg": wire})))
    assert reply["sources"]["s1"]["rows"] == [{"rawEventMsg": read}]


def test_xml_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "etree", None)
    with pytest.raises(InvalidOptions, match="needs the Python package lxml"):
        asked(siem())
    assert asked(siem(*json_query([ROW]), api="json"))["api"] == "json"


def test_a_direct_connection_is_made_and_closed() -> None:
    made = connect({**PARAMS}, DirectRoute())
    assert isinstance(made, FortiSiem)
    made.http = siem().http
    made.close()
    assert made.http.closed


def test_nothing_is_written() -> None:
    with pytest.raises(TaskError):
        siem().create(EVENT, "x", {})
