# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The address tables of a FortiGate in memory, with the rules of FortiOS that a block list depends on."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import Refused
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Outcome, Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.address import (
    FAMILIES,
    GROUP_COMMENT,
    Entry,
    object_body,
    object_name,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.block_options import (
    BLOCK_LIST,
    prepare_block_list,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.blocking import keep_block_list
from ansible_collections.otsec.defender_iot.tests.unit.fakes import MemoryAppliance

IPV4, IPV6 = FAMILIES
GROUP = "blocked"
PAST, SOON, LATER = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "2099-06-01T00:00:00Z"
SINCE = "2019-01-01T00:00:00Z"


class Killed(BaseException):
    """The process is killed at a request."""


def refused(code: int, status: int = 500) -> Refused:
    """Make a refusal of FortiOS."""
    return Refused(f"error {code}", status=status, code=code)


class Gate(MemoryAppliance):
    """Four tables. ``hook`` is called before each write, with its number, and may write or raise."""

    def __init__(self, **noted: Any) -> None:
        super().__init__(**noted)
        self.tables: dict[str, dict[str, Any]] = {}
        for family in FAMILIES:
            rows = {name: {"name": name, "comment": ""} for name in ("all", "none")}
            self.tables |= {family.objects.path: rows, family.groups.path: {}, family.vips.path: {}}
        self.revisions = dict.fromkeys(self.tables, 0)
        self.cap: int | None = 600
        self.accepts_empty_group = False
        self.offset: timedelta | None = timedelta()
        self.extra_uses: dict[str, int] = {}
        self.hook: Callable[[int], None] = lambda number: None
        self.writes = 0

    def put_group(self, *members: str, family: Any = IPV4, ours: bool = True, name: str = GROUP) -> None:
        """Add a group with these members and the placeholder."""
        rows = [{"name": member} for member in ("none", *members)]
        comment = GROUP_COMMENT if ours else ""
        self.tables[family.groups.path][name] = {"name": name, "comment": comment, "member": rows}

    def put_address(self, name: str, family: Any = IPV4, **fields: Any) -> None:
        """Add an address object that is not of the collection."""
        value = {"subnet": "192.0.2.99 255.255.255.255"} if family is IPV4 else {"ip6": "2001:db8::99/128"}
        self.tables[family.objects.path][name] = {
            "name": name,
            "type": family.type,
            "comment": "",
            **value,
            **fields,
        }

    def put_entry(self, entry: Entry, *, is_member: bool = True) -> str:
        """Add the object of an entry, and return its name."""
        family = FAMILIES[entry.address.version == 6]
        name = object_name(GROUP, entry.address)
        self.tables[family.objects.path][name] = object_body(family, GROUP, entry)
        if is_member:
            self.tables[family.groups.path][GROUP]["member"].append({"name": name})
        return name

    def members(self, family: Any = IPV4) -> list[str]:
        """Return the members of the group."""
        row = self.tables[family.groups.path].get(GROUP, {"member": []})
        return [each["name"] for each in row["member"]]

    def count_uses(self, path: str, name: str) -> int:
        groups = next((each.groups.path for each in FAMILIES if each.objects.path == path), "")
        rows = self.tables[groups].values() if groups else ()
        return self.extra_uses.get(name, 0) + sum({"name": name} in row["member"] for row in rows)

    def _begin(self, verb: str, resource: Any, about: str) -> None:
        self.hook(self.writes)
        self.writes += 1
        self._write(verb, f" {resource.kind} {about}")
        self.revisions[resource.path] += 1

    def search(self, resource: Any, text: str) -> dict[str, Any]:
        self._note("search", f" {resource.kind}")
        rows = [
            {**copy.deepcopy(row), "q_ref": self.count_uses(resource.path, name)}
            for name, row in self.tables[resource.path].items()
            if text.lower() in name.lower()
        ]
        moment = None if self.offset is None else datetime.now(UTC) + self.offset
        date = moment and format_datetime(moment, usegmt=True)
        return {"rows": rows, "revision": str(self.revisions[resource.path]), "date": date}

    def capacity(self, resource: Any, part: str) -> int | None:
        self._note("capacity", f" {resource.kind}")
        return self.cap

    def read(self, resource: Any, key: Any) -> Any:
        self._note("read", f" {resource.kind} {key}")
        return self.tables[resource.path].get(key)

    def create(self, resource: Any, key: Any, body: Any) -> None:
        self._begin("create", resource, key)
        if key in self.tables[resource.path]:
            raise refused(-5)
        self.tables[resource.path][key] = copy.deepcopy(dict(body))

    def update(self, resource: Any, key: Any, body: Any) -> None:
        self._begin("update", resource, key)
        assert "member" not in body
        if key not in self.tables[resource.path]:
            raise refused(-3, 404)
        self.tables[resource.path][key] |= copy.deepcopy(dict(body))

    def delete(self, resource: Any, key: Any, raw: Any = None) -> None:
        self._begin("delete", resource, key)
        if key not in self.tables[resource.path]:
            raise refused(-3, 404)
        if self.count_uses(resource.path, key):
            raise refused(-23)
        del self.tables[resource.path][key]

    def add(self, resource: Any, key: Any, name: str) -> None:
        self._begin("add", resource, name)
        rows = self._members_of(resource, key)
        objects = next(each.objects.path for each in FAMILIES if each.groups.path == resource.path)
        if name not in self.tables[objects]:
            raise refused(-3)
        if {"name": name} in rows:
            raise refused(-5)
        if self.cap is not None and len(rows) >= self.cap:
            raise refused(-4)
        rows.append({"name": name})

    def remove(self, resource: Any, key: Any, name: str) -> None:
        self._begin("remove", resource, name)
        rows = self._members_of(resource, key)
        if {"name": name} not in rows:
            raise refused(-3, 404)
        if len(rows) == 1 and not self.accepts_empty_group:
            raise refused(-56)
        rows.remove({"name": name})

    def _members_of(self, resource: Any, key: str) -> list[dict[str, str]]:
        if key not in self.tables[resource.path]:
            raise refused(-3, 404)
        return self.tables[resource.path][key]["member"]


def entry(address: str, until: str = SOON, **known: Any) -> Entry:
    """Make an entry."""
    from ipaddress import ip_address

    return Entry(
        **{"address": ip_address(address), "until": until, "since": SINCE, "owner": "manual", **known}
    )


def item(address: str, until: str = SOON, **given: str) -> dict[str, Any]:
    """Make an item of the option entries, validated."""
    return {
        "address": address,
        "until": until,
        **dict.fromkeys(("reason", "source", "approved_by", "since", "owner")),
        **given,
    }


def block_options(*entries: Mapping[str, Any] | str, **given: Any) -> dict[str, Any]:
    """Make prepared options of a block list."""
    items: Sequence[Any] = [item(each) if isinstance(each, str) else each for each in entries]
    defaults = {
        "state": "present",
        "group": GROUP,
        "mode": "merged",
        "owner": "manual",
        "protected": [],
        "max_entries": 100,
        "max_new": 10,
        "clock_tolerance": 300,
    }
    return prepare_block_list({**defaults, "entries": items, **given})


def keep(gate: Gate, *entries: Mapping[str, Any] | str, **given: Any) -> dict[str, Any]:
    """Run one task, and return its result."""
    outcome = Outcome()
    keep_into(outcome, gate, *entries, **given)
    return outcome.result()


def keep_into(outcome: Outcome, gate: Gate, *entries: Mapping[str, Any] | str, **given: Any) -> None:
    """Run one task whose result up to an error is wanted."""
    predictions = given.pop("predictions", None)
    more = {} if predictions is None else {"predictions": predictions}
    task = Task(BLOCK_LIST, block_options(*entries, **given), gate, "fgt", gate.check_mode, **more)
    keep_block_list(task, outcome)
