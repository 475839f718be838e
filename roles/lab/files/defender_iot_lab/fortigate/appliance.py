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
from functools import partial
from typing import Any

from starlette.responses import HTMLResponse, Response

from ..core.appliance import Appliance
from ..core.exchange import Exchange
from .access import KEY_LENGTH, Caller, Keys, Lockout, Sessions
from .cmdb import Cmdb
from .commands import NAMES as COMMANDS
from .commands import Commands, Meanwhile
from .device import Device, FortiGateOptions
from .envelope import Envelopes, Target, apache_page, compressed, with_tag
from .login import Denied, Logins
from .monitor import Monitor
from .password import PasswordLogins
from .schema import AUTOMATION, SUPER_ADMIN
from .tables.attribute import Row
from .tables.refusal import Refusal
from .transactions import Transactions

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
        self.saved = self.cmdb.snapshot()
        self.commands = Commands(self.cmdb)
        self._start_services()

    def _start_services(self) -> None:
        """Start without sessions, lockouts and transactions."""
        sessions, lockout = Sessions(self.mint), Lockout(self.world.clock)
        self.passwords = PasswordLogins(self.device, self.credentials, sessions, lockout)
        self.logins = Logins(self.device, self.credentials, self.cmdb.api_users, self.keys, sessions, lockout)
        self.monitor = Monitor(self.device, self.cmdb, self.keys, self.logins)
        self.transactions = Transactions(self.device, self.cmdb, self.world.clock)

    def change_options(self, changes: Mapping[str, Any]) -> None:
        """Change options. A new version is an upgrade that keeps the configuration."""
        saving = self.options.cfg_save == "automatic"
        super().change_options(changes)
        self.device.options = self.options
        self.cmdb.configure()
        if saving:
            self.saved = self.cmdb.snapshot()

    def command(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out a command of the control port. Raises ConfigurationError."""
        if name == "reboot":
            return self._reboot()
        if name in COMMANDS:
            return self.commands.run(name, body)
        return super().command(name, body)

    def _reboot(self) -> dict[str, Any]:
        """Lose sessions and, if the configuration is saved manually, every change since the last save."""
        if self.options.cfg_save == "manual":
            self.cmdb.restore(self.saved)
        self._start_services()
        return {"cfg_save": self.options.cfg_save}

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
            "second_writers": [asdict(each) for each in self.commands.second_writers],
        }

    def answer(self, exchange: Exchange) -> Response:
        """Answer one request."""
        try:
            response = self._route(exchange)
        except Denied as denied:
            response = denied.response
        for each in [each for each in self.commands.second_writers if each.follows(exchange)]:
            self._write_meanwhile(each, each.exchange(exchange))
        return compressed(response) if self.options.gzip else response

    def _write_meanwhile(self, meanwhile: Meanwhile, exchange: Exchange) -> None:
        administrator = Caller(self.credentials["username"], SUPER_ADMIN)
        target = _target(exchange.segments[2:])
        meanwhile.status = self._api(exchange, administrator, target).status_code

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
            vdoms = self.cmdb.rights.vdoms(exchange.query.get("vdom"), caller)
            contents = self._contents(exchange, caller, target, vdoms)
            response = self.envelopes.reply(exchange, target, contents)
            configuration = exchange.method == "GET" and target.action is None
            return with_tag(exchange, response) if configuration else response
        except Refusal as refusal:
            return self.envelopes.refused(exchange, target, refusal)

    def _contents(
        self, exchange: Exchange, caller: Caller, target: Target, vdoms: list[str]
    ) -> dict[str, Row]:
        """Return what the answer contains for each VDOM. A write is carried out once (assumed)."""
        first, *others = vdoms
        content = self._content(exchange, caller, target, first)
        if exchange.method != "GET":
            return dict.fromkeys([first, *others], content)
        return {first: content} | {vdom: self._content(exchange, caller, target, vdom) for vdom in others}

    def _content(self, exchange: Exchange, caller: Caller, target: Target, vdom: str) -> Row:
        if exchange.segments[2:] == ["cmdb"]:
            return self.transactions.control(exchange, caller)
        if target.action is not None:
            return self.monitor.content(exchange, caller, target, vdom)
        return self._configuration(exchange, caller, target, vdom)

    def _configuration(self, exchange: Exchange, caller: Caller, target: Target, vdom: str) -> Row:
        writing = exchange.method != "GET"
        if (target.path, target.name) == ("system", "settings"):
            return self.cmdb.settings(caller, writing)
        table = self.cmdb.table(caller, target, vdom, writing)
        if writing and table is self.cmdb.api_users:
            self.logins.confirm(exchange, caller)
        act = partial(self.cmdb.write if writing else self.cmdb.read, exchange, caller, table, target, vdom)
        return self.transactions.carry_out(exchange, caller, target, vdom, act)


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
