# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access that an integration has to a FortiGate, as one task: profiles, API admins and their keys.

Private to this collection: may change at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from .._engine.apply import converge
from .._engine.errors import Conflict, InvalidOptions
from .._engine.mint import mint
from .._engine.resource import Resource
from .._engine.table_cache import TableCache
from .._engine.task import Outcome, Task
from .._module.arguments import STATE, Arguments
from . import admin_profile, api_admin, api_key

Params = dict[str, Any]

SHOWN_OF_A_KEY = ("minted", "secret_ref", "fingerprint", "created_at", "verified_at")

KEY_OPTIONS = {
    "secret_ref": {**api_key.OPTIONS["secret_ref"], "required": False},
    **{name: api_key.OPTIONS[name] for name in ("rotation_id", "max_age")},
}


@dataclass(frozen=True)
class Kind:
    """One list of the task: what its items are, their options, and what completes those."""

    option: str
    resource: Resource
    arguments: Arguments
    prepare: Callable[[Params], Params]


KINDS = (
    Kind(
        "profiles",
        admin_profile.PROFILE,
        Arguments({**STATE, **admin_profile.OPTIONS}),
        admin_profile.prepare_admin_profile,
    ),
    Kind(
        "admins",
        api_admin.ADMIN,
        Arguments({**STATE, **api_admin.OPTIONS, **KEY_OPTIONS}),
        api_admin.prepare_api_admin,
    ),
)


@dataclass(frozen=True)
class Step:
    """What is to be done about one object."""

    resource: Resource
    params: Params
    work: Callable[[Task, Outcome], None] = converge

    @property
    def name(self) -> str:
        """Return the name of the object."""
        return str(self.params["name"])


def prepare_fortigate_access(params: Params) -> Params:
    """Check every item as the module for one such object would. Raises InvalidOptions.

    ``listed`` are the lists that were given, be they empty: only what belongs to those can be purged.
    """
    given = {**params, "admins": _completed(params)}
    lists = {kind.option: list(_items(kind, given[kind.option] or [])) for kind in KINDS}
    return {**params, **lists, "listed": [option for option in lists if params[option] is not None]}


def _completed(params: Params) -> list[Params]:
    """Give each admin what the task says for all, where it says nothing itself."""
    shared = {name: params[name] for name in ("trusted_hosts", "rotation_id") if params[name] is not None}
    store = params["secret_store"]
    return [
        {**shared, **({"secret_ref": f"{store}/{admin.get('name')}"} if store else {}), **admin}
        for admin in params["admins"] or []
    ]


def _items(kind: Kind, given: list[Mapping[str, Any]]) -> Iterator[Params]:
    names: set[str] = set()
    for number, item in enumerate(given, 1):
        place = f"{kind.option}, item {number}"
        try:
            params = kind.prepare(kind.arguments.validate(item)[0])
        except InvalidOptions as error:
            raise InvalidOptions(f"{place}: {error}") from None
        problems = kind.resource.problems(params)
        if params["name"] in names:
            problems.append(f'"{params["name"]}" is named twice')
        if problems:
            raise InvalidOptions(f"{place}: {'; '.join(problems)}")
        names.add(params["name"])
        yield params


def references(params: Params) -> dict[str, str]:
    """Return the reference to the key of each admin that has one."""
    return {admin["name"]: admin["secret_ref"] for admin in params["admins"] if admin["secret_ref"]}


def grant(task: Task, outcome: Outcome) -> None:
    """Bring profiles, API admins and keys to their wanted state, in the order in which they are needed."""
    task = replace(task, appliance=TableCache(task.appliance))
    outcome.objects, outcome.diff, effects = [], [], EarlierEffects()
    for step in _steps(task):
        part = Outcome(warnings=outcome.warnings)
        step.work(_part(task, step, effects), part)
        outcome.objects += _entries(step, part)
        if part.changed:
            outcome.changed = True
            outcome.diff.append(part.diff)
        if step.resource is api_admin.ADMIN:
            effects.note(step.name, part.diff)


class EarlierEffects:
    """What earlier steps did to the API admins, or in check mode would do."""

    def __init__(self) -> None:
        """Begin with nothing done."""
        self.created: set[str] = set()
        self.released: Counter[str] = Counter()

    def note(self, name: str, difference: Mapping[str, Any]) -> None:
        """Note the difference that a step made to an admin."""
        before, after = difference["before"], difference["after"]
        if after and not before:
            self.created.add(name)
        if before and before["profile"] != after.get("profile"):
            self.released[before["profile"]] += 1


def _part(task: Task, step: Step, effects: EarlierEffects) -> Task:
    """Return the task of one step."""
    return replace(
        task,
        resource=step.resource,
        options={**step.params, "allow_self_change": task.options["allow_self_change"]},
        secrets={"secret_ref": task.secrets[step.name]} if step.work is mint else {},
        parent_is_new=step.work is mint and step.name in effects.created,
        released=effects.released[step.name] if step.resource is admin_profile.PROFILE else 0,
    )


def _steps(task: Task) -> list[Step]:
    """Return all steps in order. Raises Conflict where a purge would go too far."""
    profiles = [Step(admin_profile.PROFILE, params) for params in task.options["profiles"]]
    admins = [Step(api_admin.ADMIN, params) for params in task.options["admins"]]
    keyed = [params for params in task.options["admins"] if params["secret_ref"]]
    keys = [Step(api_key.KEY, {**params, "recreate": task.options["recreate"]}, mint) for params in keyed]
    purged = {kind.option: _purged(task, kind) for kind in KINDS}
    _refuse_too_many(task, [step for steps in purged.values() for step in steps])
    return [
        *(step for step in profiles if step.params["state"] == "present"),
        *admins,
        *keys,
        *purged["admins"],
        *(step for step in profiles if step.params["state"] == "absent"),
        *purged["profiles"],
    ]


def _purged(task: Task, kind: Kind) -> list[Step]:
    """Return a step for each object that is in the pattern of names, is not listed, and is not built in."""
    if not task.options["purge"] or kind.option not in task.options["listed"]:
        return []
    listed = {params["name"] for params in task.options[kind.option]}
    wire = kind.resource.fields["name"].wire
    names = [str(row.get(wire)) for row in task.appliance.table(kind.resource)]
    doomed = [
        name
        for name in names
        if name not in listed
        and name not in kind.resource.built_in
        and fnmatchcase(name, task.options["purge_names"])
    ]
    return [Step(kind.resource, {"name": name, "state": "absent"}) for name in doomed]


def _refuse_too_many(task: Task, steps: list[Step]) -> None:
    limit = task.options["purge_limit"]
    if len(steps) > limit:
        raise Conflict(
            f"purge would remove {len(steps)} objects, more than purge_limit ({limit}), so nothing was "
            f"changed: {', '.join(step.resource.title(step.name) for step in steps)}"
        )


def _entries(step: Step, part: Outcome) -> list[dict[str, Any]]:
    """Return the entry about an object, and of a key what may be shown."""
    shown = {name: part.values[name] for name in SHOWN_OF_A_KEY} if step.work is mint else {}
    return [{**entry, **shown} for entry in part.objects or []]
