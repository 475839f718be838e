# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Web API of a mock Forescout: hosts and policies, as in the vendor's examples and observed clients."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, Response

from ..core.exchange import Exchange
from ..core.inventory import device_addresses, device_macs
from ..core.ledger import Mint
from .login import Login
from .options import ForescoutOptions
from .policies import Policies
from .properties import HostProperties

UNRELATED_HOST = "203.0.113.50"

# Policy identifiers are signed 64-bit numbers (observed), too large for a double.
POLICIES: list[dict[str, Any]] = [
    {
        "policyId": -6488799636120036097,
        "name": "OT devices",
        "description": "Devices seen by the sensor",
        "rules": [{"ruleId": 7203986147112245003, "name": "PLC", "description": ""}],
    }
]


@dataclass
class WebApi:
    """The Web API of one platform."""

    options: ForescoutOptions
    mint: Mint
    login: Login
    properties: HostProperties
    policies: Policies

    def answer(self, exchange: Exchange, path: list[str]) -> Response:
        """Answer a request for a path below `/api/`."""
        match exchange.method, path:
            case "POST", ["login"]:
                return self._log_in(exchange)
            case "GET", _:
                return self._read(exchange, path)
        return web_error(405, "Method not allowed.")

    def _log_in(self, exchange: Exchange) -> Response:
        """Issue a token as raw text. Credentials are in the body or in the query (observed)."""
        if self.options.web_client == "unlisted":
            return web_error(403, "This client is not allowed.")
        if self.options.web_busy:
            return JSONResponse({"errors": ["Too many requests. Wait 7 seconds and try again."]}, 429)
        if not self.login.fits({**exchange.query, **exchange.form()}):
            return web_error(401, "Wrong user name or password.")
        exchange.principal = self.login.username
        token = self.mint.note("web_token", ".".join(self.mint.make(length) for length in (20, 60, 43)))
        self.login.admit(token, self.options.web_token_seconds)
        return Response(token, media_type="text/plain")

    def _read(self, exchange: Exchange, path: list[str]) -> Response:
        if not self.login.admits(self._token(exchange)):
            return web_error(401, "Invalid or expired token.")
        exchange.principal = self.login.username
        self.properties.let_arrive()
        return self._unless_known(exchange, self._found(exchange, path))

    def _unless_known(self, exchange: Exchange, answer: Response) -> Response:
        if not self.options.etags or answer.status_code != 200:
            return answer
        tag = f'"{hashlib.sha256(bytes(answer.body)).hexdigest()[:16]}"'
        answer.headers["ETag"] = tag
        return answer if exchange.headers.get("if-none-match") != tag else Response(status_code=304)

    def _found(self, exchange: Exchange, path: list[str]) -> Response:
        match path:
            case ["hosts"]:
                return _hal({"hosts": [self._host_row(exchange, ip) for ip in self._matching(exchange)]})
            case ["hosts", "ip", ip] if ip in self._hosts():
                return self._host(exchange, ip)
            case ["hosts", "mac", mac] if (ip := device_macs().get(mac, "")) in self._hosts():
                return self._host(exchange, ip)
            case ["hosts", host_id] if (ip := self._numbered().get(host_id, "")) in self._hosts():
                return self._host(exchange, ip)
            case ["hostfields"]:
                return _hal({"hostFields": self._host_fields()})
            case ["policies"]:
                return _hal({"policies": [*POLICIES, *self.policies.listed()]})
        return web_error(404, "Not found.")

    def _token(self, exchange: Exchange) -> str:
        header = exchange.headers.get("authorization", "")
        token = header.removeprefix("Bearer ")
        form = "bare" if token == header else "bearer"
        return token if self.options.web_token in (form, "both") else ""

    def _hosts(self) -> list[str]:
        return sorted({*device_addresses(), *self.properties.values, UNRELATED_HOST})

    def _matching(self, exchange: Exchange) -> list[str]:
        """Return the hosts with every value in the query, or that match one of the rules.

        A name without a property matches no host.
        """
        wanted = dict(exchange.query)
        if "matchRuleId" in wanted:
            return self.policies.matching(set(wanted["matchRuleId"].split(",")))
        return [ip for ip in self._hosts() if wanted.items() <= self._plain_values(ip).items()]

    def _plain_values(self, ip: str) -> dict[str, str]:
        return {tag: str(field["value"]) for tag, field in self.properties.values.get(ip, {}).items()}

    def _number(self, ip: str) -> int:
        """Return a host's identifier: its address as a number (as in a published sample), or a large one."""
        number = int(ipaddress.ip_address(ip))
        return number if self.options.host_ids == "address" else number - 2**62

    def _numbered(self) -> dict[str, str]:
        return {str(self._number(ip)): ip for ip in self._hosts()}

    def _host_row(self, exchange: Exchange, ip: str) -> dict[str, Any]:
        host_id = self._number(ip)
        address = f"https://{exchange.headers.get('host')}/api/hosts/{host_id}"
        return {"hostId": host_id, "ip": ip, "mac": None, "links": [{"rel": "self", "href": address}]}

    def _host(self, exchange: Exchange, ip: str) -> Response:
        """Return one host. Unknown names in `fields` are silently left out (observed)."""
        fields = self.properties.values.get(ip, {}) if self.options.module_installed else {}
        if "fields" in exchange.query:
            wanted = exchange.query["fields"].split(",")
            fields = {tag: value for tag, value in fields.items() if tag in wanted}
        if self.options.value_lists:
            fields = {tag: [value] for tag, value in fields.items()}
        mac = next((mac for mac, address in device_macs().items() if address == ip), None)
        return _hal({"host": {"id": self._number(ip), "ip": ip, "mac": mac, "fields": fields}})

    def _host_fields(self) -> list[dict[str, str]]:
        fields = [{"name": "online", "label": "Host is online", "description": "", "type": "boolean"}]
        if self.options.module_installed:
            for label, tag in self.properties.tags.items():
                fields.append({"name": tag, "label": label, "description": label, "type": "string"})
        if self.options.namesake:
            fields.append({"name": "nic_vendor", "label": "Vendor", "description": "", "type": "string"})
        return fields


def _hal(content: dict[str, Any]) -> Response:
    return JSONResponse({**content, "links": []}, media_type="application/hal+json")


def web_error(status: int, message: str) -> Response:
    """Return an error in the wording of the Web API."""
    return JSONResponse({"message": f"{message} See log for more details."}, status)
