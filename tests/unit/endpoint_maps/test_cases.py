# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recordings as browsers, proxies and servers write them: the map works over HTTPS, or a part is missing.

Each server has one behaviour, with names that no other run had.
"""

from __future__ import annotations

import base64
import copy
import json
import secrets
import ssl
from collections.abc import Callable
from typing import Any

import pytest
import trustme
from defender_iot_lab.core.certificates import Certificate

from ansible_collections.otsec.defender_iot.tests.support.web_sessions import (
    DESCRIPTION,
    ORIGIN,
    TIME,
    Behaviour,
    Browser,
    Interface,
    again,
    served,
)
from ansible_collections.otsec.defender_iot.tests.unit.endpoint_maps.driven import managed, recorded

Log = dict[str, Any]
Change = Callable[[Log, Interface, Browser], None]

COOKIE = Behaviour(csrf="cookie")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ssl.SSLContext]:
    """A certificate authority's file, and a server's context with a certificate of it."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    shown = Certificate.of(authority.issue_cert("127.0.0.1"))
    (folder / "server.pem").write_bytes(shown.key + shown.chain)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return str(folder / "ca.pem"), context


def entries(log: Log, method: str, path: str = "") -> list[Any]:
    """Return the entries of a method whose path has a part."""
    return [
        each
        for each in log["entries"]
        if each["request"]["method"] == method and path in each["request"]["url"]
    ]


def insert(log: Log, at: int, *fresh: Any) -> None:
    """Put entries into a recording."""
    log["entries"][at:at] = fresh


def get(path: str, text: str | None = "", **content: Any) -> Any:
    """Make the entry of a page that was read."""
    given = {"text": text} if text is not None else {}
    return {
        "request": {"method": "GET", "url": ORIGIN + path, "headers": [], "cookies": []},
        "response": {
            "status": 200,
            "headers": [],
            "cookies": [],
            "content": {"mimeType": "x", **given, **content},
        },
    }


def odd_entries(log: Log, _interface: Interface, _browser: Browser) -> None:
    """Put in what browsers write of requests that failed, were cut off, or were no requests."""
    no_status = get("/a")
    no_status["response"]["status"] = None
    nothing = {"request": {"method": "GET", "url": ORIGIN + "/events", "headers": []}}
    no_url = get("/b")
    del no_url["request"]["url"]
    blocked = get("/c")
    blocked["response"]["status"] = 0
    blob = get("/d")
    blob["request"]["url"] = "blob:https://192.0.2.11/1"
    cookie = get("/e")
    cookie["request"]["cookies"] = [{"name": "theme"}]
    cookie["response"] |= {"headers": None, "cookies": None}
    cookie["response"]["content"]["mimeType"] = None
    insert(
        log,
        2,
        nothing,
        no_status,
        no_url,
        blocked,
        None,
        "x",
        blob,
        cookie,
        {"request": None, "response": {}},
    )


def mislabelled(log: Log, _interface: Interface, _browser: Browser) -> None:
    """Label a script as base64 that is none, and a list as what it is."""
    insert(log, 2, get("/app.js", "function(){ return 'ä' } //x", encoding="base64"))
    insert(log, 2, get("/logo.png", "????", encoding="base64", mimeType="image/png"))
    for each in log["entries"]:
        content = each["response"]["content"]
        if content["mimeType"] == "application/json":
            text = base64.b64encode(content["text"].encode()).decode()
            content |= {"text": text, "encoding": "base64"}


def without_headers(log: Log, interface: Interface, _browser: Browser) -> None:
    """Leave out the headers of answers that set no cookie."""
    for each in entries(log, "GET", interface.names["tokens"]):
        del each["response"]["headers"]


def polled(log: Log, interface: Interface, _browser: Browser) -> None:
    """Have the last list answered from the browser's cache, with and without its content."""
    last = entries(log, "GET", interface.names["tokens"])[-1]
    for content in ({"size": 0}, {"size": 9, "text": last["response"]["content"]["text"]}):
        cached = copy.deepcopy(last)
        cached["response"] |= {"status": 304, "content": {"mimeType": None, **content}}
        insert(log, log["entries"].index(last) + 1, cached)


def other_list(log: Log, _interface: Interface, _browser: Browser) -> None:
    """Look at another list last that has the description too."""
    rows = [{"id": 1, "name": DESCRIPTION, "state": "N/A"}, {"id": 2, "name": "splunk", "state": "N/A"}]
    insert(log, len(log["entries"]) - 1, get("/integrations", json.dumps(rows)))


def confirmed(log: Log, interface: Interface, _browser: Browser) -> None:
    """Confirm the password before the token is generated."""
    login = entries(log, "POST", interface.names["login"])[0]
    confirmation = copy.deepcopy(login)
    confirmation["request"]["url"] = f"{ORIGIN}/confirm"
    confirmation["response"] = get("/", "{}")["response"]
    create = entries(log, "POST", interface.names["tokens"])[0]
    insert(log, log["entries"].index(create), confirmation)


def password_changed(log: Log, interface: Interface, _browser: Browser) -> None:
    """Sign in with a first password and change it."""
    login = entries(log, "POST", interface.names["login"])[0]
    change = copy.deepcopy(login)
    change["request"]["url"] = f"{ORIGIN}/change"
    login["response"]["headers"] = []
    names = interface.names
    first = {names["username"]: interface.username, names["password"]: "Ch4ngeMe"}
    both = {"old": "Ch4ngeMe", "new": interface.password}
    login["request"]["postData"]["text"] = json.dumps(first)
    change["request"]["postData"]["text"] = json.dumps(both)
    insert(log, log["entries"].index(login) + 1, change)
    interface.secrets.add("Ch4ngeMe")


def password_repeated(log: Log, interface: Interface, browser: Browser) -> None:
    """Type the new password twice."""
    password_changed(log, interface, browser)
    change = entries(log, "POST", "/change")[0]
    sent = {"password": interface.password, "confirm": interface.password}
    change["request"]["postData"]["text"] = json.dumps(sent)


def other_host(log: Log, interface: Interface, _browser: Browser) -> None:
    """Sign in elsewhere."""
    for each in entries(log, "POST", interface.names["login"]):
        each["request"]["url"] = "https://login.example.org/oauth/login"


def signed_in(log: Log, interface: Interface, _browser: Browser) -> None:
    """Begin to record once the operator had signed in, and confirm the password at the end."""
    login = entries(log, "POST", interface.names["login"])[0]
    log["entries"].remove(login)
    log["entries"].append(login)


def unrecorded_login(log: Log, interface: Interface, _browser: Browser) -> None:
    """Leave the login out."""
    log["entries"].remove(entries(log, "POST", interface.names["login"])[0])


def sanitized(log: Log, _interface: Interface, _browser: Browser) -> None:
    """Leave out what Chrome leaves out by default."""
    log["creator"] = {"name": "WebInspector", "version": "537.36"}
    for each in log["entries"]:
        for part in (each["request"], each["response"]):
            part["cookies"] = []
            part["headers"] = [
                each for each in part["headers"] if each["name"].lower() not in ("cookie", "set-cookie")
            ]


def evicted(log: Log, interface: Interface, _browser: Browser) -> None:
    """Drop the content of every list."""
    for each in entries(log, "GET", interface.names["tokens"]):
        each["response"]["content"] = {"size": 200, "mimeType": "application/json"}


def signed_in_twice(log: Log, interface: Interface, _browser: Browser) -> None:
    """Sign in, lose the session, and sign in again from it."""
    login = entries(log, "POST", interface.names["login"])[0]
    first = copy.deepcopy(login)
    lost = f"{interface.names['cookie']}={interface.secret()}"
    first["response"]["headers"] = [{"name": "Set-Cookie", "value": lost}]
    login["request"]["headers"].append({"name": "Cookie", "value": lost})
    insert(log, log["entries"].index(login), first)


def marked(log: Log, _interface: Interface, _browser: Browser) -> None:
    """Begin each answer with a byte order mark."""
    for each in log["entries"]:
        content = each["response"]["content"]
        content["text"] = "\ufeff" + content["text"]


def one_time_code(log: Log, interface: Interface, _browser: Browser) -> None:
    """Have the session only after a code that was typed."""
    login = entries(log, "POST", interface.names["login"])[0]
    code = copy.deepcopy(login)
    code["request"]["url"] = f"{ORIGIN}/code"
    code["request"]["postData"]["text"] = json.dumps({"otp": "481516"})
    login["response"]["headers"] = [
        {"name": "Set-Cookie", "value": f"{interface.names['cookie']}=h4lf0fthe5e55i0n"}
    ]
    insert(log, log["entries"].index(login) + 1, code)


def two_lists(log: Log, interface: Interface, browser: Browser) -> None:
    """Have two lists of which neither is proved, as if the list was not opened before."""
    for each in entries(log, "GET", interface.names["tokens"]):
        each["request"]["url"] = f"{ORIGIN}/all"
    first = entries(log, "GET", "/all")[0]
    log["entries"].remove(first)
    other_list(log, interface, browser)


def in_a_script(log: Log, interface: Interface, _browser: Browser) -> None:
    """Have the CSRF token in a script of the page."""
    page = log["entries"][0]["response"]["content"]
    page["text"] = f"<script>var csrf = '{interface.csrf}';</script>"


WORKS: dict[str, tuple[Behaviour, Change | None]] = {
    "a form whose answer redirects": (
        Behaviour(login="form", csrf="hidden", login_status=302),
        None,
    ),
    "a double-submit cookie that the login renews": (COOKIE, None),
    "an encoded CSRF cookie": (Behaviour(csrf="encoded_cookie", looks="base64"), None),
    "a CSRF token in a meta tag": (Behaviour(csrf="meta"), None),
    "a CSRF token that is new in each answer": (Behaviour(csrf="header"), None),
    "a session in a header of 16 digits": (Behaviour(carrier="header"), None),
    "a JWT that is refreshed": (Behaviour(carrier="bearer", refreshes=True, looks="jwt"), None),
    "one answer that is mislabelled": (COOKIE, mislabelled),
    "entries that are none": (COOKIE, odd_entries),
    "answers without headers": (COOKIE, without_headers),
    "a list that is polled": (COOKIE, polled),
    "ids that are UUIDs": (Behaviour(ids="uuid", csrf="cookie"), None),
    "a list of pages": (Behaviour(paging="page"), None),
    "a list by offsets": (Behaviour(paging="offset"), None),
    "a list by cursors": (Behaviour(paging="cursor"), None),
    "a list by links": (Behaviour(paging="link"), None),
    "a list by links that are objects": (Behaviour(paging="nested_link"), None),
    "times in local words": (Behaviour(used="locale"), None),
    "relative times": (Behaviour(used="relative"), None),
    "no time until the first use": (Behaviour(used="absent"), None),
    "times that are objects": (Behaviour(used="object"), None),
    "a login that was repeated": (Behaviour(), signed_in_twice),
    "answers with a byte order mark": (Behaviour(), marked),
    "another list with the same word": (COOKIE, other_list),
    "another list, and no id from the creation": (Behaviour(created="string"), other_list),
    "a session from before the login": (Behaviour(carrier="early_cookie", login="form", logout="get"), None),
    "a token that is the whole answer": (Behaviour(created="string"), None),
    "a multipart login": (Behaviour(login="multipart"), None),
    "a login in two steps": (Behaviour(login="two_steps", csrf="meta"), None),
    "a session in the path": (Behaviour(carrier="path"), None),
    "a session in the body": (Behaviour(carrier="body"), None),
    "basic authentication": (Behaviour(login="basic"), None),
    "a deletion by a body": (Behaviour(deletion="body"), None),
}


@pytest.mark.parametrize(("behaviour", "change"), WORKS.values(), ids=WORKS)
def test_the_drafted_map_works_against_such_a_server(
    behaviour: Behaviour, change: Change | None, tls: tuple[str, ssl.SSLContext]
) -> None:
    seed = secrets.randbelow(10**6)
    print(f"seed: {seed}")
    drafted = recorded(behaviour, seed, change)
    assert drafted.made.missing == []
    interface = again(drafted.interface, seed + 2)
    with served(interface, tls[1]) as url:
        used = managed(drafted, interface, url=url, ca_path=tls[0], timeout=30)
    assert used == {"locale": "2026-11-22T10:15:00Z", "relative": "3 hours ago"}.get(behaviour.used, TIME)


MISSING: dict[str, tuple[Behaviour, Change, str]] = {
    "a changed password": (COOKIE, password_changed, "login: POST /change changes the password"),
    "a password typed twice": (COOKIE, password_repeated, "login: POST /change changes the password"),
    "single sign-on": (COOKIE, other_host, "login: the password was sent to login.example.org"),
    "signed in before": (COOKIE, signed_in, "login: the session began before the recording"),
    "no login": (COOKIE, unrecorded_login, "login: no request sends the password as you typed it"),
    "sanitized": (COOKIE, sanitized, "login: the browser left cookies and credentials out"),
    "evicted": (COOKIE, evicted, "recording: the browser did not keep the content of 3 answers"),
    "a one-time code": (
        Behaviour(),
        one_time_code,
        'login.steps: POST /code sends the field "otp", which neither you typed nor an answer gave',
    ),
    "two lists": (
        Behaviour(created="string", deletion="none"),
        two_lists,
        "tokens.list: the list may be any of",
    ),
    "a token in a script": (Behaviour(csrf="meta"), in_a_script, "has in a script or in another form"),
}


@pytest.mark.parametrize(("behaviour", "change", "said"), MISSING.values(), ids=MISSING)
def test_what_a_map_cannot_say_is_missing(behaviour: Behaviour, change: Change, said: str) -> None:
    drafted = recorded(behaviour, secrets.randbelow(10**6), change)
    assert [each for each in drafted.made.missing if said in each], drafted.made.missing


def test_odd_entries_are_counted() -> None:
    assert recorded(COOKIE, 1, odd_entries).made.skipped == 8


def test_a_confirmation_of_the_password_is_repeated_before_the_creation() -> None:
    drafted = recorded(COOKIE, 1, confirmed)
    assert drafted.made.missing == []
    before = drafted.made.endpoints["tokens"]["create"]["before"]
    assert [step["path"] for step in before] == ["/confirm"]
    assert drafted.made.endpoints["login"]["steps"][-1]["path"] != "/confirm"
    assert "tokens.create.before: POST /confirm" in drafted.made.found


def test_the_requests_that_were_found_are_named() -> None:
    drafted = recorded(COOKIE, 1)
    names = drafted.interface.names
    assert drafted.made.found == [
        "login.steps: GET /",
        f"login: POST /{names['login']}",
        f"login.logout: POST /{names['logout']}",
        f"tokens.list: GET /{names['tokens']}",
        f"tokens.create: POST /{names['tokens']}",
        f"tokens.delete: DELETE /{names['tokens']}/4",
    ]
