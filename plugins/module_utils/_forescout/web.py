# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Forescout platform: the settings of its Defender for IoT module through an endpoint map.

No public interface reads or writes a module's settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._engine.appliance import Appliance
from .._engine.resource import Resource
from .._wire.https import Http
from .._wire.web_interface import WebInterface


class Forescout(Appliance):
    """The verbs on one platform. Its module settings are a singleton."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Raise InvalidOptions for an impossible URL. ``params`` includes ``endpoint_map``."""
        self.web = WebInterface(Http(params), params)

    def read(self, resource: Resource, key: Any) -> dict[str, Any]:
        return self.web.read(resource.path)

    def table(self, resource: Resource) -> list[dict[str, Any]]:
        """Return the settings as the only row."""
        return [self.read(resource, None)]

    def update(self, resource: Resource, key: Any, body: Mapping[str, Any]) -> None:
        """Write the settings in the body.

        Before a move to another sensor, both fields are cleared, as in Microsoft's tutorial, so that the old
        token is never sent to the new address.
        """
        address = self.read(resource, key).get("server_address")
        if address and body.get("server_address", address) not in (address, ""):
            self.web.write(resource.path, "update", dict.fromkeys(body, ""))
            if "capture" in self.web.map[resource.path]["read"]:
                # What a read gives, such as an ETag, is new after each change.
                self.read(resource, key)
        self.web.write(resource.path, "update", body)

    def close(self) -> None:
        self.web.close()
