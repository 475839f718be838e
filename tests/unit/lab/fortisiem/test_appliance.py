# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event queries of the lab's FortiSIEM: logins, both interfaces, and what each switch changes."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests
from lxml import etree

TOKEN = "/phoenix/rest/pub/security/oauth/token"
XML = "/phoenix/rest/query"
JSON = "/phoenix/rest/pub/v2/query"
TYPE = {"Content-Type": "text/xml"}
REPORT = (
    "<Reports><Report><SelectClause><AttrList>{columns}</AttrList></SelectClause>"
    "<ReportInterval><Low>{low}</Low><High>{high}</High></ReportInterval><PatternClause>"
    '<SubPattern name="x"><SingleEvtConstr>{where}</SingleEvtConstr></SubPattern>'
    "</PatternClause></Report></Reports>"
)
NOW = int(time.time())
ASKED = {
    "columns": "eventType",
    "low": NOW - 3600,
    "high": NOW + 3600,
    "where": "reptDevIpAddr = 203.0.113.9",
}


@pytest.fixture
def siem(lab: Any) -> Any:
    """The FortiSIEM, with the login of its reader."""
    client = lab.client("siem")
    client.session.auth = (client.credentials["username"], client.credentials["password"])
    return client


def submit(siem: Any, headers: dict[str, str] = TYPE, **changes: Any) -> requests.Response:
    """Submit a query in XML."""
    body = REPORT.format(**{**ASKED, **changes})
    return siem("POST", f"{XML}/eventQuery", data=body, headers=headers)


def code(response: requests.Response) -> str | None:
    """Return the error code of an answer, from either place."""
    root = etree.fromstring(response.content)
    error = root.find("result/error") if root.find("error") is None else root.find("error")
    return None if error is None else error.get("code")


def submitted(siem: Any, **changes: Any) -> str:
    """Return the id of a new query in XML."""
    root = etree.fromstring(submit(siem, **changes).content)
    return f"{root.get('requestId')},{root.findtext('result/expireTime')}"


def rows(siem: Any, id_: str, part: str = "0/100") -> Any:
    """Return the element with the rows of a query."""
    return etree.fromstring(siem("GET", f"{XML}/events/{id_}/{part}").content).find("result/queryResult")


def finished(siem: Any, **changes: Any) -> str:
    """Return the id of a query that has finished."""
    id_ = submitted(siem, **changes)
    assert b"<progress>100</progress>" in siem("GET", f"{XML}/progress/{id_}").content
    return id_


# --- logins ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    ["", "Basic !", "Basic YQ==", "Bearer x", "Digest x", "Basic /w=="],
    ids=lambda header: header[:9],
)
@pytest.mark.parametrize(("switch", "begin"), [("html", "<html>"), ("json", '{"error"'), ("empty", "")])
def test_a_wrong_login_is_401(lab: Any, header: str, switch: str, begin: str) -> None:
    lab.options("siem", unauthorized=switch)
    answer = lab.client("siem")("GET", f"{XML}/progress/1,2", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.text.startswith(begin)
    assert bool(answer.text) is bool(begin)


def test_a_user_needs_an_organization(siem: Any) -> None:
    for user, status in {"reader": 401, "super/reader": 404, "office/reader": 404, "x/reader": 401}.items():
        siem.session.auth = (user, siem.credentials["password"])
        assert siem("GET", f"{XML}/progress/1,2").status_code == status


def test_client_credentials_follow_the_documented_limits(lab: Any) -> None:
    siem = lab.client("siem")
    form = {name: siem.credentials[name] for name in ("client_id", "client_secret")}
    form["grant_type"] = "client_credentials"
    given = siem("POST", TOKEN, data=form)
    assert given.json()["expires_in"] == 3600
    headers = {"Authorization": f"Bearer {given.json()['access_token']}"}
    assert submit(siem, {**TYPE, **headers}).status_code == 200
    assert siem("POST", TOKEN, data=form).json()["message"] == "Only one request per client in 5 seconds"
    lab.control("POST", "/clock", {"advance": 5})
    assert siem("POST", TOKEN, data=form).status_code == 200
    for _failure in range(5):
        assert siem("POST", TOKEN, data={**form, "client_secret": "x"}).status_code == 400
    lab.control("POST", "/clock", {"advance": 299})
    assert "try again later" in siem("POST", TOKEN, data=form).json()["message"]
    lab.control("POST", "/clock", {"advance": 2})
    assert siem("POST", TOKEN, data=form).status_code == 200
    lab.control("POST", "/clock", {"advance": 901})
    assert submit(siem, {**TYPE, **headers}).status_code == 401


@pytest.mark.parametrize("state", ["expired", "revoked", "unauthorized"])
def test_a_client_that_may_not_is_400(lab: Any, state: str) -> None:
    siem = lab.client("siem")
    lab.options("siem", client=state)
    form = {name: siem.credentials[name] for name in ("client_id", "client_secret")}
    answer = siem("POST", TOKEN, data={**form, "grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()["error"]) == (400, "BAD_REQUEST")
    lab.options("siem", token_endpoint="absent")
    assert siem("POST", TOKEN, data=form).status_code == 404


# --- XML ---------------------------------------------------------------------------------------------------


def test_a_query_is_submitted_polled_and_fetched(siem: Any) -> None:
    id_ = finished(siem)
    assert int(id_.partition(",")[0]) > 2**53
    found = rows(siem, id_)
    assert found.get("totalCount") == "9"
    attributes = {each.get("name"): each.text for each in found.find("events/event").iter("attribute")}
    assert attributes == {"eventType": "FortiGate-traffic-forward"}
    assert found.findtext("events/event/receiveTime").endswith("+01:00")


def test_a_query_without_rows_has_an_empty_element(siem: Any) -> None:
    id_ = finished(siem, where="reptDevIpAddr = 203.0.113.77")
    assert b'totalCount="0"><events/>' in siem("GET", f"{XML}/events/{id_}/0/100").content


def test_no_columns_are_all_columns(siem: Any) -> None:
    found = rows(siem, finished(siem, columns=""))
    names = {each.get("name") for each in found.find("events/event").iter("attribute")}
    assert names == {"reptDevIpAddr", "eventType", "rawEventMsg", "phRecvTime"}


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": "colour"},
        {"where": ""},
        {"where": "colour = red"},
        {"low": NOW + 3601},
        {"low": NOW * 1000, "high": NOW * 1000},
        {"low": "x"},
        {"columns": "</AttrList>"},
    ],
)
def test_a_wrong_query_is_an_error_with_status_200(lab: Any, siem: Any, changes: Any) -> None:
    for place in ("result", "response"):
        lab.options("siem", error_place=place)
        answer = submit(siem, **changes)
        assert (answer.status_code, code(answer)) == (200, "255")
    lab.options("siem", wrong_query="web_page_500")
    assert submit(siem, **changes).status_code == 500


def test_a_body_that_is_not_a_query_is_refused(siem: Any) -> None:
    for body in ("", "<a/>", "<Reports><Report/></Reports>", "<a>"):
        assert code(siem("POST", f"{XML}/eventQuery", data=body, headers=TYPE)) == "255"


def test_wrong_times_may_find_nothing(lab: Any, siem: Any) -> None:
    lab.options("siem", wrong_times="no_rows")
    id_ = finished(siem, low=NOW * 1000, high=NOW * 1000)
    assert rows(siem, id_).get("totalCount") == "0"


@pytest.mark.parametrize(
    ("switch", "status", "error"),
    [("refused_415", 415, None), ("refused_255", 200, "255"), ("any", 200, "0")],
)
def test_another_content_type_is_refused(lab: Any, siem: Any, switch: str, status: int, error: Any) -> None:
    lab.options("siem", content_type=switch)
    answer = submit(siem, {"Content-Type": "application/xml"})
    assert answer.status_code == status
    assert not answer.content or code(answer) == error


def test_the_bare_form_is_text(lab: Any, siem: Any) -> None:
    lab.options("siem", submit_form="bare", progress_form="bare", events_form="bare")
    id_ = submit(siem).text
    assert [part.isdecimal() for part in id_.split(",")] == [True, True]
    assert siem("GET", f"{XML}/progress/{id_}").text == "100"
    assert etree.fromstring(siem("GET", f"{XML}/events/{id_}/0/1").content).get("errorCode") == "0"


def test_progress_climbs_or_never_ends(lab: Any, siem: Any) -> None:
    lab.options("siem", polls=4, progress_form="bare")
    id_ = submitted(siem)
    assert [siem("GET", f"{XML}/progress/{id_}").text for _poll in range(5)] == [
        "25",
        "50",
        "75",
        "100",
        "100",
    ]
    lab.options("siem", polls=0)
    id_ = submitted(siem)
    assert [siem("GET", f"{XML}/progress/{id_}").text for _poll in range(3)] == ["1", "2", "3"]


@pytest.mark.parametrize("status", [404, 503])
def test_the_first_poll_may_be_too_early(lab: Any, siem: Any, status: int) -> None:
    lab.options("siem", not_ready=status)
    id_ = submitted(siem)
    assert [siem("GET", f"{XML}/progress/{id_}").status_code for _poll in range(2)] == [status, 200]


@pytest.mark.parametrize(("switch", "status"), [("404", 404), ("error", 200), ("500", 500)])
def test_an_unknown_or_expired_query_is_refused(lab: Any, siem: Any, switch: str, status: int) -> None:
    lab.options("siem", unknown_query=switch, json_interface="present")
    id_ = submitted(siem)
    lab.control("POST", "/clock", {"advance": 601})
    for each in (id_, "1,2", "x", f"{id_},3"):
        assert siem("GET", f"{XML}/progress/{each}").status_code == status
    assert siem("GET", f"{JSON}/progress?queryId=1").status_code == status


@pytest.mark.parametrize(("switch", "found"), [("empty", 0), ("partial", 4)])
def test_rows_before_the_end_are_incomplete(lab: Any, siem: Any, switch: str, found: int) -> None:
    lab.options("siem", early_fetch=switch, json_interface="present")
    assert len(rows(siem, submitted(siem)).findall("events/event")) == found


def test_rows_before_the_end_may_be_an_error(lab: Any, siem: Any) -> None:
    lab.options("siem", early_fetch="error", json_interface="present")
    assert code(siem("GET", f"{XML}/events/{submitted(siem)}/0/10")) == "255"
    id_ = posted(siem).json()["queryId"]
    answer = siem("GET", f"{JSON}/events/results?queryId={id_}&offset=0&limit=2")
    assert answer.json()["error"]["code"] == 255


@pytest.mark.parametrize(("switch", "first", "second"), [("limit", 2, 4), ("end", 2, 2)])
def test_the_last_part_of_a_fetch_is_a_limit_or_an_end(
    lab: Any, siem: Any, switch: str, first: int, second: int
) -> None:
    lab.options("siem", third_part=switch)
    id_ = finished(siem)
    assert len(rows(siem, id_, "0/2").findall("events/event")) == first
    assert len(rows(siem, id_, "2/4").findall("events/event")) == second


def test_a_time_may_be_only_the_local_one(lab: Any, siem: Any) -> None:
    lab.options("siem", receive_time=False)
    event = rows(siem, finished(siem, columns="phRecvTime")).find("events/event")
    assert event.find("receiveTime") is None
    assert " IST 20" in event.findtext("attributes/attribute")


# --- JSON --------------------------------------------------------------------------------------------------


def posted(siem: Any, **changes: Any) -> requests.Response:
    """Submit a query in JSON."""
    asked = {**ASKED, **changes}
    body = {
        "select": asked["columns"],
        "where": asked["where"],
        "timeRange": {"from": asked["low"], "to": asked["high"]},
    }
    return siem("POST", f"{JSON}/eventQuery", json=body)


def test_a_query_in_json(lab: Any, siem: Any) -> None:
    lab.options("siem", json_interface="present")
    id_ = posted(siem).json()["queryId"]
    assert siem("GET", f"{JSON}/progress?queryId={id_}").json()["progress"] == 100
    page = siem("GET", f"{JSON}/events/results?queryId={id_}&offset=0&limit=2").json()
    assert page["rows"] == [{"eventType": "FortiGate-traffic-forward"}] * 2
    assert page["pagination"] == {"offset": 0, "limit": 2, "total": 9, "hasMore": True, "nextOffset": 2}
    last = siem("GET", f"{JSON}/events/results?queryId={id_}&offset=8&limit=2").json()["pagination"]
    assert (last["hasMore"], last["nextOffset"]) == (False, None)
    lab.options("siem", renamed_columns=True)
    page = siem("GET", f"{JSON}/events/results?queryId={id_}&offset=0&limit=1").json()
    assert page["rows"] == [{"Event Type": "FortiGate-traffic-forward"}]
    assert siem("GET", f"{JSON}/other").status_code == 404


@pytest.mark.parametrize("changes", [{"columns": "colour"}, {"low": "x"}, {"where": 7}])
def test_a_wrong_query_in_json_is_an_error_with_status_200(lab: Any, siem: Any, changes: Any) -> None:
    lab.options("siem", json_interface="present")
    answer = posted(siem, **changes)
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, 255)
    lab.options("siem", wrong_query="web_page_500")
    assert posted(siem, **changes).status_code == 500


@pytest.mark.parametrize(("switch", "status"), [("absent_404", 404), ("absent_405", 405), ("web_page", 200)])
def test_an_absent_json_interface_is_a_web_page(lab: Any, siem: Any, switch: str, status: int) -> None:
    lab.options("siem", json_interface=switch)
    answer = posted(siem)
    assert (answer.status_code, answer.text[:6]) == (status, "<html>")


# --- the rest ----------------------------------------------------------------------------------------------


def test_other_paths_are_not_found(siem: Any) -> None:
    for path in ("/", "/phoenix/rest/h5/x", f"{XML}/archive", f"{XML}/events/1,2/a/b"):
        assert siem("GET", path).status_code == 404


def test_an_event_of_the_control_port_has_texts_only(lab: Any, siem: Any) -> None:
    where = 'eventName = "mine"'
    lab.control("POST", "/appliances/siem/commands/event", {"eventName": "mine"})
    assert rows(siem, finished(siem, where=where)).get("totalCount") == "1"
    for name, body in (("event", {"count": 1}), ("fly", {})):
        url = f"{lab.record['control']}/appliances/siem/commands/{name}"
        assert lab.session.post(url, json=body, timeout=60).status_code == 400
    lab.control("POST", "/reset")
    assert rows(siem, finished(siem, where=where)).get("totalCount") == "0"


def test_nothing_secret_is_in_the_state(lab: Any, siem: Any) -> None:
    shown = str(lab.control("GET", "/state")["appliances"]["siem"])
    assert all(siem.credentials[name] not in shown for name in ("password", "client_secret"))
    submit(siem)
    assert [call["write"] for call in lab.calls("siem")] == [False]
