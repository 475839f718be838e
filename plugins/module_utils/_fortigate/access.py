# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access that an integration has to a FortiGate, as one task: profiles, API admins and their keys."""

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
from .._engine.rotate import compare
from .._engine.table_cache import TableCache
from .._engine.task import Outcome, Task
from .._module.arguments import ONE_TIME_SECRET, STATE, Arguments
from . import admin_profile, api_admin, api_key

Params = dict[str, Any]

SHOWN_OF_A_KEY = ("minted", "secret_ref", "fingerprint", "created_at", "verified_at")

OF_EVERY_STEP = ("allow_self_change", "rotate_only")
"""The options of the task that apply to every step."""

LISTS: dict[str, Resource] = {"profiles": admin_profile.PROFILE, "admins": api_admin.ADMIN}
"""The lists of the task, and what their items are."""

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
"""What the task says for every admin that does not say it itself."""

NONE_OF_ITS_OWN = frozenset({"secret_ref", "rotation_id"})
"""What an admin may be without although the task says it for all: it says so by an empty text."""

CLEARABLE = {"profiles": LISTS["profiles"].clearable, "admins": LISTS["admins"].clearable | NONE_OF_ITS_OWN}
"""The options of one item of each list that may be empty."""


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
    lists = {option: list(_items(option, given[option] or [])) for option in LISTS}
    return {**params, **lists, "listed": [option for option in lists if params[option] is not None]}


def _completed(params: Params) -> list[Params]:
    """Give each admin what the task says for all, where it says nothing itself."""
    shared = {name: params[name] for name in SHARED if params[name] is not None}
    store = params["secret_store"]
    return [
        _with_defaults(admin, {**shared, **({"secret_ref": f"{store}/{admin.get('name')}"} if store else {})})
        for admin in params["admins"] or []
    ]


def _with_defaults(admin: Params, defaults: Params) -> Params:
    """Give an admin what it does not say itself."""
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
        work = compare if task.options["rotate_only"] and step.work is converge else step.work
        work(_part(task, step, effects), part)
        outcome.objects += _entries(step, part)
        if part.changed:
            outcome.changed = True
            outcome.diff.append(part.diff)
        if step.resource is api_admin.ADMIN and part.diff:
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
        options={**step.params, **{name: task.options[name] for name in OF_EVERY_STEP}},
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
    """Return a step for each object that is in the pattern of names, is not listed, and is not built in."""
    if not task.options["purge"] or option not in task.options["listed"]:
        return []
    listed = {params["name"] for params in task.options[option]}
    resource = LISTS[option]
    wire = resource.fields["name"].wire
    names = [str(row.get(wire)) for row in task.appliance.table(resource)]
    doomed = [
        name
        for name in names
        if name not in listed
        and name not in resource.built_in
        and fnmatchcase(name, task.options["purge_names"])
    ]
    return [Step(resource, {"name": name, "state": "absent"}) for name in doomed]


def _refuse_too_many(task: Task, steps: list[Step]) -> None:
    limit = task.options["purge_limit"]
    if len(steps) > limit and not task.options["rotate_only"]:
        raise Conflict(
            f"purge would remove {len(steps)} objects, more than purge_limit ({limit}), so nothing was "
            f"changed: {', '.join(step.resource.title(step.name) for step in steps)}"
        )


def _entries(step: Step, part: Outcome) -> list[dict[str, Any]]:
    """Return the entry about an object, and of a key what may be shown."""
    shown = {name: part.values[name] for name in SHOWN_OF_A_KEY} if step.work is mint else {}
    return [{**entry, **shown} for entry in part.objects or []]
