# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mock Forescout platform with the CyberX / Defender for IoT module, which really polls its sensor.

The OAuth token service and the Web API follow the vendor's examples and observed clients. Nobody publishes an
interface that writes module settings: `/__lab__/module` is this lab's own and exists on no Forescout; every
other such path is not found.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from .appliance import Appliance
from .exchange import Exchange
from .forescout_nodes import FstoolOptions, Nodes, shown
from .inventory import device_addresses, device_macs
from .ledger import GIVEN
from .options import switch
from .poll import PollError, fetch_devices
from .web_names import ForescoutNames, page

OAUTH_CLIENT = "fs-oauth-client"
OAUTH_SECONDS = 3600
UNRELATED_HOST = "203.0.113.50"

# Label in the console (documented) and where a device of the sensor has it. No sensor field is the risk
# level, and nobody says where the module takes it from, so the lab makes it up.
PROPERTIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "Authorized by CyberX": lambda device: device.get("authorized"),
    "Firmware": lambda device: [item.get("firmwareVersion") for item in device.get("firmware") or []],
    "Name": lambda device: device.get("name"),
    "Operating System": lambda device: device.get("operatingSystem"),
    "Type": lambda device: device.get("type"),
    "Vendor": lambda device: device.get("vendor"),
    "Risk Level": lambda device: "Low",
    "Protocols": lambda device: [item.get("name") for item in device.get("protocols") or []],
}

# Policy identifiers are signed 64-bit numbers (observed), more than a double holds.
POLICIES: list[dict[str, Any]] = [
    {
        "policyId": -6488799636120036097,
        "name": "OT devices",
        "description": "Devices seen by the sensor",
        "rules": [{"ruleId": 7203986147112245003, "name": "PLC", "description": ""}],
    }
]


@dataclass(frozen=True)
class ForescoutOptions(FstoolOptions):
    """Switches of a Forescout; those of its nodes come first.

    nat: the address every connection seems to come from; None means its real source.
    poll_interval: seconds between two calls to the sensor; unknown on real platforms.
    value_delay: seconds from such a call until hosts have what it brought; unknown too.
    module_installed: whether the module, and so its properties, exist.
    web_token: how the Web API wants its token; bare in the vendor's samples, Bearer observed once.
    web_token_seconds: life of such a token (observed default: five minutes).
    names: whether the web interface calls things as `endpoints/forescout.yml` says, or as the seed says.
    web_client: whether the address of the client is among the Client IPs; the refusal is assumed.
    web_busy: whether logins are answered with 429 (observed of another interface of the platform).
    restarting: whether the web server has nothing behind it, as after a restart (status assumed).
    etags: whether answers of the Web API have entity tags (a chapter of the guide; details assumed).
    host_ids: how hosts are numbered; identifiers are signed 64-bit numbers (observed of policies).
    value_lists: whether a property has several values, each with a time (observed).
    sensor_change: whether another address is taken at once, or only where both fields were emptied before;
        the tutorial empties them, and nobody says what happens otherwise.
    namesake: whether another module has a property with the label "Vendor".
    """

    nat: str | None = None
    poll_interval: float = 2
    value_delay: float = 0
    module_installed: bool = switch(True, False)
    web_token: str = switch("bare", "bearer", "both")
    web_token_seconds: float = 300
    names: str = switch("fixed", "shuffled")
    web_client: str = switch("listed", "unlisted")
    web_busy: bool = switch(False, True)
    restarting: bool = switch(False, True)
    etags: bool = switch(False, True)
    host_ids: str = switch("address", "signed_64")
    value_lists: bool = switch(False, True)
    sensor_change: str = switch("at_once", "after_clearing")
    namesake: bool = switch(False, True)


@dataclass(frozen=True)
class Module:
    """The two settings of the module."""

    server_address: str = ""
    access_token: str = ""

    @property
    def complete(self) -> bool:
        """Whether there is enough to call a sensor."""
        return bool(self.server_address and self.access_token)


class Forescout(Appliance):
    """One Forescout platform."""

    default_options = ForescoutOptions()

    def __init__(self, *arguments: Any) -> None:
        self.changed = asyncio.Event()
        self.nodes: Nodes | None = None
        super().__init__(*arguments)

    @property
    def names(self) -> ForescoutNames:
        """What the web interface calls things."""
        fixed = self.options.names == "fixed"
        return ForescoutNames() if fixed else ForescoutNames.shuffled(self.mint.apart("names"))

    def endpoint_map(self) -> dict[str, Any]:
        """Return the endpoint map of the web interface as it is now."""
        return self.names.endpoint_map()

    def change_options(self, changes: Mapping[str, Any]) -> None:
        """Turn switches; the next call to the sensor comes at once."""
        super().change_options(changes)
        if self.nodes:
            self.nodes.options_changed()
        self.changed.set()

    def restart(self) -> None:
        """Forget settings, tokens, polls and what they brought."""
        self.module = Module()
        self.oauth_tokens: dict[str, float] = {}
        self.web_tokens: dict[str, float] = {}
        self.properties: dict[str, dict[str, Any]] = {}
        self.coming: list[tuple[float, dict[str, dict[str, Any]]]] = []
        self.last_poll: dict[str, Any] | None = None
        if self.nodes:
            self.nodes.reset()

    def settings_live(self, server_address: str, access_token: str) -> None:
        """Take the settings that the plugin was restarted with; the next call to the sensor comes at once."""
        self.module = Module(server_address, access_token)
        self.changed.set()

    def note_secret(self, value: str) -> str:
        """Remember a token that was given to the module."""
        return self.mint.note(GIVEN, value)

    def make_credentials(self) -> dict[str, str]:
        """Make one account for both logins, and the property tags, which differ from seed to seed."""
        labels = list(PROPERTIES)
        numbers = self.mint.random.sample(range(1000, 10000), len(labels))
        self.tags = {label: f"property_{number}" for label, number in zip(labels, numbers, strict=True)}
        return super().make_credentials()

    def state(self) -> dict[str, Any]:
        """Return settings, tokens, the last poll and what polls have brought."""
        self._let_values_arrive()
        return {
            "module": asdict(self.module),
            "oauth_tokens": list(self.oauth_tokens),
            "web_tokens": list(self.web_tokens),
            "last_poll": self.last_poll,
            "properties": self.properties,
            "nodes": shown(self.nodes),
        }

    def answer(self, exchange: Exchange) -> Response:
        """Answer one request."""
        if self.options.restarting:
            return Response("Service Unavailable", 503, media_type="text/plain")
        match exchange.method, exchange.segments:
            case "POST", ["api", "login"]:
                return self._web_login(exchange)
            case "GET", ["api", *rest]:
                return self._web_api(exchange, rest)
            case _, ["api", *_]:
                return _web_error(405, "Method not allowed.")
        return self._web_interface(exchange)

    def _web_interface(self, exchange: Exchange) -> Response:
        names = self.names
        match exchange.method, exchange.path:
            case "GET", "/":
                return HTMLResponse(page("forescout", names))
            case "POST", names.login:
                return self._oauth_login(exchange, names)
            case method, names.module:
                return self._module_settings(exchange, method)
        return _web_error(404, "Not found.")

    # --- OAuth and the invented module settings -------------------------------------------------------------

    def _oauth_login(self, exchange: Exchange, names: ForescoutNames) -> Response:
        """Issue an OAuth token (form documented; `token_type` and `expires_in` from a mock)."""
        form = exchange.form()
        grant = (form.get("grant_type"), form.get("client_id"))
        given = {"username": form.get(names.username, ""), "password": form.get(names.password, "")}
        if grant != ("password", OAUTH_CLIENT) or not self._credentials_fit(given):
            return JSONResponse({"error": "invalid_grant"}, 401)
        exchange.principal = given["username"]
        token = self.mint.issue("oauth_token", 40)
        self.oauth_tokens[token] = self.world.clock.now() + OAUTH_SECONDS
        return JSONResponse({names.oauth_token: token, "token_type": "bearer", "expires_in": OAUTH_SECONDS})

    def _credentials_fit(self, fields: dict[str, str]) -> bool:
        return {name: fields.get(name) for name in ("username", "password")} == self.credentials

    def _module_settings(self, exchange: Exchange, method: str) -> Response:
        scheme, _space, token = exchange.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self._is_alive(self.oauth_tokens, token):
            return JSONResponse({"errors": ["Invalid or expired token"]}, 401)
        exchange.principal = self.credentials["username"]
        if not self.options.module_installed:
            return _web_error(404, "Not found.")
        match method:
            case "GET":
                return self._shown_module()
            case "PUT":
                return self._change_module(exchange)
        return _web_error(405, "Method not allowed.")

    def _shown_module(self) -> Response:
        module = {
            self.names.server_address: self.module.server_address,
            self.names.access_token_set: bool(self.module.access_token),
        }
        return JSONResponse(module)

    def _change_module(self, exchange: Exchange) -> Response:
        body = exchange.json_object()
        known = self.names
        names = {known.server_address: "server_address", known.access_token: "access_token"}
        if body is None or not all(name in names and isinstance(value, str) for name, value in body.items()):
            return JSONResponse({"errors": [f"{' and '.join(names)}, both strings"]}, 400)
        held, wanted = self.module.server_address, body.get(known.server_address, "")
        if self.options.sensor_change == "after_clearing" and held and wanted not in ("", held):
            return JSONResponse({"errors": ["the settings of another server are still there"]}, 409)
        self.mint.note(GIVEN, body.get(known.access_token, ""))
        self.module = replace(self.module, **{names[name]: value for name, value in body.items()})
        if self.nodes:
            self.nodes.apply(self.module.server_address, self.module.access_token)
        self.changed.set()
        return self._shown_module()

    # --- Web API --------------------------------------------------------------------------------------------

    def _web_login(self, exchange: Exchange) -> Response:
        """Issue a token as raw text; credentials come in the body or in the query (observed)."""
        if self.options.web_client == "unlisted":
            return _web_error(403, "This client is not allowed.")
        if self.options.web_busy:
            return JSONResponse({"errors": ["Too many requests. Wait 7 seconds and try again."]}, 429)
        if not self._credentials_fit({**exchange.query, **exchange.form()}):
            return _web_error(401, "Wrong user name or password.")
        exchange.principal = self.credentials["username"]
        token = self.mint.note("web_token", ".".join(self.mint.make(length) for length in (20, 60, 43)))
        self.web_tokens[token] = self.world.clock.now() + self.options.web_token_seconds
        return Response(token, media_type="text/plain")

    def _web_api(self, exchange: Exchange, path: list[str]) -> Response:
        if not self._is_alive(self.web_tokens, self._web_token(exchange)):
            return _web_error(401, "Invalid or expired token.")
        exchange.principal = self.credentials["username"]
        self._let_values_arrive()
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
                return _hal({"policies": POLICIES})
        return _web_error(404, "Not found.")

    def _web_token(self, exchange: Exchange) -> str:
        header = exchange.headers.get("authorization", "")
        token = header.removeprefix("Bearer ")
        form = "bare" if token == header else "bearer"
        return token if self.options.web_token in (form, "both") else ""

    def _is_alive(self, tokens: dict[str, float], token: str) -> bool:
        return tokens.get(token, 0) > self.world.clock.now()

    def _hosts(self) -> list[str]:
        return sorted({*device_addresses(), *self.properties, UNRELATED_HOST})

    def _matching(self, exchange: Exchange) -> list[str]:
        """Return the hosts that have every value of the query; a name that no property has fits none."""
        wanted = dict(exchange.query)
        return [ip for ip in self._hosts() if wanted.items() <= self._plain_values(ip).items()]

    def _plain_values(self, ip: str) -> dict[str, str]:
        return {tag: str(field["value"]) for tag, field in self.properties.get(ip, {}).items()}

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
        """Return one host; names in `fields` that are unknown are left out silently (observed)."""
        fields = self.properties.get(ip, {}) if self.options.module_installed else {}
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
            for label, tag in self.tags.items():
                fields.append({"name": tag, "label": label, "description": label, "type": "string"})
        if self.options.namesake:
            fields.append({"name": "nic_vendor", "label": "Vendor", "description": "", "type": "string"})
        return fields

    # --- polling --------------------------------------------------------------------------------------------

    async def poll_forever(self) -> None:
        """Call the sensor right after every change of the settings and then at intervals."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), self.options.poll_interval)
            self.changed.clear()
            await self.poll()

    async def poll(self) -> None:
        """Call the sensor once, if there is one, and keep what it says; old values stay after a failure."""
        module = self.module
        if not module.complete or not self.options.module_installed:
            return
        devices: list[dict[str, Any]] = []
        outcome = "ok"
        try:
            devices = await asyncio.to_thread(
                fetch_devices, self.world, module.server_address, module.access_token
            )
        except PollError as error:
            outcome = str(error)
        if module is self.module:
            self._keep(devices, outcome)

    def _keep(self, devices: list[dict[str, Any]], outcome: str) -> None:
        now = self.world.clock.now()
        self.last_poll = {"time": now, "outcome": outcome}
        found: dict[str, dict[str, Any]] = {}
        for device in devices:
            values = {self.tags[label]: read(device) for label, read in PROPERTIES.items()}
            fields = {tag: {"timestamp": int(now), "value": value} for tag, value in values.items()}
            addresses = device.get("ipAddresses") or device.get("ipAddress") or []
            found.update(dict.fromkeys(addresses, fields))
        self.coming.append((now + self.options.value_delay, found))
        self._let_values_arrive()

    def _let_values_arrive(self) -> None:
        """Give hosts what calls to the sensor have brought long enough ago."""
        now = self.world.clock.now()
        due = [found for moment, found in self.coming if moment <= now]
        self.coming = [(moment, found) for moment, found in self.coming if moment > now]
        for found in due:
            self.properties.update(found)


def _hal(content: dict[str, Any]) -> Response:
    return JSONResponse({**content, "links": []}, media_type="application/hal+json")


def _web_error(status: int, message: str) -> Response:
    return JSONResponse({"message": f"{message} See log for more details."}, status)
