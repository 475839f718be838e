# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mock Forescout platform with the CyberX / Defender for IoT module, which really polls its sensor.

The OAuth token service and the Web API follow the vendor's examples and observed clients. No vendor publishes
an interface that writes module settings. `/__lab__/module` is invented and exists on no Forescout. Every
other such path is not found.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from ..core.appliance import Appliance
from ..core.exchange import Exchange
from ..core.ledger import GIVEN
from ..core.web import page
from .login import Login
from .names import ForescoutNames
from .nodes import Nodes, state_of
from .options import ForescoutOptions
from .policies import Policies
from .poll import PollError, fetch_devices
from .properties import HostProperties, make_tags
from .web_api import WebApi, web_error

PAGE = Path(__file__).parent / "page.html"
OAUTH_CLIENT = "fs-oauth-client"
OAUTH_SECONDS = 3600


@dataclass(frozen=True)
class Module:
    """The two settings of the module."""

    server_address: str = ""
    access_token: str = ""

    @property
    def complete(self) -> bool:
        """Whether both settings are set, as a call to the sensor requires."""
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
        """The names in the web interface."""
        fixed = self.options.names == "fixed"
        return ForescoutNames() if fixed else ForescoutNames.shuffled(self.mint.apart("names"))

    def endpoint_map(self) -> dict[str, Any]:
        """Return the endpoint map of the web interface with its current names."""
        return self.names.endpoint_map()

    def change_options(self, changes: Mapping[str, Any]) -> None:
        """Change options and poll the sensor at once."""
        super().change_options(changes)
        self.web_api.options = self.options
        if self.nodes:
            self.nodes.options_changed()
        self.changed.set()

    def restart(self) -> None:
        """Delete settings, tokens, polls, host properties and imported policies."""
        self.module = Module()
        self.properties = HostProperties(self.world.clock, self.tags)
        self.oauth = Login(self.credentials, self.world.clock)
        web_login = Login(self.credentials, self.world.clock)
        self.policies = Policies(self, self.world.clock, self.properties, self.mint.apart("policies"))
        self.web_api = WebApi(self.options, self.mint, web_login, self.properties, self.policies)
        self.last_poll: dict[str, Any] | None = None
        if self.nodes:
            self.nodes.reset()

    def settings_live(self, server_address: str, access_token: str) -> None:
        """Apply the settings that the restarted plugin has read, and poll the sensor at once."""
        self.module = Module(server_address, access_token)
        self.changed.set()

    def note_secret(self, value: str) -> str:
        """Record a token that the module received, and return it."""
        return self.mint.note(GIVEN, value)

    def make_credentials(self) -> dict[str, str]:
        """Generate one account for both logins, and the property tags, which depend on the seed."""
        self.tags = make_tags(self.mint.random)
        return super().make_credentials()

    def state(self) -> dict[str, Any]:
        """Return settings, tokens, the last poll, the host properties, policies, groups and mails."""
        self.properties.let_arrive()
        return {
            "module": asdict(self.module),
            "oauth_tokens": list(self.oauth.tokens),
            "web_tokens": list(self.web_api.login.tokens),
            "last_poll": self.last_poll,
            "properties": self.properties.values,
            "nodes": state_of(self.nodes),
            **self.policies.state(),
        }

    def command(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out what an operator does in the Console. Raises ConfigurationError."""
        match name:
            case "policy":
                return self.policies.by_operator(body)
            case "export":
                return self.policies.exported(body)
        return super().command(name, body)

    def answer(self, exchange: Exchange) -> Response:
        """Answer one request."""
        if self.options.restarting:
            return Response("Service Unavailable", 503, media_type="text/plain")
        if exchange.segments[0] == "api":
            return self.web_api.answer(exchange, exchange.segments[1:])
        return self._web_interface(exchange)

    def _web_interface(self, exchange: Exchange) -> Response:
        names = self.names
        match exchange.method, exchange.path:
            case "GET", "/":
                return HTMLResponse(page(PAGE, names))
            case "POST", names.login:
                return self._oauth_login(exchange, names)
            case method, names.module:
                return self._module_settings(exchange, method)
        return web_error(404, "Not found.")

    # --- OAuth and the invented module settings -------------------------------------------------------------

    def _oauth_login(self, exchange: Exchange, names: ForescoutNames) -> Response:
        """Issue an OAuth token (form documented; `token_type` and `expires_in` as in a published mock)."""
        form = exchange.form()
        grant = (form.get("grant_type"), form.get("client_id"))
        given = {"username": form.get(names.username, ""), "password": form.get(names.password, "")}
        if grant != ("password", OAUTH_CLIENT) or not self.oauth.fits(given):
            return JSONResponse({"error": "invalid_grant"}, 401)
        exchange.principal = given["username"]
        token = self.mint.issue("oauth_token", 40)
        self.oauth.admit(token, OAUTH_SECONDS)
        return JSONResponse({names.oauth_token: token, "token_type": "bearer", "expires_in": OAUTH_SECONDS})

    def _module_settings(self, exchange: Exchange, method: str) -> Response:
        scheme, _space, token = exchange.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self.oauth.admits(token):
            return JSONResponse({"errors": ["Invalid or expired token"]}, 401)
        exchange.principal = self.oauth.username
        if not self.options.module_installed:
            return web_error(404, "Not found.")
        match method:
            case "GET":
                return self._shown_module()
            case "PUT":
                return self._change_module(exchange)
        return web_error(405, "Method not allowed.")

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
        current, wanted = self.module.server_address, body.get(known.server_address, "")
        if self.options.sensor_change == "after_clearing" and current and wanted not in ("", current):
            return JSONResponse({"errors": ["the settings of another server have not been cleared"]}, 409)
        self.mint.note(GIVEN, body.get(known.access_token, ""))
        self.module = replace(self.module, **{names[name]: value for name, value in body.items()})
        if self.nodes:
            self.nodes.apply(self.module.server_address, self.module.access_token)
        self.changed.set()
        return self._shown_module()

    # --- polling --------------------------------------------------------------------------------------------

    async def poll_forever(self) -> None:
        """Call the sensor after every change of the settings and at intervals."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), self.options.poll_interval)
            self.changed.clear()
            await self.poll()

    async def poll(self) -> None:
        """Call the sensor once, if the settings are complete. A failure keeps the old values."""
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
            now = self.world.clock.now()
            self.last_poll = {"time": now, "outcome": outcome}
            self.properties.keep(devices, now, self.options.value_delay)
            self.policies.evaluate()
