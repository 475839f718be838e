# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access of an integration to a FortiGate as one task: profiles, REST API administrators and keys."""

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
from .._module.arguments import ONE_TIME_SECRET, STATE, Arguments
from . import admin_profile, api_admin, api_key

Params = dict[str, Any]

SHOWN_OF_A_KEY = ("minted", "secret_ref", "fingerprint", "created_at", "verified_at")

LISTS: dict[str, Resource] = {"profiles": admin_profile.PROFILE, "admins": api_admin.ADMIN}
"""The resource of each list option."""

KEY_OPTIONS = {
    "secret_ref": {**ONE_TIME_SECRET["secret_ref"], "required": False},
    **{name: ONE_TIME_SECRET[name] for name in ("rotation_id", "max_age")},
}

ITEMS = {
    "profiles": Arguments({**STATE, **admin_profile.PRESET, **admin_profile.PROFILE.argument_spec()}),
    "admins": Arguments({**STATE, **api_admin.ADMIN.argument_spec(), **KEY_OPTIONS}),
}
"""The options of one item of each list."""

SHARED = {name: ITEMS["admins"].spec[name] for name in ("trusted_hosts", "rotation_id")}
"""Options of the task that apply to every administrator without a value of its own."""

OPT_OUT = frozenset({"secret_ref", "rotation_id"})
"""Options for which an administrator rejects the task's value with an empty text."""

CLEARABLE = {"profiles": LISTS["profiles"].clearable, "admins": LISTS["admins"].clearable | OPT_OUT}
"""The options of one item of each list that may be empty."""


@dataclass(frozen=True)
class Step:
    """One object and the work on it."""

    resource: Resource
    params: Params
    work: Callable[[Task, Outcome], None] = converge

    @property
    def name(self) -> str:
        return str(self.params["name"])


def prepare_fortigate_access(params: Params) -> Params:
    """Check every item as the module for one such object does. Raises InvalidOptions.

    ``listed`` names the lists that are set, even if they are empty: only these can be purged.
    """
    given = {**params, "admins": _completed(params)}
    lists = {option: list(_items(option, given[option] or [])) for option in LISTS}
    return {**params, **lists, "listed": [option for option in lists if params[option] is not None]}


def _completed(params: Params) -> list[Params]:
    """Return the administrators with the shared options that they do not set."""
    shared = {name: params[name] for name in SHARED if params[name] is not None}
    store = params["secret_store"]
    return [
        _with_defaults(admin, {**shared, **({"secret_ref": f"{store}/{admin.get('name')}"} if store else {})})
        for admin in params["admins"] or []
    ]


def _with_defaults(admin: Params, defaults: Params) -> Params:
    given = {o: v for o, v in admin.items() if v not in (None, "") or o in CLEARABLE["admins"]}
    return {**admin, **defaults, **given}


def _items(option: str, given: list[Mapping[str, Any]]) -> Iterator[Params]:
    resource = LISTS[option]
    names: set[str] = set()
    for number, item in enumerate(given, 1):
        place = f"{option}, item {number}"
        try:
            params = resource.prepare(ITEMS[option].validate(item, CLEARABLE[option])[0])
        except InvalidOptions as error:
            raise InvalidOptions(f"{place}: {error.why}", error.remedy) from None
        problems = resource.problems(params)
        if params["name"] in names:
            problems.append(f'"{params["name"]}" is listed twice')
        if problems:
            raise InvalidOptions(f"{place}: {' and '.join(problems)}", "correct the item")
        names.add(params["name"])
        yield params


def references(params: Params) -> dict[str, str]:
    """Return the secret reference of each administrator that has one, by name."""
    return {admin["name"]: admin["secret_ref"] for admin in params["admins"] if admin["secret_ref"]}


def grant(task: Task, outcome: Outcome) -> None:
    """Converge profiles, REST API administrators and keys in the order of their dependencies."""
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
    """What earlier steps changed, or in check mode would change, about the administrators."""

    def __init__(self) -> None:
        self.created: set[str] = set()
        self.released: Counter[str] = Counter()

    def note(self, name: str, difference: Mapping[str, Any]) -> None:
        """Record the diff of a step on an administrator."""
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
    """Return all steps in order. Raises Conflict if a purge would exceed its limit."""
    profiles = [Step(admin_profile.PROFILE, params) for params in task.options["profiles"]]
    admins = [Step(api_admin.ADMIN, params) for params in task.options["admins"]]
    keyed = [params for params in task.options["admins"] if params["secret_ref"]]
    keys = [Step(api_key.KEY, {**params, "recreate": task.options["recreate"]}, mint) for params in keyed]
    purged = {option: _purged(task, option) for option in LISTS}
    _refuse_too_many(task, [step for steps in purged.values() for step in steps])
    return [
        *(step for step in profiles if step.params["state"] == "present"),
        *admins,
        *keys,
        *purged["admins"],
        *(step for step in profiles if step.params["state"] == "absent"),
        *purged["profiles"],
    ]


def _purged(task: Task, option: str) -> list[Step]:
    """Return a step for each object that matches the pattern, is not listed, and is not built in."""
    if not task.options["purge"] or option not in task.options["listed"]:
        return []
    listed = {params["name"] for params in task.options[option]}
    resource = LISTS[option]
    wire = resource.fields["name"].wire
    names = [str(row.get(wire)) for row in task.appliance.table(resource)]
    unlisted = [
        name
        for name in names
        if name not in listed
        and name not in resource.built_in
        and fnmatchcase(name, task.options["purge_names"])
    ]
    return [Step(resource, {"name": name, "state": "absent"}) for name in unlisted]


def _refuse_too_many(task: Task, steps: list[Step]) -> None:
    limit = task.options["purge_limit"]
    if len(steps) > limit:
        raise Conflict(
            f"purge would delete {len(steps)} objects, but purge_limit is {limit}, so nothing was changed: "
            f"{', '.join(step.resource.title(step.name) for step in steps)}",
            "check these objects, then increase purge_limit or narrow purge_names",
        )


def _entries(step: Step, part: Outcome) -> list[dict[str, Any]]:
    """Return the result's entry about an object, for a key with the values that may be shown."""
    shown = {name: part.values[name] for name in SHOWN_OF_A_KEY} if step.work is mint else {}
    return [{**entry, **shown} for entry in part.objects or []]
