# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a recorded value means: a one-time code, a step of the sign-in, a word, a time of something else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import InvalidOptions
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.drafting.draft import text_of
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.drafting.session import (
    RecordedSession,
)
from ansible_collections.otsec.defender_iot.tests.unit.endpoint_maps.entries import (
    BOTH,
    CREATE,
    DELETE,
    ENTRIES,
    GONE,
    LIST,
    LOGIN,
    OLD,
    PAGE,
    PASSWORD,
    RECORDED,
    ROW,
    SESSION,
    TOKEN,
    X_CSRF,
    entry,
    listing,
    made,
)

ACCOUNT = {"who": "ada", "pw": PASSWORD}
COOKIE = f"sid={SESSION}-of-the-0perator"
SESSION_OF_HEX, TOKEN_OF_HEX = "a70efebbbbb30e19048ee1bdcaa00c4d", "5b7e0d3c9a1f48e2b6c4d8f01a2e3b49"


def signed_in_by(*requests: Any, session: RecordedSession = RECORDED) -> Any:
    """Draft a map from a recording that signs in by these requests."""
    create = entry("POST", "/t", {"text": "Forescout"}, {"nr": 7, "value": TOKEN}, cookies=COOKIE)
    listed = [entry("GET", "/t", answer={"rows": rows}, cookies=COOKIE) for rows in ([OLD], [OLD, ROW])]
    return made(*requests, listed[0], create, listed[1], session=session)


def login(sent: Any, answer: Any = None, path: str = "/in", **more: Any) -> dict[str, Any]:
    """Make the entry of a request that opens the session."""
    return entry("POST", path, sent, answer or {}, sets=COOKIE, **more)


FIRST = entry("POST", "/in", ACCOUNT, {"more": True}, sets="half=h4lf0fthe5e55i0n")
HALF = {"cookies": "half=h4lf0fthe5e55i0n"}
CODES = {
    # where a one-time code is: (the requests that sign in, the field)
    "text of a step": ([FIRST, login({"code": "481516"}, path="/code", **HALF)], 'the field "code"'),
    "a number of a step": ([FIRST, login({"c": 481516}, path="/code", **HALF)], 'the field "c"'),
    "two groups": ([FIRST, login({"c": "481 516"}, path="/code", **HALF)], 'the field "c"'),
    "digits": ([FIRST, login({"c": ["4", "8", "1", "5"]}, path="/code", **HALF)], 'the field "c"'),
    "a header": (
        [FIRST, login({}, path="/code", headers={"X-Otp": "481516"}, **HALF)],
        'the header "X-Otp"',
    ),
    "the query": ([FIRST, login({}, path="/code?c=481516", **HALF)], 'the query "c"'),
    "the path": ([FIRST, login({}, path="/code/481516", **HALF)], "a part of its path"),
    "text of the login": ([login({**ACCOUNT, "otp": "4815"})], 'the field "otp"'),
    "a number of the login": ([login({**ACCOUNT, "otp": 481516})], 'the field "otp"'),
}


@pytest.mark.parametrize(("requests", "field"), CODES.values(), ids=CODES)
def test_a_one_time_code_is_left_out_wherever_it_is(requests: list[Any], field: str) -> None:
    found = signed_in_by(*requests)
    assert any(f"sends {field}, which neither you typed" in each for each in found.missing)
    text = "\n".join([text_of(found), *found.missing])
    assert not [code for code in ("4815", "481 516", "'4', '8'") if code in text]


def test_settings_of_the_login_stay() -> None:
    sent = {**ACCOUNT, "ttl": 604800, "lang": 1033, "roles": [1, 2], "pages": ["a", "b", "c", "d"]}
    found = signed_in_by(login(sent))
    (step,) = found.endpoints["login"]["steps"]
    assert step["json"] == {**sent, "who": "{username}", "pw": "{password}"}


@pytest.mark.parametrize("flow", ["1b88d0", 43188])
def test_the_short_id_of_a_sign_in_is_captured_from_the_step_before(flow: Any) -> None:
    start = entry("POST", "/start", {"who": "ada"}, {"flow": flow})
    steps = signed_in_by(start, login({"flow": flow, "pw": PASSWORD})).endpoints["login"]["steps"]
    assert steps[-2]["capture"] == {"flow": "/flow"}
    assert steps[-1]["json"] == {"flow": "{flow}", "pw": "{password}"}


def bearer(number: int) -> dict[str, str]:
    """Return the header with one of the session's values."""
    return {"authorization": f"Bearer acce55-value-{number}"}


def sessions(number: int) -> dict[str, str]:
    """Return the answer that opens or renews a session."""
    return {"access": f"acce55-value-{number}", "refresh": f"refre5h-value-{number}"}


RENEWALS = {
    "signs in again": entry("POST", "/in", ACCOUNT, sessions(2)),
    "renews the session": entry("POST", "/renew", {"by": "refre5h-value-1"}, sessions(2), headers=bearer(1)),
}


@pytest.mark.parametrize("renewal", RENEWALS.values(), ids=RENEWALS)
def test_a_session_that_was_renewed_has_one_name(renewal: Any) -> None:
    found = made(
        entry("POST", "/in", ACCOUNT, sessions(1)),
        entry("GET", "/t", answer={"rows": [OLD]}, headers=bearer(1)),
        entry("POST", "/t", {"text": "Forescout"}, {"nr": 7, "value": TOKEN}, headers=bearer(1)),
        entry("GET", "/t", answer={"rows": [OLD, ROW]}, headers=bearer(1)),
        renewal,
        entry("DELETE", "/t/7", status=204, headers=bearer(2)),
        entry("GET", "/t", answer={"rows": [OLD]}, headers=bearer(2)),
    )
    assert found.missing == []
    assert [step["path"] for step in found.endpoints["login"]["steps"]] == ["/in"]
    sent = {each["headers"]["authorization"] for each in found.endpoints["tokens"].values()}
    assert sent == {"Bearer {access}"}


def test_a_session_of_more_rights_is_no_renewal() -> None:
    found = made(
        entry("POST", "/in", ACCOUNT, sessions(1)),
        entry("GET", "/t", answer={"rows": [OLD]}, headers=bearer(1)),
        entry("POST", "/raise", {"role": "admin"}, sessions(2), headers=bearer(1)),
        entry("POST", "/t", {"text": "Forescout"}, {"nr": 7, "value": TOKEN}, headers=bearer(2)),
        entry("GET", "/t", answer={"rows": [OLD, ROW]}, headers=bearer(2)),
    )
    assert [step["path"] for step in found.endpoints["login"]["steps"]] == ["/in", "/raise"]


def test_a_second_sign_in_for_the_same_cookie_is_not_repeated() -> None:
    again = entry("POST", "/in", ACCOUNT, {}, sets="sid=an0ther-c00k1e")
    other = {"headers": X_CSRF, "cookies": f"{BOTH.partition(';')[0]}; sid=an0ther-c00k1e"}
    create = entry("POST", "/t", {"text": "Forescout"}, {"nr": 7, "value": TOKEN}, **other)
    found = made(PAGE, LOGIN, LIST, again, create, LIST)
    assert [step["path"] for step in found.endpoints["login"]["steps"]] == ["/start", "/in"]
    assert "before" not in found.endpoints["tokens"]["create"]


JOB = "0b9f8c1e-7a54-4f0a-9d1b-5a6c7e8f9012"
DONE = {"state": "done", "nr": 7, "value": TOKEN}


@pytest.mark.parametrize(
    ("status", "answers"), [(200, [{"state": "busy"}, {"state": "busy"}, DONE]), (202, [DONE])]
)
def test_a_creation_that_is_waited_for_is_not_drafted(status: int, answers: list[Any]) -> None:
    start = entry(
        "POST", "/t", {"text": "Forescout"}, {"job": JOB}, status=status, headers=X_CSRF, cookies=BOTH
    )
    polls = [entry("GET", f"/jobs/{JOB}", answer=each, cookies=BOTH) for each in answers]
    found = made(PAGE, LOGIN, start, *polls, LIST, DELETE, GONE)
    assert "create" not in found.endpoints["tokens"]
    assert any("the page waits for the appliance to generate the token" in each for each in found.missing)


def test_a_word_of_the_path_that_is_the_description_too_stays_as_it_is() -> None:
    path = "/for/Forescout/t"
    create = entry(
        "POST", path, {"text": "Forescout"}, {"nr": 7, "value": TOKEN}, headers=X_CSRF, cookies=BOTH
    )
    before, having, gone = (
        entry("GET", path, answer=rows, cookies=BOTH) for rows in ([OLD], [OLD, ROW], [OLD])
    )
    delete = entry("DELETE", f"{path}/7", status=204, headers=X_CSRF, cookies=BOTH)
    found = made(PAGE, LOGIN, before, create, having, delete, gone)
    tokens = found.endpoints["tokens"]
    assert [each["path"] for each in tokens.values()] == [path, path, f"{path}/{{id}}"]
    assert [each.partition(":")[0] for each in found.missing] == ["tokens.create"]


def test_a_search_by_a_part_of_the_path_is_no_list() -> None:
    found = made(PAGE, LOGIN, CREATE, entry("GET", "/t/Forescout", answer=[ROW], cookies=BOTH))
    assert any(each.startswith("tokens.list: GET /t/Forescout searches for") for each in found.missing)


NAMED = [{"text": "Historian", "last": OLD["last"]}, {"text": "Forescout", "last": "N/A"}]


def test_the_description_is_the_id_if_it_alone_tells_tokens_apart() -> None:
    delete = entry("DELETE", "/t/Forescout", status=204, headers=X_CSRF, cookies=BOTH)
    found = made(PAGE, LOGIN, CREATE, listing(*NAMED), delete, listing(NAMED[0]))
    tokens = found.endpoints["tokens"]
    assert tokens["list"]["fields"] == {"id": "/text", "description": "/text", "used": "/last"}
    assert (tokens["delete"]["path"], tokens["delete"]["provenance"]) == ("/t/{description}", "assumed")


@pytest.mark.parametrize("rows", [[NAMED[1]], [*NAMED, NAMED[1]]])
def test_a_description_that_several_tokens_may_have_is_no_id(rows: list[Any]) -> None:
    found = made(PAGE, LOGIN, CREATE, listing(*rows))
    assert "id" not in found.endpoints["tokens"]["list"]["fields"]


@pytest.mark.parametrize(
    ("never", "used"),
    [
        (None, {"$date": 1793614500000}),
        ("N/A", {"$date": "2026-11-02T10:15:00Z"}),
        ("-", {"$date": {"$numberLong": "1793614500000"}}),
    ],
)
def test_a_time_inside_an_object_is_read(never: Any, used: Any) -> None:
    found = made(PAGE, LOGIN, CREATE, listing({**OLD, "last": used}, {**ROW, "last": never}))
    operation = found.endpoints["tokens"]["list"]
    assert operation["fields"]["used"].startswith("/last/$date")
    assert operation["used_may_be_absent"] is True
    assert "never_used" not in operation
    assert operation["used_format"] in ("iso8601", "epoch_milliseconds")


def test_a_token_that_was_used_before_it_was_listed_is_reported() -> None:
    found = made(PAGE, LOGIN, CREATE, listing(OLD, {**ROW, "last": "2026-11-27T09:01:00Z"}))
    assert "used" not in found.endpoints["tokens"]["list"]["fields"]
    said = (
        "tokens.list.fields.used: no field of the list shows that the new token was never used, and /last may"
    )
    assert any(each.startswith(said) for each in found.missing)


def test_a_token_in_a_header_is_shown_but_not_read() -> None:
    create = entry("POST", "/t", {"text": "Forescout"}, {"nr": 7}, headers=X_CSRF, cookies=BOTH)
    create["response"]["headers"].append({"name": "X-New", "value": TOKEN})
    said = made(PAGE, LOGIN, create, LIST).missing
    assert any(each.startswith("tokens.create: POST /t shows the token, but not as") for each in said)


def test_a_list_that_is_a_text_is_not_read() -> None:
    listed = entry("GET", "/t", answer={"d": json.dumps([OLD, ROW])}, cookies=BOTH)
    said = made(PAGE, LOGIN, CREATE, listed).missing
    assert any(each.startswith("tokens.list: GET /t has the description, but not in a list") for each in said)


def test_a_part_of_the_password_in_a_fixed_value_is_left_out() -> None:
    listed = entry("GET", f"/t?site=Old-{PASSWORD}", answer=[OLD, ROW], cookies=BOTH)
    found = made(PAGE, LOGIN, CREATE, listed)
    assert found.endpoints["tokens"]["list"]["path"] == "/t"
    said = 'tokens.list: GET /t sends the query "site", which has a part of the password, the token or a'
    assert any(each.startswith(said) for each in found.missing)


@pytest.mark.parametrize("part", [SESSION_OF_HEX[:7], TOKEN_OF_HEX[3:10], f"x {TOKEN_OF_HEX[:5]}...3b49"])
def test_a_part_of_a_machine_s_secret_is_left_out(part: str) -> None:
    sent = {"text": "Forescout", "hint": part, "kind": "sha256"}
    cookies = f"sid={SESSION_OF_HEX}"
    create = entry("POST", "/t", sent, {"nr": 7, "value": TOKEN_OF_HEX}, cookies=cookies)
    listed = entry("GET", "/t", answer=[OLD, ROW], cookies=cookies)
    login = entry("POST", "/in", ACCOUNT, {}, sets=cookies)
    found = made(login, create, listed, session=replace(RECORDED, token=TOKEN_OF_HEX))
    assert found.endpoints["tokens"]["create"]["json"] == {"text": "{description}", "kind": "sha256"}
    assert any('sends the field "hint", which has a part of' in each for each in found.missing)


def test_a_draft_with_a_password_that_is_a_word_of_maps_is_refused() -> None:
    login = entry("POST", "/in", {"who": "ada", "pw": "sensor"}, {}, sets=f"sid={SESSION}")
    session = replace(RECORDED, password="sensor")
    with pytest.raises(InvalidOptions, match="set a password for this account that is no word of"):
        made(login, CREATE, LIST, session=session)


def later(kind: str) -> Any:
    """Make the entries of a deletion, and of the lists after it, in a recording of this kind."""
    drop = entry("DELETE", "/t/7", status=202, headers=X_CSRF, cookies=BOTH)
    note = entry("POST", "/note", {"text": "x"}, {}, headers=X_CSRF, cookies=BOTH)
    return {
        "late": [LIST, drop, LIST, GONE],
        "with another write": [LIST, drop, note, LIST, GONE],
        "kept": [LIST, drop, LIST],
    }[kind]


@pytest.mark.parametrize(
    ("kind", "is_drafted", "said"),
    [
        ("late", True, "the list still had the token after DELETE /t/..., and lacked it later"),
        ("with another write", False, "a later list lacks the new token, and no request before it contains"),
        ("kept", False, "DELETE /t/... names the new token, and the list that was read after it still has"),
    ],
)
def test_a_list_that_still_has_the_deleted_token_is_reported(kind: str, is_drafted: bool, said: str) -> None:
    found = made(PAGE, LOGIN, CREATE, *later(kind))
    delete = found.endpoints["tokens"].get("delete", {})
    assert delete.get("provenance") == ("assumed" if is_drafted else None)
    assert any(each.startswith(f"tokens.delete: {said}") for each in found.missing)


@pytest.mark.parametrize(
    ("path", "sent", "drafted", "about"),
    [
        (
            "/Forescout/t",
            {"text": "Forescout"},
            ("/Forescout/t", {"text": "{description}"}),
            "has the description in its path too, which the map keeps as a fixed word",
        ),
        (
            "/t",
            {"text": "Forescout", "for": "Forescout"},
            ("/t", {"text": "{description}", "for": "{description}"}),
            'has the description more than once, in the field "/text" and the field "/for", so the draft '
            "sends it in each place",
        ),
        (
            "/Forescout/Forescout",
            {},
            ("/{description}/{description}", {}),
            "has the description more than once, in a part of its path, so the draft sends it in each place",
        ),
    ],
)
def test_a_creation_with_the_description_twice_is_asked_about(
    path: str, sent: Any, drafted: Any, about: str
) -> None:
    create = entry("POST", path, sent, {"nr": 7, "value": TOKEN}, headers=X_CSRF, cookies=BOTH)
    found = made(PAGE, LOGIN, create, LIST)
    operation = found.endpoints["tokens"]["create"]
    assert (operation["path"], operation["json"]) == drafted
    assert any(f"POST {path} {about}; " in each for each in found.missing)


@pytest.mark.parametrize(
    ("account", "said"),
    [
        (("ada@plant.example", PASSWORD), "no field of the sign-in is the user name that you entered"),
        ((PASSWORD, PASSWORD), "the user name and the password are the same text"),
    ],
)
def test_a_user_name_that_is_not_in_the_sign_in_is_asked_about(account: Any, said: str) -> None:
    session = RecordedSession("sensor", *account, TOKEN, description="Forescout")
    found = signed_in_by(login({"who": "ada", "pw": PASSWORD}), session=session)
    assert any(each.startswith(f"login: {said}") for each in found.missing)


USED = {
    # which field is Used: (the new row, the old row, the answer's value for never, the fields)
    "not the expiry": (
        {"expires": None, "last": None},
        {"expires": "2027-01-01T00:00:00Z", "last": None},
        "/last",
    ),
    "not a change": (
        {"editedAt": None, "last": None},
        {"editedAt": "2026-01-01T00:00:00Z", "last": None},
        "/last",
    ),
    "not a word of all": ({"role": "Viewer", "last": 5}, {"role": "Viewer", "last": 5}, None),
    "not the expiry of others": ({"last": 5}, {"last": 5, "validUntil": "2027-01-01T00:00:00Z"}, None),
}


@pytest.mark.parametrize(("new", "old", "used"), USED.values(), ids=USED)
def test_the_time_of_another_event_is_not_used(new: Any, old: Any, used: str | None) -> None:
    found = made(PAGE, LOGIN, CREATE, listing({**OLD, **old}, {**ROW, **new}))
    assert found.endpoints["tokens"]["list"]["fields"].get("used") == used


def test_the_value_for_never_may_be_given_as_json() -> None:
    session = RecordedSession("sensor", "ada", PASSWORD, TOKEN, description="Forescout", never_used="null")
    rows = [{**OLD, "last": "Mon, 02 Nov 2026"}, {**ROW, "last": None}]
    tokens = made(PAGE, LOGIN, CREATE, listing(*rows), session=session).endpoints["tokens"]
    assert tokens["list"]["fields"]["used"] == "/last"
    assert tokens["list"]["never_used"] is None


def basic() -> str:
    """Return the credentials of the account as HTTP's basic authentication sends them."""
    return f"Basic {RECORDED.basic}"


@pytest.mark.parametrize(
    ("headers", "drafted"),
    [
        ({"X-User": "ada", "X-Pass": PASSWORD}, {"X-User": "{username}", "X-Pass": "{password}"}),
        ({"Authorization": basic()}, {"Authorization": "Basic {basic}"}),
    ],
    ids=["two headers", "basic authentication"],
)
def test_a_sign_in_may_send_the_account_in_headers(headers: Any, drafted: Any) -> None:
    found = signed_in_by(login({}, headers=headers))
    assert found.endpoints["login"]["steps"][0]["headers"] == drafted
    assert not [each for each in found.missing if each.startswith("login")]


def test_a_sign_out_that_needs_what_only_the_list_gives_is_left_out() -> None:
    given = entry("GET", "/t", answer={"rows": [OLD, ROW]}, cookies=BOTH)
    given["response"]["headers"] = [{"name": "X-Write", "value": "wr1te-token-8"}]
    header = {"headers": {"X-Write": "wr1te-token-8"}, "cookies": BOTH}
    create = entry("POST", "/t", {"text": "Forescout"}, {"nr": 7, "value": TOKEN}, **header)
    found = made(PAGE, LOGIN, given, create, given, entry("POST", "/logout", {}, {}, **header))
    assert "logout" not in found.endpoints["login"]
    assert any(
        "POST /logout seems to sign out, and sends what the login does not give" in each
        for each in found.missing
    )


def at_second(number: int, sent: Any, **request: Any) -> dict[str, Any]:
    """Return an entry that was sent at this second."""
    return {
        **sent,
        "request": {**sent["request"], **request},
        "startedDateTime": f"2026-11-27T09:00:{number:02}.500Z",
    }


def test_entries_are_read_in_the_order_in_which_they_were_sent() -> None:
    entries = [at_second(number, each) for number, each in enumerate(ENTRIES)]
    whole = made(*entries)
    assert made(*reversed(entries)) == whole
    assert whole.missing == []
    del entries[3]["startedDateTime"]
    assert made(*reversed(entries)) != whole


@pytest.mark.parametrize("host", ["https://SENSOR.example", "https://sensor.example:443"])
def test_one_host_may_be_written_in_several_ways(host: str) -> None:
    url = LOGIN["request"]["url"].replace("https://sensor.example", host)
    entries = [at_second(0, each, url=url) if each is LOGIN else each for each in ENTRIES]
    assert made(*entries).endpoints == made(*ENTRIES).endpoints
