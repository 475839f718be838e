# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of every module for a FortiSIEM."""

from __future__ import annotations

from typing import Any

from .._module.arguments import Arguments, Spec, connection, from_environment


def fortisiem(own: Spec, **rules: Any) -> Arguments:
    """Return the connection options, the client credentials and a module's own options."""
    client: Spec = {
        "client_id": {"type": "str", "fallback": (from_environment, ["FORTISIEM_CLIENT_ID"])},
        "client_secret": {
            "type": "str",
            "no_log": True,
            "fallback": (from_environment, ["FORTISIEM_CLIENT_SECRET"]),
        },
    }
    return Arguments(
        {**connection("FORTISIEM"), **client, **own},
        required_one_of=[("token", "client_id", "username")],
        required_together=[("username", "password"), ("client_id", "client_secret")],
        **rules,
    )
