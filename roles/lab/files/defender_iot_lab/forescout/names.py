# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names in a Forescout's invented web interface. Shuffled names depend on the seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from ..core.web import Words


@dataclass(frozen=True)
class ForescoutNames:
    """Names in a Forescout's web interface. By default the login is as documented, the rest invented."""

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
        """Return new random names."""
        word = Words(random)
        return cls(
            login=f"/fsum/{word()}/{word()}",
            module=f"/__lab__/{word()}/{word()}",
            **{name: word() for name in SHUFFLED_FORESCOUT_FIELDS},
        )

    def endpoint_map(self) -> dict[str, Any]:
        """Return the endpoint map for these names."""
        return {
            "schema": 2,
            "product": "forescout",
            "provenance": "lab",
            "versions": "lab",
            "login": {
                "steps": [
                    {
                        "method": "POST",
                        "path": self.login,
                        "form": {
                            self.username: "{username}",
                            self.password: "{password}",
                            "grant_type": "password",
                            "client_id": "fs-oauth-client",
                        },
                        "success": [200],
                        "capture": {"bearer": f"/{self.oauth_token}"},
                    },
                ],
                "headers": {"Authorization": "Bearer {bearer}"},
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
