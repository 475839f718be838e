# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the invented web interfaces call things, and how they say that a token was never used.

Shuffled, every name differs from seed to seed, so that no client can know one without having been told.
"""

from __future__ import annotations

import json
import string
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

PAGES = Path(__file__).parent / "pages"
WEB_VERSION = "24.1.0"


@dataclass(frozen=True)
class SensorNames:
    """Names of a sensor's web interface; by default the login is the one observed, the rest invented."""

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
        """Make up every name."""
        word = _Words(random)
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
        """Return the endpoint map of an interface with these names."""
        # Words are no time, so there is no format to name.
        used_format = {} if self.used_format == "words" else {"used_format": self.used_format}
        return {
            "schema": 1,
            "product": "sensor",
            "provenance": "lab",
            "versions": "24.1",
            "login": {
                "kind": "cookies",
                "before": "/",
                "request": {
                    "method": "POST",
                    "path": self.login,
                    "json": {self.username: "{username}", self.password: "{password}"},
                    "success": [200],
                },
                "session_cookie": self.session_cookie,
                "csrf": {"cookie": self.csrf_cookie, "header": self.csrf_header},
                "logout": {"method": "POST", "path": self.logout, "success": [200, 204]},
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
                    "json": {self.description: "{description}"},
                    "success": [201],
                    "fields": {"id": f"/{self.id}", "secret": f"/{self.token}"},
                },
                "delete": {"method": "DELETE", "path": f"{self.tokens}/{{id}}", "success": [204]},
            },
        }


SHUFFLED_SENSOR_FIELDS = (
    *("username", "password", "session_cookie", "csrf_cookie"),
    *("items", "id", "description", "used", "token", "version"),
)


@dataclass(frozen=True)
class ForescoutNames:
    """Names of a Forescout's web interface; by default the login is the one documented, the rest invented."""

    login: str = "/fsum/oauth2.0/token"
    module: str = "/__lab__/module"
    username: str = "username"
    password: str = "password"
    oauth_token: str = "access_token"
    server_address: str = "serverAddress"
    access_token: str = "accessToken"
    access_token_set: str = "accessTokenSet"

    @classmethod
    def shuffled(cls, random: Random) -> ForescoutNames:
        """Make up every name."""
        word = _Words(random)
        return cls(
            login=f"/fsum/{word()}/{word()}",
            module=f"/__lab__/{word()}/{word()}",
            **{name: word() for name in SHUFFLED_FORESCOUT_FIELDS},
        )

    def endpoint_map(self) -> dict[str, Any]:
        """Return the endpoint map of an interface with these names."""
        return {
            "schema": 1,
            "product": "forescout",
            "provenance": "lab",
            "versions": "lab",
            "login": {
                "kind": "bearer",
                "request": {
                    "method": "POST",
                    "path": self.login,
                    "form": {
                        self.username: "{username}",
                        self.password: "{password}",
                        "grant_type": "password",
                        "client_id": "fs-oauth-client",
                    },
                    "success": [200],
                },
                "token": f"/{self.oauth_token}",
                "header": "Bearer {token}",
            },
            "settings": {
                "read": {
                    "method": "GET",
                    "path": self.module,
                    "success": [200],
                    "fields": {"server_address": f"/{self.server_address}"},
                },
                "update": {
                    "method": "PUT",
                    "path": self.module,
                    "json": {
                        self.server_address: "{server_address}",
                        self.access_token: "{access_token}",
                    },
                    "success": [200],
                },
            },
        }


SHUFFLED_FORESCOUT_FIELDS = (
    *("username", "password", "oauth_token"),
    *("server_address", "access_token", "access_token_set"),
)


def page(name: str, names: SensorNames | ForescoutNames) -> str:
    """Return a page that works with these names."""
    text = (PAGES / f"{name}.html").read_text(encoding="utf-8")
    return text.replace("__NAMES__", json.dumps(asdict(names)))


class _Words:
    """Makes up words, none twice."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._made: set[str] = set()

    def __call__(self) -> str:
        word = "".join(self._random.choices(string.ascii_lowercase, k=8))
        if word in self._made:
            return self()
        self._made.add(word)
        return word
