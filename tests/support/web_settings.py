# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small web interfaces of Forescout platforms, each with a behaviour of its own, and recordings of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .web_sessions import Asked, Behaviour, Browser, Interface, Reply

ADDRESS = "192.0.2.11"
EARLIER = "192.0.2.10"


@dataclass(frozen=True)
class SettingsBehaviour(Behaviour):
    """How a web interface reads and writes the settings. It signs in like any other."""

    form: str = "json"  # json, form, multipart
    method: str = "POST"  # POST, PUT, PATCH
    reads: str = "get"  # get, post: how the settings are read
    same_path: bool = True  # whether they are read and written at one path
    shows: str = "nothing"  # nothing, mask, token: what is answered for the token
    echoes: bool = False  # whether the answer to a change has the settings
    trial: bool = False  # whether the page tests the connection before it applies
    etag: bool = False  # whether a change has to name the version that was read
    opened_before: bool = True  # whether the operator opens the settings before the change


class Settings(Interface):
    """One web interface with the settings of the module."""

    behaviour: SettingsBehaviour

    def __init__(self, behaviour: SettingsBehaviour, names: int, seed: int) -> None:
        """Make names by one seed, and secrets by another."""
        super().__init__(behaviour, names, seed)
        self.held = {"address": EARLIER, "token": self.secret()}
        self.etag = f'"{self.secret()}"'
        self.writes: list[dict[str, Any]] = []

    @property
    def read_name(self) -> str:
        """Return the name of the path that the settings are read at."""
        return self.names["settings" if self.behaviour.same_path else "items"]

    def _operate(self, asked: Asked, first: str, rest: list[str]) -> Reply:
        names, fields = self.names, asked.fields
        if first == names["trial"]:
            return Reply(200, {"reached": True})
        if first == names["settings"] and names["address"] in fields:
            if self.behaviour.etag and asked.headers.get("if-match") != self.etag:
                return Reply(412, {"error": "changed since"})
            self.etag = f'"{self.secret()}"'
            self.held = {name: str(fields[names[name]]) for name in self.held}
            self.writes.append(dict(self.held))
            return self._shown() if self.behaviour.echoes else Reply(200, {"ok": True})
        is_read = asked.method == {"get": "GET", "post": "POST"}[self.behaviour.reads]
        return self._shown() if first == self.read_name and is_read else Reply(404, {"error": "no such page"})

    def _shown(self) -> Reply:
        names, token = self.names, self.held["token"]
        shown = {"nothing": {}, "mask": {names["token"]: "****"}, "token": {names["token"]: token}}
        settings = {names["address"]: self.held["address"], "port": 443, **shown[self.behaviour.shows]}
        reply = Reply(200, {names["items"]: settings}, headers={"ETag": self.etag})
        if self.behaviour.csrf == "header":
            self.csrf = self.secret()
            reply.headers[f"X-{names['csrf']}"] = self.csrf
        return reply


class SettingsBrowser(Browser):
    """A browser that enters the settings."""

    interface: Settings
    behaviour: SettingsBehaviour

    def record(self) -> str:
        """Do what the tutorial says, and return the HAR file."""
        names, behaviour = self.interface.names, self.behaviour
        self.sign_in()
        self.token = f"{self.interface.random.getrandbits(128):032x}"
        self.interface.secrets.add(self.token)
        if behaviour.opened_before:
            self._open()
        fields: Mapping[str, Any] = {names["address"]: ADDRESS, names["token"]: self.token, "port": 443}
        if behaviour.trial:
            self._post("POST", names["trial"], fields)
        self.common = {"If-Match": self.interface.etag} if behaviour.etag else {}
        self._post(behaviour.method, names["settings"], fields)
        self.common = {}
        self._open()
        self.sign_out()
        return self.har()

    def _open(self) -> None:
        method = {"get": "GET", "post": "POST"}[self.behaviour.reads]
        reply = self.send(method, self.path(self.interface.read_name), self.body({}))
        assert reply.status == 200, reply
        self.csrf = self.interface.csrf

    def _post(self, method: str, name: str, fields: Mapping[str, Any]) -> None:
        reply = self.send(method, self.path(name), self.body(dict(fields)), self.behaviour.form)
        assert reply.status == 200, reply
        self.csrf = self.interface.csrf
