# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names in a sensor's invented web interface, and its value for a token that was never used.

Shuffled names depend on the seed, so that a client can learn them only from an endpoint map.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from ..core.web import Words

WEB_VERSION = "24.1.0"


@dataclass(frozen=True)
class SensorNames:
    """Names in a sensor's web interface. By default the login is as observed and the rest is invented."""

    login: str = "/api/authentication/login"
    logout: str = "/api/authentication/logout"
    tokens: str = "/__lab__/tokens"
    username: str = "username"
    password: str = "password"
    session_cookie: str = "sessionid"
    csrf_cookie: str = "csrftoken"
    csrf_header: str = "X-CSRFToken"
    items: str = "tokens"
    id: str = "id"
    description: str = "description"
    used: str = "used"
    token: str = "token"
    version: str = "version"
    never_used: str | int | None = "N/A"
    used_format: str = "iso8601"

    @classmethod
    def shuffled(cls, random: Random) -> SensorNames:
        """Return new random names."""
        word = Words(random)
        return cls(
            login=f"/api/{word()}/{word()}",
            logout=f"/api/{word()}/{word()}",
            tokens=f"/__lab__/{word()}/{word()}",
            csrf_header=f"X-{word().title()}",
            never_used=random.choice(["N/A", None, "Never", "-"]),
            used_format=random.choice(["iso8601", "epoch_seconds", "epoch_milliseconds"]),
            **{name: word() for name in SHUFFLED_SENSOR_FIELDS},
        )

    def endpoint_map(self) -> dict[str, Any]:
        """Return the endpoint map for these names."""
        csrf = {self.csrf_header: "{csrf}"}
        # Words are not a time, so the map has no format for them.
        used_format = {} if self.used_format == "words" else {"used_format": self.used_format}
        return {
            "schema": 2,
            "product": "sensor",
            "provenance": "lab",
            "versions": "24.1",
            "login": {
                "steps": [
                    {
                        "method": "GET",
                        "path": "/",
                        "success": [200],
                        "capture": {"csrf": {"cookie": self.csrf_cookie}},
                    },
                    {
                        "method": "POST",
                        "path": self.login,
                        "headers": csrf,
                        "json": {self.username: "{username}", self.password: "{password}"},
                        "success": [200],
                        "capture": {"session": {"cookie": self.session_cookie}},
                    },
                ],
                "logout": {"method": "POST", "path": self.logout, "headers": csrf, "success": [200, 204]},
            },
            "tokens": {
                "list": {
                    "method": "GET",
                    "path": self.tokens,
                    "success": [200],
                    "version": f"/{self.version}",
                    "items": f"/{self.items}",
                    "fields": {
                        "id": f"/{self.id}",
                        "description": f"/{self.description}",
                        "used": f"/{self.used}",
                    },
                    "never_used": self.never_used,
                    **used_format,
                },
                "create": {
                    "method": "POST",
                    "path": self.tokens,
                    "headers": csrf,
                    "json": {self.description: "{description}"},
                    "success": [201],
                    "fields": {"id": f"/{self.id}", "secret": f"/{self.token}"},
                },
                "delete": {
                    "method": "DELETE",
                    "path": f"{self.tokens}/{{id}}",
                    "headers": csrf,
                    "success": [204],
                    "provenance": "lab",
                },
            },
        }


SHUFFLED_SENSOR_FIELDS = (
    *("username", "password", "session_cookie", "csrf_cookie"),
    *("items", "id", "description", "used", "token", "version"),
)
