# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access token of a sensor, as data shared by its modules.

The two columns of the sensor's Access Tokens dialog, Description and Used, are documented; how to reach them
is not, so an endpoint map says it.
"""

from __future__ import annotations

from typing import Any

from .._engine.errors import InvalidOptions
from .._engine.mint import adopt, mint
from .._engine.resource import Field, Resource
from .._engine.task import Outcome, Task
from .._wire.web_interface import require_login

TOKEN = Resource(
    label="access token",
    kind="token",
    path="tokens",
    key="description",
    fields={"description": Field("description", required=True)},
    facts={"id": Field("id"), "used": Field("used")},
)


PROOF = "endpoint-check-"
"""How the description of a token begins that ``check_endpoints`` creates and deletes to prove a map."""


def prepare_access_token(params: dict[str, Any]) -> dict[str, Any]:
    """Raise InvalidOptions where an endpoint map is given without what its login needs.

    A map whose deletion is assumed may only be read by, and make the token that proves it.
    """
    if not params["endpoints"]:
        return params
    require_login("sensor", params)
    description = params.get("description")
    if (
        description
        and params["endpoint_map"].get("provenance") == "assumed"
        and not description.startswith(PROOF)
    ):
        raise InvalidOptions(
            "the endpoint map's delete is assumed, because no recording shows it",
            "run check_endpoints with defender_iot_prove=true, then set the provenance of delete to captured",
        )
    return params


def mint_or_adopt(task: Task, outcome: Outcome) -> None:
    """Mint through an endpoint map; without one, prove the token that an operator has put into the store."""
    (mint if task.options["endpoints"] else adopt)(task, outcome)
