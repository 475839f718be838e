# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The properties of a host from the Web API of a Forescout platform, by the labels in the Console.

The names of the properties are not published, so they are found by their labels.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from .._engine.errors import InvalidOptions, NotFound, attempting
from .._engine.moment import as_text, read_moment
from .._engine.resource import Field, Resource
from .._engine.task import Outcome, Task, complete
from .._module.arguments import require

LABELS = [
    "Authorized by CyberX",
    "Firmware",
    "Name",
    "Operating System",
    "Type",
    "Vendor",
    "Risk Level",
    "Protocols",
]
"""The eight properties of the Defender for IoT module (documented)."""

ALSO_CALLED = {
    "authorized by cyberx": {
        "authorized by defender for iot",
        "authorized by azure defender for iot",
        "authorized by microsoft defender for iot",
    }
}

PROPERTY = Resource(
    label="host property",
    kind="property",
    path="hostfields",
    fields={"name": Field("name"), "label": Field("label")},
)

HOST = Resource(
    label="host",
    kind="host",
    path="hosts",
    key_in_path=True,
    key="host",
    fields={
        "id": Field("id", decode=str),
        "ip": Field("ip", optional=True),
        "mac": Field("mac", optional=True),
        "properties": Field("fields", optional=True, decode=dict, absent_value={}),
    },
)


def prepare_host_info(params: dict[str, Any]) -> dict[str, Any]:
    """Add the provenance. Raises InvalidOptions, for example for a ``newer_than`` that is no time."""
    require(params, "url", "username")
    try:
        read_moment(params["newer_than"] or "1970-01-01")
    except ValueError:
        raise InvalidOptions(
            f'newer_than is "{params["newer_than"]}", which is not a time',
            "set newer_than to a time like 2026-11-02T10:15:00Z",
        ) from None
    return {**params, "provenance": "observed"}


def read_host(task: Task, outcome: Outcome) -> None:
    """Report the missing and ambiguous labels, and the host's properties under the others."""
    found = _names_by_label(task)
    names = {label: tags[0] for label, tags in found.items() if len(tags) == 1}
    outcome.values.update(
        missing_labels=[label for label, tags in found.items() if not tags],
        ambiguous_labels=[label for label, tags in found.items() if len(tags) > 1],
        **(_awaited(task, names) if task.key else {}),
    )


def _names_by_label(task: Task) -> dict[str, list[str]]:
    """Return the names of the properties with each requested label, regardless of case."""
    with attempting("reading every host property"):
        rows = [complete(PROPERTY.from_wire, row) for row in task.appliance.table(PROPERTY)]
    found: dict[str, list[str]] = {}
    for label in task.options["labels"]:
        wanted = {label.lower()} | ALSO_CALLED.get(label.lower(), set())
        found[label] = [row["name"] for row in rows if str(row["label"]).lower() in wanted]
    return found


def _awaited(task: Task, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the host once it has a newer value, or when the wait ends."""
    end = time.monotonic() + task.options["wait"]
    while True:
        host = _host(task, names)
        newer = _is_newer(task, host["updated_at"])
        if newer is not False or time.monotonic() >= end:
            return {"host": host, "newer": newer}
        time.sleep(task.options["interval"])


def _is_newer(task: Task, updated_at: str | None) -> bool | None:
    """Return whether the newest value is not older than ``newer_than``, None without that option."""
    if task.options["newer_than"] is None:
        return None
    wanted = read_moment(task.options["newer_than"]).replace(microsecond=0)
    return updated_at is not None and read_moment(updated_at) >= wanted


def _host(task: Task, names: Mapping[str, str]) -> dict[str, Any]:
    with attempting(f"reading {task.title}"):
        raw = task.appliance.read(task.resource, task.key)
        if raw is None:
            raise NotFound("the platform does not know this host", "check host")
        host = complete(task.resource.from_wire, raw)
    known = {
        label: _value(host["properties"][name]) for label, name in names.items() if name in host["properties"]
    }
    times = [each["updated_at"] for each in known.values() if each["updated_at"]]
    return {**host, "properties": known, "updated_at": max(times, default=None)}


def _value(raw: Any) -> dict[str, Any]:
    """Return a property's value and newest time. A list property returns a list of values."""
    each = raw if isinstance(raw, list) else [raw]
    values = [one.get("value") for one in each if isinstance(one, Mapping)]
    times = [
        one["timestamp"] for one in each if isinstance(one, Mapping) and _is_number(one.get("timestamp"))
    ]
    return {
        "value": values if isinstance(raw, list) else next(iter(values), None),
        "updated_at": _newest(times),
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _newest(times: Iterable[int]) -> str | None:
    newest = max(times, default=None)
    return None if newest is None else as_text(datetime.fromtimestamp(newest, timezone.utc))
