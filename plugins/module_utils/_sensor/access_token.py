# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access token of a sensor, shared by its modules.

The two columns of the sensor's Access Tokens dialog, Description and Used, are documented. No interface to
them is, so an endpoint map describes it.
"""

from __future__ import annotations

from typing import Any

from .._engine.errors import InvalidOptions
from .._engine.resource import Field, Resource
from .._engine.task import Outcome, Task
from .._minting.consumers import abandon
from .._minting.mint import adopt, mint
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
"""The prefix of the temporary token's description. ``check_endpoints`` creates and deletes that token."""


def prepare_access_token(params: dict[str, Any]) -> dict[str, Any]:
    """Raise InvalidOptions for an endpoint map without the options that its login requires.

    A token that clients use is not deleted. With a map whose ``tokens.delete`` is assumed, tasks may only
    list tokens and create the temporary token.
    """
    _refuse_deletion_in_use(params)
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
            "the endpoint map's tokens.delete is assumed, because no recording shows it",
            "run check_endpoints with defender_iot_prove=true, then set its provenance to captured",
        )
    return params


def _refuse_deletion_in_use(params: dict[str, Any]) -> None:
    users = params.get("used_by")
    if users and params["state"] == "absent" and not params["rotate_only"]:
        raise InvalidOptions(
            f"{TOKEN.title(params['description'])} has state: absent, but is declared to be used by "
            f"{', '.join(users)}, which would stop working",
            f"first have {' and '.join(users)} use another token",
        )


def mint_or_adopt(task: Task, outcome: Outcome) -> None:
    """Mint through an endpoint map. Without one, verify the token that an operator has stored.

    Then remove former clients from the token's record in the secret store.
    """
    (mint if task.options["endpoints"] else adopt)(task, outcome)
    if task.options["state"] == "present" and task.options["abandoned_by"]:
        abandon(task, outcome, task.options["abandoned_by"])
