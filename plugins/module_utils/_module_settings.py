# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of Forescout's Defender for IoT module, as data shared by its modules.

The pane has exactly two fields, Server Address and Access Token (documented). Address and token belong
together: a token is valid on one sensor only, so one is never written without the other. Private to this
collection: may change at any time.
"""

from __future__ import annotations

from typing import Any

from ._converge import Job, converge
from ._endpoints import require_login
from ._resource import Field, Resource
from ._secrets import shown

SETTINGS = Resource(
    kind="Defender for IoT module settings",
    noun="settings",
    path="settings",
    fields={"server_address": Field("server_address"), "access_token": Field("access_token")},
    secrets={"access_token": "access_token_ref"},
    resend=frozenset({"server_address", "access_token"}),
    singleton=True,
)


def requiring_login(params: dict[str, Any]) -> dict[str, Any]:
    """Raise InvalidOptions where an endpoint map is given without what its login needs."""
    if params["transport"] == "rest":
        require_login("forescout", params)
    return params


def configure(job: Job) -> dict[str, Any]:
    """Converge the settings, or with ``transport: manual`` say what a person has to do."""
    if job.params["transport"] == "rest":
        return converge(job)
    keeper = job.keepers["access_token_ref"]
    steps = _steps(job.params["server_address"], keeper.ref)
    return {"changed": False, "steps": steps, **shown(keeper.ref, keeper.held().current)}


def _steps(server_address: str, access_token_ref: str) -> list[str]:
    return [
        "Sign in to the Forescout Console and open Tools > Options > Modules > Defender for IoT Platform "
        "(CyberX Platform in some versions).",
        f"Set Server Address to {server_address}.",
        f"Set Access Token to the value stored under {access_token_ref}.",
        "Select Apply.",
        "On the sensor, open System settings > Integrations > Access tokens: Used must change from N/A to a "
        "time.",
    ]
