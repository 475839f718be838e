# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bytes of users' texts in every header and body: encoded in UTF-8, and only once.

The server is real, with TLS, so that no lower layer can change the asserted bytes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from lxml import etree

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import ApplianceError
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.hosts import HOST
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.module_settings import SETTINGS
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.web import Forescout
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.web_api import WebApi
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.admin_profile import PROFILE
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api import FortiGate
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_admin import ADMIN
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortisiem.api import FortiSiem
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortisiem.events import EVENT
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.access_token import TOKEN
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.api import SensorApi
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.data import CONNECTION, DEVICE
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.web import Sensor
from ansible_collections.otsec.defender_iot.tests.support.certificates import Certificates
from ansible_collections.otsec.defender_iot.tests.support.servers import HttpProxy, SocksProxy, http, running
from ansible_collections.otsec.defender_iot.tests.support.wire import appliance, ask

TEXTS = ["p4ss", "ä", "Pä€ss名", 'a&b=c d%41+"é']
"""ASCII, Latin-1, other characters, and those that forms and URLs escape."""

NO_PAGE = http(b"", status="404 Not Found")
LIST = {"method": "GET", "path": "/tokens", "success": [200], "fields": {"id": "/id"}}
FORM = {"u": "{username}", "p": "{password}"}

Params = dict[str, Any]


def endpoint_map(product: str, login: Params) -> Params:
    """Return an endpoint map with this login."""
    create = {
        "method": "POST",
        "path": "/tokens",
        "json": {"d": "{description}"},
        "success": [200],
        "fields": {"secret": "/secret"},
    }
    update = {"method": "POST", "path": "/settings", "form": {"t": "{access_token}"}, "success": [200]}
    read = {"method": "GET", "path": "/settings", "success": [200], "fields": {"server_address": "/a"}}
    groups = {"tokens": {"list": LIST, "create": create}, "settings": {"read": read, "update": update}}
    return {"product": product, "versions": "any", "login": login, **groups}


def request_login(**content: Any) -> Params:
    """Return a login that sends name and password."""
    request = {"method": "POST", "path": "/login", "success": [200], **content}
    return {"steps": [{**request, "capture": {"s": {"cookie": "s"}}}]}


def ask_events(box: Any, text: str) -> None:
    """Ask for the events of a source that a user has named."""
    box.ask(
        EVENT,
        {"sources": {text: f'reptDevName = "{text}"'}, "low": 0, "high": 1, "limit": 1, "control": None},
    )


TOKEN_LOGIN = {"steps": [], "headers": {"Authorization": "Token {token}"}}

FLOWS: dict[str, tuple[type, Params, Callable[[Any, str], Any]]] = {
    # Case: session, its options, and its use.
    "confirmation": (FortiGate, {"token": "t"}, lambda box, text: box.create(ADMIN, "a", {"name": "a"})),
    "object": (FortiGate, {"token": "t"}, lambda box, text: box.create(PROFILE, "a", {"comments": text})),
    "name": (FortiGate, {"token": "t"}, lambda box, text: box.delete(PROFILE, text)),
    "vdom": (FortiGate, {"token": "t"}, lambda box, text: box.table(PROFILE)),
    "API login": (FortiGate, {}, lambda box, text: box.table(PROFILE)),
    "web login": (FortiGate, {}, lambda box, text: box.table(PROFILE)),
    "sensor token": (SensorApi, {}, lambda box, text: box.table(DEVICE)),
    "sensor password": (SensorApi, {}, lambda box, text: box.probe(CONNECTION, text, text)),
    "Web API login": (WebApi, {}, lambda box, text: box.read(HOST, "1")),
    "token of a map": (Sensor, {"login": TOKEN_LOGIN}, lambda box, text: box.table(TOKEN)),
    "description of a map": (Sensor, {"login": TOKEN_LOGIN}, lambda box, text: box.mint(TOKEN, text)),
    "JSON of a map": (Sensor, {"login": request_login(json=FORM)}, lambda box, text: box.table(TOKEN)),
    "form of a map": (Sensor, {"login": request_login(form=FORM)}, lambda box, text: box.table(TOKEN)),
    "settings of a map": (
        Forescout,
        {"login": TOKEN_LOGIN},
        lambda box, text: box.web.write(SETTINGS.path, "update", {"access_token": text}),
    ),
    "FortiSIEM token": (FortiSiem, {"api": "json", "login": "token"}, ask_events),
    "FortiSIEM password": (FortiSiem, {"api": "json", "login": "password"}, ask_events),
    "FortiSIEM client": (FortiSiem, {"api": "json", "login": "client"}, ask_events),
    "FortiSIEM JSON query": (FortiSiem, {"api": "json", "login": "token"}, ask_events),
    "FortiSIEM XML query": (FortiSiem, {"api": "xml", "login": "token"}, ask_events),
}


def in_json(*names: str) -> Callable[[Any, str], None]:
    """Return a check that members of a JSON body, decoded as UTF-8, are the text."""

    def check(box: Any, text: str) -> None:
        document = json.loads(box.bodies[-1].decode("utf-8"))
        assert {name: document[name] for name in names} == dict.fromkeys(names, text)

    return check


def in_form(*names: str) -> Callable[[Any, str], None]:
    """Return a check that fields of a form are the text."""

    def check(box: Any, text: str) -> None:
        fields = parse_qs(box.bodies[-1].decode("ascii"), strict_parsing=True, errors="strict")
        assert [fields[name] for name in names] == [[text]] * len(names)

    return check


def in_header(name: str, before: str = "") -> Callable[[Any, str], None]:
    """Return a check that the bytes of a header are those of the text."""

    def check(box: Any, text: str) -> None:
        assert box.requests[-1][1][name].encode("latin-1") == f"{before}{text}".encode()

    return check


def in_target(before: str, after: str = "") -> Callable[[Any, str], None]:
    """Return a check that a path or a query has the percent-encoded text."""

    def check(box: Any, text: str) -> None:
        target = box.requests[-1][0].split()[1].replace("+", "%20")
        assert target == f"{before}{quote(text, safe='')}{after}"

    return check


def in_basic(box: Any, text: str) -> None:
    """Check that the header has name and password in UTF-8."""
    scheme, _space, value = box.requests[-1][1]["authorization"].partition(" ")
    assert (scheme, base64.b64decode(value)) == ("Basic", f"{text}:{text}".encode())


def in_constraint(box: Any, text: str) -> None:
    """Check that the constraint of a query, in JSON or XML, has the text."""
    body = box.bodies[-1]
    found = [json.loads(body)["where"]] if body.startswith(b"{") else []
    if not found:
        found = [each.text for each in etree.fromstring(body).iter("SingleEvtConstr")]
    assert found == [f'reptDevName = "{text}"']


PLACES: dict[str, Callable[[Any, str], None]] = {
    "confirmation": in_header("x-admin-passwd"),
    "object": in_json("comments"),
    "name": in_target("/api/v2/cmdb/system/accprofile/", "?vdom=root"),
    "vdom": in_target("/api/v2/cmdb/system/accprofile?vdom="),
    "API login": in_json("username", "secretkey", "password"),
    "web login": in_form("username", "secretkey"),
    "sensor token": in_header("authorization"),
    "sensor password": in_json("username", "password"),
    "Web API login": in_form("username", "password"),
    "token of a map": in_header("authorization", "Token "),
    "description of a map": in_json("d"),
    "JSON of a map": in_json("u", "p"),
    "form of a map": in_form("u", "p"),
    "settings of a map": in_form("t"),
    "FortiSIEM token": in_header("authorization", "Bearer "),
    "FortiSIEM password": in_basic,
    "FortiSIEM client": in_form("client_id", "client_secret"),
    "FortiSIEM JSON query": in_constraint,
    "FortiSIEM XML query": in_constraint,
}


def fortisiem_account(login: str, text: str) -> Params:
    """Return the credentials of one way to log in. The others are not set."""
    ways = {
        "token": ["token"],
        "password": ["username", "password"],
        "client": ["client_id", "client_secret"],
    }
    return {name: text if way == login else None for way, names in ways.items() for name in names}


def options(flow: str, box: Any, certificates: Certificates, text: str) -> Params:
    """Return the options of a task with a text in every place where a user may write one."""
    kind, own, _act = FLOWS[flow]
    connection = {"validate_certs": True, "ca_path": certificates.ca_path, "connect_timeout": 5, "timeout": 5}
    account = {"token": text, "username": text, "password": text}
    if kind is FortiGate:
        account["token"] = own.get("token")
    more: Params = {"vdom": text if flow == "vdom" else "root", "api": "sensor", "token_form": "bare"}
    if kind is FortiSiem:
        return {
            "url": box.url,
            **connection,
            **fortisiem_account(own["login"], text),
            **own,
            "query_timeout": 1,
        }
    if "login" in own:
        more["endpoint_map"] = endpoint_map("sensor", own["login"])
    return {"url": box.url, **connection, **account, **more}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("flow", FLOWS)
def test_a_text_is_sent_in_utf_8_and_only_once(certificates: Certificates, flow: str, text: str) -> None:
    kind, _own, act = FLOWS[flow]
    answer = {"answer": NO_PAGE} if flow == "web login" else {}
    with appliance(certificates, **answer) as box:
        # The answer does not matter. The test checks only the request.
        with suppress(ApplianceError), closing(kind(options(flow, box, certificates, text))) as api:
            act(api, text)
        PLACES[flow](box, text)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_the_account_of_a_proxy_is_sent_in_utf_8(certificates: Certificates, scheme: str, text: str) -> None:
    account, given = f"{text}:{text}", f"{quote(text, safe='')}:{quote(text, safe='')}"
    proxies = {"http": HttpProxy, "socks5": SocksProxy}
    with appliance(certificates) as box, running(proxies[scheme](account)) as proxy:
        place = f"{scheme}://{given}@127.0.0.1:{proxy.port}"
        assert ask(box.url, certificates, proxy=place).status == 200


@pytest.mark.parametrize(
    ("path", "id_", "segment"),
    [("/tokens/{id}", "..", ".."), ("/tokens/.{id}", ".", "."), ("/tokens/../{id}", "7", "..")],
)
def test_what_an_appliance_or_a_map_puts_into_a_path_leads_to_no_other(
    certificates: Certificates, path: str, id_: str, segment: str
) -> None:
    endpoints = endpoint_map("sensor", TOKEN_LOGIN)
    endpoints["tokens"]["delete"] = {"method": "DELETE", "path": path, "success": [200]}
    with appliance(certificates) as box:
        params = {**options("token of a map", box, certificates, "t"), "endpoint_map": endpoints}
        with closing(Sensor(params)) as sensor, pytest.raises(ApplianceError) as caught:
            sensor.web.write(TOKEN.path, "delete", {"id": id_, "description": "a"})
        assert f'is "{segment}", which leads to another path' in caught.value.reason
        assert box.requests == []
