# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of minting play with: a token, a key, an appliance and a store that share their events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Field, Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Outcome, Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.mint import mint
from ansible_collections.otsec.defender_iot.tests.unit.fakes import MemoryAppliance, MemoryEntry

NAME = {"name": Field("name")}
TOKEN = Resource(
    label="token", kind="token", path="tokens", fields=NAME, facts={"id": Field("id"), "used": Field("used")}
)
KEY = Resource(label="key", kind="key", path="admins", fields=NAME, on_parent=True)
ADMIN = {"a": {"name": "a"}}
OPTIONS = {"name": "a", "recreate": "never"}


def row(id_: Any, *, used: str | None = None, name: str = "a") -> dict[str, Any]:
    """Make one row of the appliance's list of tokens."""
    return {"name": name, "id": id_, "used": used}


def rows(*ids: Any, used: str | None = None) -> dict[Any, dict[str, Any]]:
    """Make a list of tokens that all have the task's name."""
    return {id_: row(id_, used=used) for id_ in ids}


def ago(**time: float) -> str:
    """Return a time in the past as records hold it."""
    return (datetime.now(UTC) - timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Scene:
    """One task on an appliance and a store that write into one list of events."""

    def __init__(
        self,
        resource: Resource,
        objects: Any = None,
        *,
        check_mode: bool = False,
        params: Mapping[str, Any] | None = None,
        errors: Mapping[str, Exception] | None = None,
        appliance: Mapping[str, Any] | None = None,
        **stored: Any,
    ) -> None:
        self.events: list[str] = []
        self.warnings: list[str] = []
        shared = {"check_mode": check_mode, "events": self.events, "errors": errors}
        made = {} if resource.on_parent else {"made": row(9), "id_": 9}
        self.api = MemoryAppliance(objects, **{**shared, **made, **(appliance or {})})
        self.keeper = MemoryEntry(**stored, **shared)
        options = {**OPTIONS, **(params or {})}
        self.task = Task(resource, options, self.api, "box", check_mode, {"secret_ref": self.keeper})

    def play(self) -> dict[str, Any]:
        """Carry the task out; return its result, with a diff even of no change."""
        outcome = Outcome(warnings=self.warnings)
        mint(self.task, outcome)
        return {**outcome.result(), "diff": outcome.diff}

    @property
    def ids(self) -> list[Any]:
        """Return the ids of the tokens that the appliance holds now."""
        return sorted(each["id"] for each in self.api.objects.values())
