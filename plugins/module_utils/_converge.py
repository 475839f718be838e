# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read, plan, act: the one place that knows check mode.

Private to this collection: may change at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ._appliance import Appliance
from ._errors import ApplianceError, Conflict, NotFound, Unsupported, attempting
from ._moment import as_text, now
from ._plan import Plan, overlay, plan
from ._resource import Incomplete, Resource
from ._secrets import ANOTHER_VALUE, KNOWN_AFTER_APPLY, Keeper, Secret, shown

DOING = {"create": "creating", "update": "updating", "delete": "deleting"}


@dataclass
class Job:
    """One task on one appliance: options already validated, transport ready but not yet used.

    ``keepers`` holds the keeper of each secret, by the option that names it. ``fresh`` says that an earlier
    step of the same task has created the object, or would, and ``released`` how many references to it those
    have ended, or would. ``notes`` become warnings, and what is ``told``
    is in the result even if the task fails.
    """

    resource: Resource
    params: Mapping[str, Any]
    api: Appliance
    check_mode: bool
    appliance: str
    keepers: Mapping[str, Keeper] = field(default_factory=dict)
    fresh: bool = False
    released: int = 0
    notes: list[str] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> Any:
        """Return the key of the object that the task is about."""
        return self.params.get(self.resource.key)

    @property
    def title(self) -> str:
        """Name that object in a sentence."""
        return self.resource.title(self.key)


def converge(job: Job) -> dict[str, Any]:
    """Bring one object to the wanted state, or in check mode say what that would take."""
    secrets = {option: _needed(job, option, by) for option, by in job.resource.secrets.items()}
    step = _planned(job, secrets)
    if step.changed and not job.check_mode:
        _act(job, step, secrets)
        secrets = {option: _needed(job, option, by) for option, by in job.resource.secrets.items()}
    action = step.action if step.changed else "none"
    result = {
        "changed": step.changed,
        "objects": [told(job, action, step.before, step.after)],
        "diff": difference(job, step.before, step.after),
    }
    for option, secret in secrets.items():
        result.update(shown(job.keepers[job.resource.secrets[option]].ref, secret))
        result["delivered_at"] = _delivered_at(job, secret)
    return {**result, job.resource.noun: dict(step.before if step.action == "delete" else step.after)}


def inform(job: Job) -> dict[str, Any]:
    """Return every object of a kind, or the named ones, in the options' own schema."""
    resource = job.resource
    if resource.singleton:
        return {"changed": False, resource.noun: observe(job)}
    with attempting(f"reading every {resource.kind}"):
        rows = [complete(resource.described, row) for row in job.api.table(resource)]
    names = job.params.get(f"{resource.key}s")
    kept = rows if names is None else [row for row in rows if row[resource.key] in names]
    return {"changed": False, f"{resource.noun}s": kept}


def difference(job: Job, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return a diff as Ansible shows it, headed by appliance and object."""
    header = f"{job.appliance}: {job.title}"
    return {"before_header": header, "after_header": header, "before": dict(before), "after": dict(after)}


def told(
    job: Job, action: str, before: Mapping[str, Any], after: Mapping[str, Any], **more: Any
) -> dict[str, Any]:
    """Say what becomes of the object; what it was and will be only where that differs: results stay small."""
    resource, changed = job.resource, action not in ("none", "unknown")
    entry = {
        "kind": resource.noun,
        "name": resource.kind if resource.singleton else str(job.key),
        "action": action,
        "changed": changed,
        **more,
    }
    return {**entry, "before": dict(before), "after": dict(after)} if changed else entry


def observe(job: Job) -> dict[str, Any] | None:
    """Return what the appliance holds in the user's words, None where the object does not exist."""
    return _observed(job, _read(job))


def _read(job: Job) -> dict[str, Any] | None:
    with attempting(f"reading {job.title}"):
        return job.api.read(job.resource, job.key)


def _observed(job: Job, raw: Mapping[str, Any] | None) -> dict[str, Any] | None:
    with attempting(f"reading {job.title}"):
        return None if raw is None else complete(job.resource.observed, raw)


def complete(read: Callable[[Mapping[str, Any]], Any], raw: Mapping[str, Any]) -> Any:
    """Translate what an appliance answered. Raises ApplianceError where it is not the whole object."""
    try:
        return read(raw)
    except Incomplete as missing:
        raise ApplianceError(
            f'the answer lacks a usable "{missing}": the account may see only a part of the object, '
            "so nothing can be said about the rest"
        ) from None


def _needed(job: Job, option: str, ref_option: str) -> Secret | None:
    """Return a secret that the object is given; only in check mode may it have yet to be minted."""
    if job.check_mode and job.params.get(f"{option}_replaced"):
        return None
    keeper = job.keepers[ref_option]
    secret = keeper.held().current
    if secret is None and not job.check_mode:
        with attempting(f"configuring {job.title}"):
            raise NotFound(f"the store holds no secret under {keeper.ref}")
    return secret


def _planned(job: Job, secrets: Mapping[str, Secret | None]) -> Plan:
    raw = _read(job)
    have = _observed(job, raw)
    want = job.resource.desired(job.params)
    for option, secret in secrets.items():
        want[option] = secret.fingerprint if secret else KNOWN_AFTER_APPLY
        if secret and have is not None:
            have[option] = _held(job, option, secret)
    step = plan(job.resource, have, want, job.params.get("state", "present"))
    if step.changed:
        _guard(job, step)
    if step.send:
        _fit(job, step, raw)
    return step


def _held(job: Job, option: str, secret: Secret) -> str | None:
    """Return the fingerprint of what the appliance holds, or was last given if it shows nothing."""
    holds = job.api.holds(job.resource, option, secret.value)
    if holds is None:
        return secret.delivered.get(consumer(job))
    return secret.fingerprint if holds else ANOTHER_VALUE


def _guard(job: Job, step: Plan) -> None:
    """Refuse what cannot be, or would lock the account in use out. Raises Conflict."""
    resource = job.resource
    if job.key in resource.fixed:
        raise Conflict(f"{job.title} is built in and cannot be changed")
    if step.action == "delete" and resource.guarded:
        refuse_self_change(job)
        _note_references(job)
    elif step.action == "update" and resource.guarded & step.send.keys():
        refuse_self_change(job)


def refuse_self_change(job: Job) -> None:
    """Raise Conflict where the account in use may be the object, unless the task allows that."""
    if job.params.get("allow_self_change"):
        return
    with attempting(f"looking whether {job.title} is the account in use"):
        own = job.api.is_own(job.resource, job.key)
    if own:
        raise Conflict(
            f"{job.title} may be the account that this task logs in with, or have given it its rights: "
            "changing it can lock you out. Use another account, or set allow_self_change: true"
        )


def _note_references(job: Job) -> None:
    """Say in check mode what the appliance would refuse, unless an earlier task changes that."""
    if not job.check_mode:
        return
    with attempting(f"looking what uses {job.title}"):
        count = job.api.references(job.resource, job.key) - job.released
    if count > 0:
        job.notes.append(
            f"{job.title} is predicted to be deleted as if earlier tasks end its use: "
            f"{count} objects of the appliance still refer to it"
        )


def _fit(job: Job, step: Plan, raw: Mapping[str, Any] | None) -> None:
    """Take the object's kind as this appliance has it. Raises Unsupported for what it does not have."""
    wanted = step.send if raw else step.after
    if raw is None and job.resource.varies_in(wanted):
        with attempting(f"reading every {job.resource.kind}"):
            raw = next(iter(job.api.table(job.resource)), None)
    job.resource = job.resource.on(job.api.version, raw)
    refused = job.resource.refused(wanted)
    if refused:
        with attempting(f"{DOING[step.action]} {job.title}"):
            runs = f"it runs {job.api.version}, and " if job.api.version else ""
            raise Unsupported(runs + "; ".join(refused))


def _delivered_at(job: Job, secret: Secret | None) -> str | None:
    """Return when the object began to be given the secret that it has."""
    if secret is None or secret.delivered.get(consumer(job)) != secret.fingerprint:
        return None
    return secret.delivered_at.get(consumer(job))


def consumer(job: Job) -> str:
    """Name the object that a secret is delivered to."""
    return f"{job.appliance}/{job.resource.noun}"


def _act(job: Job, step: Plan, secrets: Mapping[str, Secret | None]) -> None:
    began = as_text(now())
    with attempting(f"{DOING[step.action]} {job.title}"):
        if step.action == "delete":
            job.api.delete(job.resource, job.key)
            return
        values = {
            option: secret.value for option, secret in secrets.items() if secret and option in step.send
        }
        body = job.resource.sent({**step.send, **values})
        write = job.api.create if step.action == "create" else job.api.update
        write(job.resource, job.key, body)
    _confirm(job)
    for option, secret in secrets.items():
        if secret and option in step.send:
            job.keepers[job.resource.secrets[option]].delivered(consumer(job), secret.fingerprint, began)


def _confirm(job: Job) -> None:
    """Read back: an appliance, or a proxy before it, may say yes and keep something else."""
    held, want = observe(job) or {}, job.resource.desired(job.params)
    differing = sorted(
        option for option in want if overlay(held.get(option), want[option]) != held.get(option)
    )
    if differing:
        with attempting(f"writing {job.title}"):
            raise ApplianceError(
                f"it was accepted, but {' and '.join(differing)} read back different from what was sent; "
                "run again with --check --diff to see how"
            )
