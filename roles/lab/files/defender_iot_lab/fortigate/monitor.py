# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The monitor API: status, key generation, sessions and the policy lookup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..core.exchange import Exchange
from .access import Caller, Keys
from .cmdb import Cmdb
from .device import Device
from .envelope import Target, results
from .firewall.lookup import look_up
from .login import Logins
from .schema import SUPER_ADMIN
from .tables.attribute import Row
from .tables.refusal import NOT_IN_DATASOURCE, Refusal, invalid

MAX_EXPIRY_MINUTES = 7 * 24 * 60


@dataclass(frozen=True)
class Monitor:
    """The monitor API of one device."""

    device: Device
    cmdb: Cmdb
    keys: Keys
    logins: Logins

    def content(self, exchange: Exchange, caller: Caller, target: Target, vdom: str) -> Row:
        """Return what an answer contains. Raises Refusal."""
        match exchange.method, target.name, target.action:
            case "GET", "status", _:
                return self._status()
            case "GET", "policy-lookup", _:
                self.cmdb.rights.require(caller, "fwgrp", "policy")
                return results(look_up(self.cmdb.firewalls[vdom], exchange.query))
            case "GET", "session", "":
                self.cmdb.rights.require(caller, "sysgrp", "cfg")
                return results([])
            case "POST", "session", "close" | "clear_all":
                self.cmdb.rights.require(caller, "sysgrp", "cfg", "read-write")
                return {}
            case "POST", "api-user", "generate-key":
                return self._generate_key(exchange, caller)
        raise Refusal(status=405)

    def _status(self) -> Row:
        """Return the model and the host name. No access group is required (documented)."""
        model = {"model_name": "FortiGate", "model_number": "VM64", "model": "FGVM64"}
        return results({**model, "hostname": self.device.name})

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
        if self.device.options.ordinary_expiry == "refuse" or not 1 <= minutes <= MAX_EXPIRY_MINUTES:
            raise invalid(expiry)
        return minutes
