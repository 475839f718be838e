# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans the change from the current to the desired state of one object. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import Conflict
from .resource import Resource


@dataclass(frozen=True)
class Plan:
    """One step: ``action`` is keep, create, update or delete. ``send`` are the options to send."""

    action: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    send: Mapping[str, Any]

    @property
    def changed(self) -> bool:
        return self.action != "keep"


def overlay(have: Any, want: Any) -> Any:
    """Return the value after an update: mappings merge, anything else is replaced as a whole."""
    if isinstance(have, Mapping) and isinstance(want, Mapping):
        return {**have, **{name: overlay(have.get(name), value) for name, value in want.items()}}
    return want


def plan(resource: Resource, have: Mapping[str, Any] | None, want: Mapping[str, Any], state: str) -> Plan:
    """Plan one object. ``have`` is None if it does not exist. Raises Conflict."""
    if state == "absent":
        return Plan("keep" if have is None else "delete", have or {}, {}, {})
    if have is None:
        return _create(resource, want)
    return _update(resource, have, want)


def _create(resource: Resource, want: Mapping[str, Any]) -> Plan:
    missing = sorted(resource.create_requires - want.keys())
    if missing:
        named = " and ".join(missing)
        raise Conflict(f"{resource.label} does not exist, and creating it requires {named}", f"set {named}")
    return Plan("create", {}, dict(want), resource.without_defaults(want))


def _update(resource: Resource, have: Mapping[str, Any], want: Mapping[str, Any]) -> Plan:
    after = resource.applicable(overlay(have, want))
    differing = {option for option in want if after.get(option) != have.get(option)}
    if not differing:
        return Plan("keep", have, after, {})
    carried = differing | (resource.resend & want.keys())
    send = {o: resource.fields[o].without_unknown(after[o], have.get(o)) for o in want if o in carried}
    return Plan("update", have, after, send)
