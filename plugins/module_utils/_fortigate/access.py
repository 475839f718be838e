# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access of an integration to a FortiGate as one task: profiles, REST API administrators and keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from .._engine.apply import converge
from .._engine.errors import Conflict, InvalidOptions, TaskError
from .._engine.resource import LOST_BYTES, Resource
from .._engine.rotate import compare
from .._engine.table_cache import TableCache
from .._engine.task import Outcome, Task, observe, read_object
from .._minting.mint import mint, prepare_secret
from .._minting.secret_change import SecretChange
from .._module.arguments import ONE_TIME_SECRET, STATE, Arguments
from . import admin_profile, api_admin, api_key
from .admin_profile import RESPOND
from .inventory_trust import InventoryTrust, inventory_trust, remember

Params = dict[str, Any]

SHOWN_OF_A_KEY = ("minted", "secret_ref", "fingerprint", "created_at", "verified_at")
"""The values of a key in the result, besides ``accepted`` if the task verifies keys."""

OF_EVERY_STEP = ("allow_self_change", "rotate_only", "verify_keys")
"""The options of the task that apply to every step."""

LISTS: dict[str, Resource] = {"profiles": admin_profile.PROFILE, "admins": api_admin.ADMIN}
"""The resource of each list option."""

KEY_OPTIONS = {
    **api_key.SECRET_REF,
    **{name: ONE_TIME_SECRET[name] for name in ("rotation_id", "max_age")},
    "recreate": {name: rule for name, rule in api_key.RECREATE["recreate"].items() if name != "default"},
}
"""The options of a key in an item of ``admins``. Without its own ``recreate``, that of the task applies."""

ITEMS = {
    "profiles": Arguments({**STATE, **admin_profile.PRESET, **admin_profile.PROFILE.argument_spec()}),
    "admins": Arguments({**STATE, **api_admin.ADMIN.argument_spec(), **KEY_OPTIONS}),
}
"""The options of one item of each list."""

SHARED = {name: ITEMS["admins"].spec[name] for name in ("trusted_hosts", "rotation_id")}
"""Options of the task that apply to every administrator without a value of its own."""

OF_ADMINS = {**SHARED, "inventory_hosts": {"type": "dict"}, "control_nodes": SHARED["trusted_hosts"]}
"""The same, the hosts that those may come from, and the trusted hosts of accounts for control nodes."""

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

    ``listed`` names the lists that are set, even if they are empty: only these can be purged. ``followers``
    names the administrators whose trusted hosts come from the inventory.
    """
    given = {**params, "admins": _completed(params)}
    lists = {option: list(_items(option, given[option] or [])) for option in LISTS}
    _refuse_shared_references(lists["admins"])
    listed = [option for option in lists if params[option] is not None]
    return {**params, **lists, "listed": listed, "followers": _followers(params)}


def _followers(params: Params) -> list[str]:
    if params["inventory_hosts"] is None or params["trusted_hosts"] is None:
        return []
    own = _profiles_for_control_nodes(params)
    return [
        str(each.get("name"))
        for each in params["admins"] or []
        if each.get("trusted_hosts") in (None, "") and each.get("profile") not in own
    ]


def _profiles_for_control_nodes(params: Params) -> set[str]:
    return {str(each.get("name")) for each in params["profiles"] or [] if each.get("preset") == RESPOND}


def _completed(params: Params) -> list[Params]:
    """Return the administrators with the shared options that they do not set. Raises InvalidOptions."""
    shared = {name: params[name] for name in SHARED if params[name] is not None}
    store = params["secret_store"]
    own = _profiles_for_control_nodes(params)
    completed = []
    for number, admin in enumerate(params["admins"] or [], 1):
        defaults = {**shared, **({"secret_ref": f"{store}/{admin.get('name')}"} if store else {})}
        if admin.get("profile") in own and admin.get("state") != "absent":
            defaults |= _trusted_control_nodes(params, admin, f"admins, item {number}")
        completed.append(_with_defaults(admin, defaults))
    return completed


def _trusted_control_nodes(params: Params, admin: Params, place: str) -> Params:
    """Return the default trusted hosts of an account for control nodes: other clients must not get it."""
    if admin.get("trusted_hosts") or not (params["trusted_hosts"] or params["control_nodes"]):
        return {}
    if not params["control_nodes"]:
        raise InvalidOptions(
            f'{place}: the profile of "{admin.get("name")}" has the preset {RESPOND}, which is for control '
            "nodes only, but neither control_nodes nor trusted_hosts of this administrator is set",
            "set trusted_hosts of this administrator, or control_nodes (in the role fortigate_access, "
            "fortigate_access_provisioning_trusted_hosts), to the addresses of the control nodes",
        )
    return {"trusted_hosts": params["control_nodes"]}


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


def _refuse_shared_references(admins: list[Params]) -> None:
    """Raise InvalidOptions for two administrators with one reference: the store keeps one key under it."""
    names: dict[str, str] = {}
    for number, admin in enumerate(admins, 1):
        ref, name = admin["secret_ref"], admin["name"]
        if ref and names.setdefault(ref, name) != name:
            raise InvalidOptions(
                f'admins, item {number}: "{name}" has the same secret_ref as "{names[ref]}", {ref}, which '
                "keeps only one key",
                "set another secret_ref for one of them",
            )


def references(params: Params) -> dict[str, str]:
    """Return the secret reference of each administrator that has one, by name."""
    return {admin["name"]: admin["secret_ref"] for admin in params["admins"] if admin["secret_ref"]}


def grant(task: Task, outcome: Outcome) -> None:
    """Converge profiles, REST API administrators and keys in the order of their dependencies.

    Before the first write on the FortiGate, every key is planned, and the keys to mint are reserved in their
    stores. So no administrator is created whose key cannot be stored, and no interruption leaves a void key
    in use.
    """
    task = replace(task, appliance=TableCache(task.appliance))
    outcome.objects, outcome.diff, released = [], [], Counter[str]()
    outcome.values["trusted_hosts"] = _trusted_hosts(task.options["admins"])
    steps = _steps(task)
    keys = {step.name: _prepared_key(task, step, outcome) for step in steps if step.work is mint}
    trusts = {
        step.name: _inventory_trust(task, step, keys) for step in steps if _follows_inventory(task, step)
    }
    with _reserved(keys):
        remember(task, trusts, is_done=False)
        for step in [_with_trust(step, trusts, outcome) for step in steps]:
            part = _carry_out(task, step, keys, outcome, released)
            outcome.objects += _entries(step, part)
            if part.changed:
                outcome.changed = True
                outcome.diff.append(part.diff)
            if step.resource is api_admin.ADMIN and part.diff:
                released.update(_released_profile(part.diff))
        remember(task, trusts, is_done=True)


def _follows_inventory(task: Task, step: Step) -> bool:
    is_wanted = step.resource is api_admin.ADMIN and step.params["state"] == "present"
    return is_wanted and step.name in task.options["followers"]


def _inventory_trust(task: Task, step: Step, keys: Mapping[str, SecretChange]) -> InventoryTrust:
    """Compare the administrator with the inventory, and with what the record of its key knows."""
    inventory = {str(name): str(at) for name, at in task.options["inventory_hosts"].items()}
    task = replace(task, resource=step.resource, options=step.params)
    there = (observe(task, read_object(task)) or {}).get("trusted_hosts", [])
    recorded = keys[step.name].trusted if step.name in keys else None
    return inventory_trust(there, step.params["trusted_hosts"], recorded, inventory)


def _with_trust(step: Step, trusts: Mapping[str, InventoryTrust], outcome: Outcome) -> Step:
    """Return a step that keeps the trusted hosts whose removal nothing declares, and warn of them."""
    if step.resource is not api_admin.ADMIN or step.name not in trusts:
        return step
    trust = trusts[step.name]
    title = step.resource.title(step.name)
    outcome.warnings += [f"{title} {warning}" for warning in trust.warnings()]
    return replace(step, params={**step.params, "trusted_hosts": list(trust.now)})


def _trusted_hosts(admins: list[Params]) -> list[str]:
    """Return the declared trusted hosts of all administrators."""
    wanted = [api_admin.ADMIN.desired(params) for params in admins if params["state"] == "present"]
    return sorted({host for each in wanted for host in each.get("trusted_hosts") or ()})


def _prepared_key(task: Task, step: Step, outcome: Outcome) -> SecretChange:
    """Plan a key from the FortiGate's state before the task's first write."""
    task = replace(task, resource=api_admin.ADMIN, options=_options(task, step))
    is_new = step.params["state"] == "present" and read_object(task) is None
    secrets = {"secret_ref": task.secrets[step.name]}
    task = replace(task, resource=step.resource, secrets=secrets, parent_is_new=is_new)
    return prepare_secret(task, Outcome(warnings=outcome.warnings))


@contextmanager
def _reserved(keys: Mapping[str, SecretChange]) -> Iterator[None]:
    """Reserve the keys to mint. If the task fails, withdraw the reservations that are still unused."""
    try:
        for key in keys.values():
            key.reserve_early()
        yield
    except TaskError:
        for key in keys.values():
            key.withdraw()
        raise


def _carry_out(
    task: Task, step: Step, keys: Mapping[str, SecretChange], outcome: Outcome, released: Mapping[str, int]
) -> Outcome:
    """Carry out one step. ``released`` counts the administrators that a profile has lost, by its name."""
    if step.work is mint:
        keys[step.name].finish()
        return keys[step.name].outcome
    is_admin = step.resource is api_admin.ADMIN
    creating = keys[step.name].creating_parent if is_admin and step.name in keys else nullcontext
    part = Outcome(warnings=outcome.warnings)
    work = compare if task.options["rotate_only"] else step.work
    work(
        replace(
            task,
            resource=step.resource,
            options=_options(task, step),
            secrets={},
            released=0 if is_admin else released[step.name],
            creating=creating,
        ),
        part,
    )
    return part


def _options(task: Task, step: Step) -> Params:
    return {**step.params, **{name: task.options[name] for name in OF_EVERY_STEP}}


def _released_profile(difference: Mapping[str, Any]) -> list[str]:
    """Return the profile that a step took from an administrator, or in check mode would take."""
    before, after = difference["before"], difference["after"]
    return [before["profile"]] if before and before["profile"] != after.get("profile") else []


def _steps(task: Task) -> list[Step]:
    """Return all steps in order. Raises Conflict if a purge would exceed its limit."""
    profiles = [Step(admin_profile.PROFILE, params) for params in task.options["profiles"]]
    admins = [Step(api_admin.ADMIN, params) for params in task.options["admins"]]
    keyed = [params for params in task.options["admins"] if params["secret_ref"]]
    keys = [Step(api_key.KEY, {**params, "recreate": _recreate(task, params)}, mint) for params in keyed]
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


def _recreate(task: Task, params: Params) -> str:
    return str(params["recreate"] or task.options["recreate"])


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
    _refuse_lost_bytes(resource, unlisted)
    return [Step(resource, {"name": name, "state": "absent"}) for name in unlisted]


def _refuse_lost_bytes(resource: Resource, names: list[str]) -> None:
    lost = [resource.title(name) for name in names if LOST_BYTES.search(name)]
    if lost:
        raise Conflict(
            f"{lost[0]} matches purge_names, but its name has bytes that are not UTF-8, so no request can "
            "delete it, and nothing was changed",
            "delete or rename it on the FortiGate, or narrow purge_names",
        )


def _refuse_too_many(task: Task, steps: list[Step]) -> None:
    limit = task.options["purge_limit"]
    if len(steps) > limit and not task.options["rotate_only"]:
        raise Conflict(
            f"purge would delete {len(steps)} objects, but purge_limit is {limit}, so nothing was changed: "
            f"{', '.join(step.resource.title(step.name) for step in steps)}",
            "check these objects, then increase purge_limit or narrow purge_names",
        )


def _entries(step: Step, part: Outcome) -> list[dict[str, Any]]:
    """Return the result's entry about an object, for a key with the values that may be shown."""
    if step.work is not mint:
        return part.objects or []
    shown = {name: part.values[name] for name in (*SHOWN_OF_A_KEY, "accepted") if name in part.values}
    return [{**entry, **shown} for entry in part.objects or []]
