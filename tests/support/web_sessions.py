# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small web interfaces of sensors, each with a behaviour of its own, and recordings of a browser on them.

Every name and every secret is made up by a seed. An interface answers in memory, or over HTTPS.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlencode, urlsplit
from uuid import UUID

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response as WebResponse
from starlette.routing import Route

from ansible_collections.otsec.defender_iot.plugins.module_utils._wire.https import Response

from .patience import STEP_SECONDS

LOOPBACK = "127.0.0.1"
ORIGIN = "https://192.0.2.11"
DESCRIPTION = "forescout"
PAGE_SIZE = 2
TIME = "2026-11-02T10:15:00Z"
USED = {
    "iso8601": TIME,
    "epoch_seconds": 1793614500,
    "epoch_milliseconds": 1793614500000,
    "locale": "11/22/2026, 10:15 AM",
    "relative": "3 hours ago",
    "absent": TIME,
    "null": TIME,
    "object": {"$date": 1793614500000},
}


@dataclass(frozen=True)
class Behaviour:
    """How a web interface signs in, keeps its session, and lists, creates and deletes tokens."""

    login: str = "json"  # json, form, multipart, two_steps, basic
    login_status: int = 200
    carrier: str = "cookie"  # cookie, early_cookie, header, bearer, path, query, body, script_cookie
    csrf: str = "none"  # none, cookie, encoded_cookie, meta, hidden, header
    refreshes: bool = False
    paging: str = "none"  # none, page, offset, cursor, link, nested_link, total, size
    ids: str = "number"  # number, uuid, text
    used: str = "iso8601"
    created: str = "object"  # object, without_id, string
    deletion: str = "path"  # path, body, get, remaining, row, steps, none
    logout: str = "post"  # post, get, none
    looks: str = "hex"  # hex, letters, base64, jwt, uuid


@dataclass
class Asked:
    """A request as an interface reads it."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def segments(self) -> list[str]:
        """Return the parts of the path."""
        return [unquote(part) for part in urlsplit(self.path).path.split("/")[1:]]

    @property
    def query(self) -> dict[str, str]:
        """Return the parameters."""
        return dict(parse_qsl(urlsplit(self.path).query))

    @property
    def fields(self) -> dict[str, Any]:
        """Return the fields of the body, however they are sent."""
        kind = self.headers.get("content-type", "")
        text = self.body.decode()
        if "urlencoded" in kind:
            pairs = parse_qs(text, keep_blank_values=True)
            return {name: values[0] for name, values in pairs.items()}
        if "multipart" in kind:
            boundary = kind.partition("boundary=")[2].strip('"')
            parts = [part.partition("\r\n\r\n") for part in text.split(f"--{boundary}")[1:-1]]
            return {
                head.partition('name="')[2].partition('"')[0]: value.rstrip("\r\n")
                for head, _separator, value in parts
            }
        return dict(json.loads(text)) if text.startswith("{") else {}


@dataclass
class Reply:
    """An answer."""

    status: int
    document: Any = None
    page: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Return the body."""
        if self.page is not None:
            return self.page
        return "" if self.document is None else json.dumps(self.document)


class Interface:
    """One web interface; ``secrets`` are all the values that it has ever issued to sign in with."""

    def __init__(self, behaviour: Behaviour, names: int, seed: int) -> None:
        """Make names by one seed, and secrets by another."""
        self.behaviour = behaviour
        self.random = Random(seed)  # noqa: S311
        words = Random(names)  # noqa: S311
        self.names = {role: "".join(words.choices("bcdfghjkmnpqrstvwz", k=7)) for role in ROLES}
        self.secrets: set[str] = set()
        self.username = "admin"
        self.password = f"{self.secret()}!" if behaviour.looks != "letters" else "Wint3r-Plant!"
        self.secrets.add(self.password)
        self.csrf = self.secret()
        self.access = self.refresh = self.state = ""
        self.sessions: dict[str, bool] = {}
        self.tokens: list[dict[str, Any]] = []
        self.requests: list[Asked] = []
        self.deleted: list[Any] = []
        self.selected: Any = None
        self.add("historian", used=True)

    def secret(self) -> str:
        """Make up a value to sign in with."""
        random = self.random
        made = {
            "hex": lambda: f"{random.getrandbits(64):016x}",
            "letters": lambda: "".join(
                random.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", k=16)
            ),
            "base64": lambda: base64.b64encode(random.randbytes(20)).decode(),
            "jwt": lambda: ".".join(
                base64.urlsafe_b64encode(part).decode().rstrip("=")
                for part in (b'{"alg":"HS256"}', b'{"sub":"admin"}', random.randbytes(24))
            ),
            "uuid": lambda: str(UUID(int=random.getrandbits(128), version=4)),
        }[self.behaviour.looks]()
        self.secrets.add(made)
        return made

    def add(self, description: str, *, used: bool = False) -> dict[str, Any]:
        """Add a token to the list."""
        number = len(self.tokens) + len(self.deleted) + 3
        kinds = {
            "number": number,
            "uuid": str(UUID(int=self.random.getrandbits(128), version=4)),
            "text": f"tok-{number:04d}",
        }
        made = {"id": kinds[self.behaviour.ids], "description": description, "used": used}
        if self.behaviour.deletion == "row":
            made["mark"] = f"{self.random.getrandbits(64):016x}"
        self.tokens.append(made)
        return made

    def answer(self, asked: Asked) -> Reply:
        """Answer one request."""
        self.requests.append(asked)
        first, *rest = asked.segments
        names = self.names
        if first == "":
            return self._page()
        if first in (names["login"], names["second"]):
            return self._login(asked, second=first == names["second"])
        if first == names["refresh"]:
            return self._refresh(asked)
        if self.behaviour.carrier == "path":
            if not rest or first != names["session"] or rest[0] != self.access or not self.access:
                return Reply(401, {"error": "no session"})
            first, *rest = rest[1:]
        elif not self._has_session(asked):
            return Reply(401, {"error": "no session"})
        if asked.method != "GET" and not self._has_csrf(asked):
            return Reply(403, {"error": "no CSRF token"})
        if first == names["logout"]:
            self.access = ""
            return Reply(
                302 if asked.method == "GET" else 200,
                {},
                headers={"Location": "/"},
                cookies={names["cookie"]: ""},
            )
        return self._operate(asked, first, rest)

    def _operate(self, asked: Asked, first: str, rest: list[str]) -> Reply:
        """Answer a request that has a session."""
        names = self.names
        if first == names["remove"]:
            return self._remove(asked)
        if first != names["tokens"]:
            return Reply(404, {"error": "no such page"})
        if rest and asked.method == "DELETE" and self.behaviour.deletion == "path":
            return self._delete(rest[0])
        if self.behaviour.deletion == "get" and names["remove"] in asked.query:
            return self._delete(asked.query[names["remove"]])
        is_list = asked.method == "GET" or rest == [names["items"]]
        return self._list(asked) if is_list else self._create(asked)

    def _page(self) -> Reply:
        names, behaviour = self.names, self.behaviour
        cookies = {}
        if behaviour.csrf in ("cookie", "encoded_cookie"):
            cookies[names["csrf"]] = self._csrf_cookie()
        if behaviour.carrier == "early_cookie":
            self.early = self.secret()
            cookies[names["cookie"]] = self.early
        page = "<!doctype html><html><head><meta charset=utf-8>"
        if behaviour.csrf == "meta":
            page += f'<meta content="{self.csrf}" name="{names["csrf"]}">'
        page += "</head><body><form>"
        if behaviour.csrf == "hidden":
            page += f'<input type="hidden" name="{names["csrf"]}" value="{self.csrf}">'
        headers = {f"X-{names['csrf']}": self.csrf} if behaviour.csrf == "header" else {}
        return Reply(200, page=f"{page}</form></body></html>", cookies=cookies, headers=headers)

    def _csrf_cookie(self) -> str:
        return quote(self.csrf, safe="") if self.behaviour.csrf == "encoded_cookie" else self.csrf

    def _login(self, asked: Asked, *, second: bool) -> Reply:
        names, fields = self.names, asked.fields
        if self.behaviour.login == "two_steps" and not second:
            self.state = self.secret()
            return Reply(200, {names["state"]: self.state})
        if not self._has_csrf(asked) and self.behaviour.csrf != "header":
            return Reply(403, {"error": "no CSRF token"})
        knows = fields.get(names["password"]) == self.password
        if self.behaviour.login == "two_steps":
            knows = knows and fields.get(names["state"]) == self.state
        else:
            knows = knows and fields.get(names["username"]) == self.username
        if not knows:
            return Reply(200 if self.behaviour.login_status == 302 else 401, {"error": "wrong"})
        return self._session(asked)

    def _session(self, asked: Asked) -> Reply:
        names, carrier = self.names, self.behaviour.carrier
        reply = Reply(self.behaviour.login_status, {"ok": True})
        if reply.status == 302:
            reply.headers["Location"] = "/"
        if carrier == "early_cookie":
            self.access = asked.cookies.get(names["cookie"], "")
            return reply
        self.access = self.secret()
        if carrier == "cookie":
            reply.cookies[names["cookie"]] = self.access
        elif reply.status == 302:
            reply.headers[f"X-{names['session']}"] = self.access
        else:
            reply.document = {"ok": True, names["session"]: self.access}
        if self.behaviour.refreshes:
            self.refresh = self.secret()
            reply.document = {**reply.document, names["refresh"]: self.refresh}
        if self.behaviour.csrf == "cookie":
            self.csrf = self.secret()
            reply.cookies[names["csrf"]] = self.csrf
        return reply

    def _refresh(self, asked: Asked) -> Reply:
        if not self.refresh or asked.fields.get(self.names["refresh"]) != self.refresh:
            return Reply(401, {"error": "no refresh"})
        self.access = self.secret()
        reply = Reply(200, {self.names["session"]: self.access})
        if self.behaviour.carrier == "cookie":
            reply.cookies[self.names["cookie"]] = self.access
        return reply

    def _has_session(self, asked: Asked) -> bool:
        names = self.names
        basic = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        if self.behaviour.login == "basic":
            return asked.headers.get("authorization") == f"Basic {basic}"
        sent = {
            "cookie": asked.cookies.get(names["cookie"]),
            "early_cookie": asked.cookies.get(names["cookie"]),
            "script_cookie": asked.cookies.get(names["cookie"]),
            "header": asked.headers.get(f"x-{names['session']}"),
            "bearer": asked.headers.get("authorization", "").removeprefix("Bearer "),
            "query": asked.query.get(names["session"]),
            "body": asked.fields.get(names["session"]),
        }[self.behaviour.carrier]
        return bool(self.access) and sent == self.access

    def _has_csrf(self, asked: Asked) -> bool:
        if self.behaviour.csrf == "none":
            return True
        if self.behaviour.csrf == "hidden":
            return asked.fields.get(self.names["csrf"]) == self.csrf
        return asked.headers.get(f"x-{self.names['csrf']}") == self.csrf

    def _row(self, token: Mapping[str, Any]) -> dict[str, Any]:
        names, form = self.names, self.behaviour.used
        row = {names["id"]: token["id"], names["description"]: token["description"]}
        row |= {names["mark"]: token["mark"]} if "mark" in token else {}
        null = {names["used"]: None}
        never = {"null": null, "object": null, "absent": {}}.get(form, {names["used"]: "N/A"})
        return {**row, **({names["used"]: USED[form]} if token["used"] else never)}

    def _list(self, asked: Asked) -> Reply:
        rows = [self._row(token) for token in self.tokens]
        reply = self._paged(rows, asked)
        if self.behaviour.csrf == "header":
            self.csrf = self.secret()
            reply.headers[f"X-{self.names['csrf']}"] = self.csrf
        return reply

    def _paged(self, rows: list[Any], asked: Asked) -> Reply:
        paging, items, query = self.behaviour.paging, self.names["items"], asked.query
        size = int(query.get("size", PAGE_SIZE))
        if paging == "none":
            return Reply(200, {items: rows})
        if paging == "total":
            return Reply(200, {items: rows[:PAGE_SIZE], "total": len(rows)})
        if paging == "size":
            return Reply(200, {items: rows[:size]})
        start = {
            "page": lambda: int(query.get("page", 0)) * size,
            "offset": lambda: int(query.get("offset", 0)),
            "cursor": lambda: int(query.get("cursor", "c0")[1:]),
            "link": lambda: int(query.get("at", 0)),
            "nested_link": lambda: int(query.get("at", 0)),
        }[paging]()
        end = start + size
        more = end < len(rows)
        following = f"{urlsplit(asked.path).path}?{urlencode({**query, 'at': end})}" if more else None
        beside: dict[str, Any] = {
            "page": {"page": {"number": start // size, "totalElements": len(rows)}, "last": not more},
            "offset": {"total": len(rows)},
            "cursor": {"next": f"c{end}" if more else None},
            "link": {"next": following},
            "nested_link": {"_links": {"self": {"href": asked.path}, **_linked(following)}},
        }[paging]
        return Reply(200, {items: rows[start:end], **beside})

    @property
    def list_path(self) -> str:
        """Return the path that the page lists tokens by."""
        below = f"/{self.names['items']}" if self.behaviour.carrier == "body" else ""
        return f"/{self.names['tokens']}{below}{self._query()}"

    def _query(self) -> str:
        return {"page": "?page=0&size=2", "offset": "?offset=0&size=2", "size": "?size=5"}.get(
            self.behaviour.paging, ""
        )

    def _create(self, asked: Asked) -> Reply:
        made = self.add(asked.fields[self.names["description"]])
        token = f"{self.random.getrandbits(128):032x}"
        self.secrets.add(token)
        self.last_token = token
        document: Any = {self.names["id"]: made["id"], self.names["token"]: token}
        if self.behaviour.created == "without_id":
            del document[self.names["id"]]
        return Reply(201, token if self.behaviour.created == "string" else document)

    def _remove(self, asked: Asked) -> Reply:
        """Delete as a body says: an id, a mark of the row, what is to remain, or what was selected before."""
        names, deletion, fields = self.names, self.behaviour.deletion, asked.fields
        if deletion == "row":
            marked = [each["id"] for each in self.tokens if each["mark"] == fields.get(names["mark"])]
            return self._delete(marked[0] if marked else None)
        if deletion == "remaining":
            self.tokens = [each for each in self.tokens if each["id"] in fields[names["items"]]]
            return Reply(204)
        if deletion == "steps" and names["id"] in fields:
            self.selected = fields[names["id"]]
            return Reply(200, {"sure": False})
        return self._delete(self.selected if deletion == "steps" else fields.get(names["id"]))

    def _delete(self, id_: Any) -> Reply:
        found = [token for token in self.tokens if str(token["id"]) == str(id_)]
        if not found:
            return Reply(404, {"error": "no such token"})
        self.tokens.remove(found[0])
        self.deleted.append(found[0])
        return Reply(204)


ROLES = (
    *("login", "second", "refresh", "logout", "tokens", "remove", "session", "cookie", "csrf", "state"),
    *("username", "password", "items", "id", "description", "used", "token", "mark"),
    *("settings", "address", "trial"),
)


def _linked(following: str | None) -> dict[str, Any]:
    """Return the link to the next page as HAL has it, none on the last page."""
    return {"next": {"href": following}} if following else {}


class Browser:
    """A browser on an interface, whose page's script knows its names; it records a HAR file."""

    def __init__(self, interface: Interface) -> None:
        """Open a private window."""
        self.interface = interface
        self.behaviour = interface.behaviour
        self.cookies: dict[str, str] = {}
        self.entries: list[dict[str, Any]] = []
        self.csrf = self.session = self.refresh = self.state = ""
        self.common: dict[str, str] = {}

    def record(self) -> str:
        """Do what the tutorial says, and return the HAR file."""
        interface, behaviour = self.interface, self.behaviour
        names = interface.names
        self.sign_in()
        if behaviour.paging in ("cursor", "link", "nested_link", "page", "offset"):
            interface.add("splunk", used=True)
        self.list()
        answer = self.send("POST", self.path(names["tokens"]), self.body({names["description"]: DESCRIPTION}))
        self.token = interface.last_token
        self.list()
        (made,) = [each for each in interface.tokens if each["description"] == DESCRIPTION]
        self.delete(made)
        if behaviour.deletion != "none":
            self.list()
        self.sign_out()
        assert answer.status == 201
        return self.har()

    def delete(self, made: Mapping[str, Any]) -> None:
        """Delete the new token."""
        names, kind = self.interface.names, self.behaviour.deletion
        own = {names["id"]: made["id"]}
        bodies: dict[str, list[dict[str, Any]]] = {
            "body": [own],
            "row": [{**own, names["mark"]: made.get("mark")}],
            "remaining": [
                {**own, names["items"]: [each["id"] for each in self.interface.tokens if each != made]}
            ],
            "steps": [own, {"sure": True}],
        }
        if kind == "path":
            self.send("DELETE", self.path(names["tokens"], made["id"]), self.body({}))
        elif kind == "get":
            path = self.path(names["tokens"])
            self.send("GET", f"{path}{'&' if '?' in path else '?'}{names['remove']}={made['id']}")
        for body in bodies.get(kind, []):
            self.send("POST", self.path(names["remove"]), self.body(body))

    def har(self) -> str:
        """Return what was recorded."""
        return json.dumps({"log": {"version": "1.2", "creator": {"name": "test"}, "entries": self.entries}})

    def sign_out(self) -> None:
        """End the session, if the page can."""
        kind, path = self.behaviour.logout, self.path(self.interface.names["logout"])
        if kind != "none":
            self.send("GET" if kind == "get" else "POST", path, self.body({}))

    def sign_in(self) -> None:
        """Begin a session, unless each request has the account."""
        interface, behaviour = self.interface, self.behaviour
        if behaviour.login == "basic":
            return
        names = interface.names
        page = self.send("GET", "/")
        if behaviour.csrf != "none":
            self.csrf = interface.csrf
        assert page.status == 200
        account = {names["username"]: interface.username, names["password"]: interface.password}
        path = names["login"]
        if behaviour.login == "two_steps":
            first = self.send("POST", f"/{path}", {names["username"]: interface.username})
            self.state = first.document[names["state"]]
            account = {names["state"]: self.state, names["password"]: interface.password}
            path = names["second"]
        form = {"form": "form", "multipart": "multipart"}.get(behaviour.login, "json")
        reply = self.send("POST", f"/{path}", {**account, **self._hidden()}, form)
        assert reply.status == behaviour.login_status, reply
        self.session = interface.access
        self.csrf = interface.csrf
        if behaviour.refreshes:
            self.send("POST", f"/{names['refresh']}", {names["refresh"]: interface.refresh})
            self.session = interface.access
        if behaviour.carrier == "script_cookie":
            self.cookies[names["cookie"]] = self.session

    def list(self) -> None:
        """Look at the list of tokens, at all its pages."""
        path = self.interface.list_path
        method = "POST" if self.behaviour.carrier == "body" else "GET"
        while path:
            is_link = path != self.interface.list_path and "link" in self.behaviour.paging
            whole = path if is_link else self.path(*path.lstrip("/").split("/"), raw=True)
            reply = self.send(method, whole, self.body({}))
            if self.behaviour.csrf == "header":
                self.csrf = self.interface.csrf
            path = self._next_page(path, reply.document)

    def _next_page(self, path: str, document: Mapping[str, Any]) -> str:
        paging, first = self.behaviour.paging, self.interface.list_path
        number = (
            int(dict(parse_qsl(urlsplit(path).query)).get(paging, 0)) if paging in ("page", "offset") else 0
        )
        if paging == "page" and not document["last"]:
            return first.replace("page=0", f"page={number + 1}")
        if paging == "offset" and number + PAGE_SIZE < document["total"]:
            return first.replace("offset=0", f"offset={number + PAGE_SIZE}")
        links = document.get("_links", {})
        following = document.get("next") or links.get("next", {}).get("href") or ""
        return f"{first}?cursor={following}" if following and paging == "cursor" else following

    def path(self, *segments: Any, raw: bool = False) -> str:
        """Return a path, with the session where it is carried in it."""
        names = self.interface.names
        parts = [str(each) if raw else quote(str(each), safe="") for each in segments]
        if self.behaviour.carrier == "path":
            parts = [names["session"], quote(self.session, safe=""), *parts]
        path = "/" + "/".join(parts)
        if self.behaviour.carrier == "query":
            path += f"{'&' if '?' in path else '?'}{urlencode({names['session']: self.session})}"
        return path

    def body(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of a request that writes."""
        carried = {self.interface.names["session"]: self.session} if self.behaviour.carrier == "body" else {}
        return {**fields, **carried, **self._hidden()}

    def _hidden(self) -> dict[str, str]:
        return {self.interface.names["csrf"]: self.csrf} if self.behaviour.csrf == "hidden" else {}

    def send(self, method: str, path: str, fields: dict[str, Any] | None = None, form: str = "json") -> Reply:
        """Send one request and record it."""
        names, behaviour, interface = self.interface.names, self.behaviour, self.interface
        headers = {"Accept": "*/*", "User-Agent": "Mozilla/5.0", **self.common}
        if method != "GET" and behaviour.csrf not in ("none", "hidden") and self.csrf:
            headers[f"X-{names['csrf']}"] = self.csrf
        if behaviour.login == "basic":
            account = f"{interface.username}:{interface.password}"
            headers["Authorization"] = f"Basic {base64.b64encode(account.encode()).decode()}"
        elif behaviour.carrier == "header" and self.session:
            headers[f"X-{names['session']}"] = self.session
        elif behaviour.carrier == "bearer" and self.session:
            headers["Authorization"] = f"Bearer {self.session}"
        posted = None if method == "GET" or fields is None else _posted(fields, form)
        lower = {name.lower(): value for name, value in headers.items()}
        body = posted["text"] if posted else ""
        asked = Asked(
            method,
            path,
            {**lower, "content-type": posted["mimeType"]} if posted else lower,
            dict(self.cookies),
            body.encode(),
        )
        reply = interface.answer(asked)
        self.entries.append(_entry(asked, headers, posted, reply))
        self.cookies.update(reply.cookies)
        self.cookies = {name: value for name, value in self.cookies.items() if value}
        return reply


def _posted(fields: dict[str, Any], form: str) -> dict[str, Any]:
    if form == "form":
        return {"mimeType": "application/x-www-form-urlencoded", "text": urlencode(fields)}
    if form == "multipart":
        parts = "".join(
            f'--X\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        return {"mimeType": "multipart/form-data; boundary=X", "text": f"{parts}--X--\r\n"}
    return {"mimeType": "application/json", "text": json.dumps(fields)}


def _entry(asked: Asked, headers: Mapping[str, str], posted: Any, reply: Reply) -> dict[str, Any]:
    sent = "; ".join(f"{name}={value}" for name, value in asked.cookies.items())
    all_headers = {**headers, **({"Cookie": sent} if sent else {})}
    given = [
        {"name": "Set-Cookie", "value": f"{name}={value or chr(34) * 2}; Path=/"}
        for name, value in reply.cookies.items()
    ]
    request = {
        "method": asked.method,
        "url": ORIGIN + asked.path,
        "headers": [{"name": name, "value": value} for name, value in all_headers.items()],
        "cookies": [],
        **({"postData": posted} if posted else {}),
    }
    mime = "text/html" if reply.page else "application/json"
    response = {
        "status": reply.status,
        "headers": [*({"name": name, "value": value} for name, value in reply.headers.items()), *given],
        "cookies": [],
        "content": {"mimeType": mime, "size": len(reply.text), "text": reply.text},
    }
    return {"request": request, "response": response}


class MemoryHttp:
    """An ``Http`` whose requests an interface answers in memory."""

    url = ORIGIN
    proxy = ""

    def __init__(self, interface: Interface) -> None:
        self.interface = interface
        self.cookies: dict[str, str] = {}

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        redirects: Any = (),
        *,
        json: Any = None,
        data: Any = None,
        files: Any = None,
        cookies: Any = None,
    ) -> Response:
        """Answer a request as `requests` would send it."""
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        fields, form = (json, "json") if json is not None else (data, "form")
        if files:
            fields, form = {name: value for name, (_none, value) in files.items()}, "multipart"
        posted = _posted(fields, form) if fields is not None else {"mimeType": "", "text": ""}
        lower.setdefault("content-type", posted["mimeType"])
        asked = Asked(method, path, lower, {**self.cookies, **(cookies or {})}, posted["text"].encode())
        reply = self.interface.answer(asked)
        assert not 300 <= reply.status < 400 or reply.status in redirects, "a redirect that was not declared"
        self.cookies.update(reply.cookies)
        self.cookies = {name: value for name, value in self.cookies.items() if value}
        return Response(reply.status, _Headers(reply.headers), reply.text, path)

    def close(self) -> None:
        """Close nothing."""


class _Headers(dict[str, str]):
    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())


@contextmanager
def served(interface: Interface, context: ssl.SSLContext) -> Iterator[str]:
    """Serve an interface over HTTPS on a free port of loopback; yield its URL."""

    async def answer(request: Request) -> WebResponse:
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        raw = request.scope["raw_path"].decode()
        path = raw + (f"?{request.url.query}" if request.url.query else "")
        reply = interface.answer(
            Asked(request.method, path, dict(request.headers), _cookies(request), await request.body())
        )
        made = WebResponse(
            reply.text, reply.status, reply.headers, "text/html" if reply.page else "application/json"
        )
        for name, value in reply.cookies.items():
            made.raw_headers.append((b"set-cookie", f"{name}={value or chr(34) * 2}; Path=/".encode()))
        return made

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", answer, methods=methods)])
    config = uvicorn.Config(app, host=LOOPBACK, port=0, log_level="error", lifespan="off")
    config.load()
    config.ssl = context
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    socket.listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
    thread.start()
    try:
        yield f"https://{LOOPBACK}:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(STEP_SECONDS)
        assert not thread.is_alive(), "the server did not end"


def _cookies(request: Request) -> dict[str, str]:
    """Return the cookies as they are sent; Starlette would decode them."""
    pairs = (part.partition("=") for part in request.headers.get("cookie", "").split("; "))
    return {name: value for name, equals, value in pairs if equals}


def again(interface: Interface, seed: int) -> Interface:
    """Return the same interface on another day: its names stay, its secrets are new, the account too."""
    made = type(interface)(interface.behaviour, 0, seed)
    made.names = interface.names
    return made
