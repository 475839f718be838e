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
from .nodes import Nodes, shown
from .options import ForescoutOptions
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
        self.web_api.options = self.options
        if self.nodes:
            self.nodes.options_changed()
        self.changed.set()

    def restart(self) -> None:
        """Forget settings, tokens, polls and what they brought."""
        self.module = Module()
        self.properties = HostProperties(self.world.clock, self.tags)
        self.oauth = Login(self.credentials, self.world.clock)
        web_login = Login(self.credentials, self.world.clock)
        self.web_api = WebApi(self.options, self.mint, web_login, self.properties)
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
        self.tags = make_tags(self.mint.random)
        return super().make_credentials()

    def state(self) -> dict[str, Any]:
        """Return settings, tokens, the last poll and what polls have brought."""
        self.properties.let_arrive()
        return {
            "module": asdict(self.module),
            "oauth_tokens": list(self.oauth.tokens),
            "web_tokens": list(self.web_api.login.tokens),
            "last_poll": self.last_poll,
            "properties": self.properties.values,
            "nodes": shown(self.nodes),
        }

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
        """Issue an OAuth token (form documented; `token_type` and `expires_in` from a mock)."""
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
            return JSONResponse({"errors": ["the settings of another server are still there"]}, 409)
        self.mint.note(GIVEN, body.get(known.access_token, ""))
        self.module = replace(self.module, **{names[name]: value for name, value in body.items()})
        if self.nodes:
            self.nodes.apply(self.module.server_address, self.module.access_token)
        self.changed.set()
        return self._shown_module()

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
            now = self.world.clock.now()
            self.last_poll = {"time": now, "outcome": outcome}
            self.properties.keep(devices, now, self.options.value_delay)
