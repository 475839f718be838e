# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mock FortiGate: admin profiles, REST API administrators, their keys, and the logins.

It follows the vendor's public schemas and clients and recorded answers of FortiOS 6.2 to 7.6. There is an
option for each behaviour that these do not show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.responses import HTMLResponse, Response

from ..core.appliance import Appliance
from ..core.exchange import Exchange
from .access import KEY_LENGTH, Caller, Keys, Lockout, Sessions
from .cmdb import Cmdb
from .device import Device, FortiGateOptions
from .envelope import Envelopes, Target, apache_page, compressed, results, with_tag
from .firewall.lookup import look_up
from .login import Denied, Logins
from .password import PasswordLogins
from .schema import AUTOMATION, SUPER_ADMIN
from .tables.attribute import NOT_IN_DATASOURCE, Refusal, Row, invalid

MAX_EXPIRY_MINUTES = 7 * 24 * 60
# A limit of the body is documented, but not its value.
MAX_BODY_BYTES = 1024 * 1024


class FortiGate(Appliance):
    """One FortiGate."""

    default_options = FortiGateOptions()

    def make_credentials(self) -> dict[str, str]:
        """Generate an administrator and the key of `automation`, both with the profile `super_admin`."""
        self.serial = f"FGVMLAB{self.mint.random.randrange(10**9):09d}"
        return {**super().make_credentials(), "token": self.mint.issue("api_key", KEY_LENGTH)}

    def restart(self) -> None:
        """Restore the built-in profiles and one REST API administrator."""
        self.device = Device(self.name, self.serial, self.options)
        self.envelopes = Envelopes(self.device)
        self.keys = Keys(self.mint, self.world.clock)
        self.keys.adopt(AUTOMATION, self.credentials["token"])
        self.cmdb = Cmdb(self.device, self.keys, self.credentials["username"], self.mint.apart("firewall"))
        sessions, lockout = Sessions(self.mint), Lockout(self.world.clock)
        self.passwords = PasswordLogins(self.device, self.credentials, sessions, lockout)
        self.logins = Logins(self.device, self.credentials, self.cmdb.api_users, self.keys, sessions, lockout)

    def change_options(self, changes: Mapping[str, Any]) -> None:
        """Change options. A new version is an upgrade that keeps the configuration."""
        super().change_options(changes)
        self.device.options = self.options
        self.cmdb.configure()

    def is_write(self, exchange: Exchange) -> bool:
        return exchange.method != "GET" and (
            exchange.path.startswith("/api/v2/cmdb/") or exchange.segments[-1] == "generate-key"
        )

    def state(self) -> dict[str, Any]:
        """Return tables, keys, sessions, failed logins and lockouts."""
        return {
            "tables": self.cmdb.state(),
            "keys": {admin: asdict(key) for admin, key in self.keys.by_admin.items()},
            "sessions": [asdict(session) for session in self.logins.sessions.open.values()],
            "failed_logins": {
                source: len(moments) for source, moments in self.logins.lockout.failures.items()
            },
            "locked_until": self.logins.lockout.until,
        }

    def answer(self, exchange: Exchange) -> Response:
        """Answer one request."""
        try:
            response = self._route(exchange)
        except Denied as denied:
            response = denied.response
        return compressed(response) if self.options.gzip else response

    def _route(self, exchange: Exchange) -> Response:
        if len(exchange.body) > MAX_BODY_BYTES:
            return apache_page(413, "Request Entity Too Large")
        match exchange.segments:
            case ["logincheck"]:
                return self.passwords.web_login(exchange)
            case ["logindisclaimer"]:
                return self.passwords.acknowledge_banner(exchange)
            case ["logout"]:
                return self.passwords.log_out(exchange)
            case ["api", "v2", "authentication"]:
                return self.passwords.api_login(exchange)
            case ["api", "v2", *rest]:
                return self._api(exchange, self.logins.caller(exchange), _target(rest))
            case [""] | ["login"]:
                return HTMLResponse("<html><body>FortiGate</body></html>")
        return apache_page(404, "Not Found")

    def _api(self, exchange: Exchange, caller: Caller, target: Target) -> Response:
        try:
            self.cmdb.rights.check_vdom(exchange.query.get("vdom"), caller)
            response = self.envelopes.reply(exchange, target, self._contents(exchange, caller, target))
            configuration = exchange.method == "GET" and target.action is None
            return with_tag(exchange, response) if configuration else response
        except Refusal as refusal:
            return self.envelopes.refused(exchange, target, refusal)

    def _contents(self, exchange: Exchange, caller: Caller, target: Target) -> dict[str, Row]:
        """Return what the answer contains for each VDOM. A write is carried out once (assumed)."""
        first, *others = self.envelopes.vdoms(exchange)
        content = self._content(exchange, caller, target, first)
        if exchange.method != "GET":
            return dict.fromkeys([first, *others], content)
        return {first: content} | {vdom: self._content(exchange, caller, target, vdom) for vdom in others}

    def _content(self, exchange: Exchange, caller: Caller, target: Target, vdom: str) -> Row:
        match exchange.method, target.action:
            case _, None:
                return self._configuration(exchange, caller, target, vdom)
            case "GET", "":
                return self._monitor(exchange, caller, target, vdom)
            case "POST", "generate-key":
                return self._generate_key(exchange, caller)
            case "POST", "close" | "clear_all":
                self.cmdb.rights.require(caller, "sysgrp", "cfg", "read-write")
                return {}
        raise Refusal(status=405)

    def _monitor(self, exchange: Exchange, caller: Caller, target: Target, vdom: str) -> Row:
        """Return a status. Rights are documented: none for that of the device, `sysgrp.cfg` for sessions."""
        if target.name == "status":
            return self._status()
        if target.name == "session":
            self.cmdb.rights.require(caller, "sysgrp", "cfg")
            return results([])
        self.cmdb.rights.require(caller, "fwgrp", "policy")
        return results(look_up(self.cmdb.firewalls[vdom], exchange.query))

    def _configuration(self, exchange: Exchange, caller: Caller, target: Target, vdom: str) -> Row:
        writing = exchange.method != "GET"
        if (target.path, target.name) == ("system", "settings"):
            return self.cmdb.settings(caller, writing)
        table = self.cmdb.table(caller, target, vdom, writing)
        if not writing:
            return self.cmdb.read(exchange.query, caller, table, target, vdom)
        if table is self.cmdb.api_users:
            self.logins.confirm(exchange, caller)
        return self.cmdb.write(exchange, caller, table, target, vdom)

    def _status(self) -> Row:
        """Return the model and the host name. No access group is required (documented)."""
        model = {"model_name": "FortiGate", "model_number": "VM64", "model": "FGVM64"}
        return results({**model, "hostname": self.name})

    def _generate_key(self, exchange: Exchange, caller: Caller) -> Row:
        """Generate a new key. Parameters are in the body (documented) or in the query (observed).

        Callers without `super_admin` get 403 (observed). The answer for an unknown user is assumed.
        """
        if caller.profile != SUPER_ADMIN:
            raise Refusal(status=403)
        self.logins.confirm(exchange, caller)
        parameters: Row = {**exchange.query, **(exchange.json_object() or {})}
        admin = str(parameters.get("api-user"))
        if admin not in self.cmdb.api_users.rows:
            raise invalid(admin, NOT_IN_DATASOURCE, "entry not found in datasource")
        minutes = self._expiry(parameters["expiry"]) if "expiry" in parameters else None
        return results({"access_token": self.keys.issue(admin, minutes)})

    def _expiry(self, expiry: Any) -> int | None:
        """Return the lifetime of a new key in minutes, None for a key that never expires.

        1 to 10080, 7.6.3 and later (documented). The vendor's documents disagree whether ordinary users have
        an expiry, so there is an option.
        """
        if self.device.version < (7, 6, 3):
            return None
        minutes = int(expiry) if str(expiry).isdigit() else 0
        if self.options.ordinary_expiry == "refuse" or not 1 <= minutes <= MAX_EXPIRY_MINUTES:
            raise invalid(expiry)
        return minutes


def _target(rest: list[str]) -> Target:
    match rest:
        case ["cmdb", path, name]:
            return Target(path, name)
        case ["cmdb", path, name, mkey]:
            return Target(path, name, mkey)
        case ["cmdb", path, name, mkey, child]:
            return Target(path, name, mkey, child=child)
        case ["cmdb", path, name, mkey, child, child_key]:
            return Target(path, name, mkey, child=child, child_key=child_key)
        case ["monitor", "system", "status"]:
            return Target("system", "status", action="")
        case ["monitor", "firewall", "policy-lookup" | "session" as name]:
            return Target("firewall", name, action="")
        case ["monitor", "firewall", "session", "close" | "clear_all" as action]:
            return Target("firewall", "session", action=action)
        case ["monitor", "system", "api-user", "generate-key"]:
            return Target("system", "api-user", action="generate-key")
    return Target()
