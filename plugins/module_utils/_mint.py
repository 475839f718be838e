# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that an appliance invents and shows once.

The order is the point: store readable, appliance read, store proven writable, mint, persist, read back,
try once where that is harmless, and only then current. Private to this collection: may change at any time.
"""

from __future__ import annotations

from typing import Any

from ._converge import Job, difference, observe
from ._errors import ApplianceError, Conflict, NotFound, Refused, Unsupported, attempting
from ._secrets import KNOWN_AFTER_APPLY, Keeper, Secret, shown


def mint(job: Job) -> dict[str, Any]:
    """Keep the stored secret of an object, or mint it; with ``state: absent`` remove the object and it."""
    stored = _keeper(job).stored()
    have = observe(job)
    if job.params.get("state") == "absent":
        return _remove(job, stored, have)
    reason = _why_mint(job, stored, have)
    if reason is not None:
        return _mint_anew(job, stored, reason)
    if stored is not None and stored.pending:
        return _finish(job, stored)
    return _report(job, stored, stored)


def adopt(job: Job) -> dict[str, Any]:
    """Prove once, by a documented call, a secret that an operator put into the store."""
    stored = _keeper(job).stored()
    if stored is None:
        raise Conflict(
            f"the store holds nothing under {_keeper(job).ref}, and no public interface creates {job.title}: "
            "generate it in the appliance's web interface and store it there, or give endpoints"
        )
    if stored.verified_at:
        return _report(job, stored, stored)
    if job.check_mode:
        return _report(job, stored, stored, changed=True)
    _prove(job, stored)
    return _report(job, stored, _keeper(job).commit(verified=True), changed=True)


def _keeper(job: Job) -> Keeper:
    return job.keepers["secret_ref"]


def _why_mint(job: Job, stored: Secret | None, have: dict[str, Any] | None) -> str | None:
    """Return why a secret has to be minted, None to keep the stored one."""
    if job.resource.on_parent:
        return _why_mint_on_parent(job, stored, have)
    if have is None:
        return "the appliance has none"
    if stored is None:
        raise Conflict(
            f"{job.title} exists, but the store holds nothing under {_keeper(job).ref}, and its value was "
            "shown only once. Store the value if you have it, or delete the object (state: absent) first"
        )
    return None


def _why_mint_on_parent(job: Job, stored: Secret | None, have: dict[str, Any] | None) -> str | None:
    if have is None:
        if not job.check_mode:
            with attempting(f"minting {job.title}"):
                raise NotFound("the object it belongs to does not exist: create that first")
        job.notes.append(f"{job.title} is predicted as if an earlier task creates the object it belongs to")
        return "the object it belongs to is new"
    if stored is None:
        return "the store holds none"
    recreate = job.params["recreate"]
    if recreate == "invalid" and _probe(job, stored.value)[0] == "invalid":
        return "the appliance refuses the stored one"
    return "recreate is always" if recreate == "always" else None


def _mint_anew(job: Job, stored: Secret | None, reason: str) -> dict[str, Any]:
    if job.check_mode:
        return _report(job, stored, None, changed=True, reason=reason)
    _keeper(job).reserve()
    fresh = _persist(job, _mint_once(job))
    return _report(job, stored, _verified(job, fresh), changed=True, minted=True, reason=reason)


def _mint_once(job: Job) -> str:
    """Mint; only a clear answer proves that nothing was minted and the reservation can go."""
    with attempting(f"minting {job.title}"):
        try:
            return job.api.mint(job.resource, job.key)
        except (Refused, Unsupported):
            _keeper(job).release()
            raise


def _persist(job: Job, value: str) -> Secret:
    try:
        return _keeper(job).persist(value)
    except ApplianceError as error:
        error.reason += (
            f". {job.title} was minted, but its value could not be kept and is lost: mend the store and run "
            "again. An object of its own has to be deleted first (state: absent)"
        )
        raise


def _finish(job: Job, stored: Secret) -> dict[str, Any]:
    current = stored if job.check_mode else _verified(job, stored)
    return _report(job, stored, current, changed=True, reason="an earlier run was interrupted")


def _verified(job: Job, fresh: Secret) -> Secret:
    """Try a value once where that proves something and spoils nothing, then make it current."""
    verdict, status = _probe(job, fresh.value) if job.resource.on_parent else ("unknown", None)
    if verdict == "invalid":
        with attempting(f"trying {job.title}"):
            raise Refused("it was just minted and is stored as pending, but is not accepted", status=status)
    return _keeper(job).commit(verified=verdict == "valid")


def _remove(job: Job, stored: Secret | None, have: dict[str, Any] | None) -> dict[str, Any]:
    if have is not None and not job.check_mode:
        with attempting(f"deleting {job.title}"):
            job.api.delete(job.resource, job.key)
    if not job.check_mode:
        _keeper(job).forget()
    return _report(job, stored, None, changed=have is not None or stored is not None)


def _prove(job: Job, stored: Secret) -> None:
    verdict, status = _probe(job, stored.value)
    if verdict != "valid":
        found = "does not accept it" if verdict == "invalid" else "gave an answer that proves nothing"
        with attempting(f"verifying {job.title}"):
            raise ApplianceError(f"the appliance {found}", status=status)
    job.notes.append(f"verifying {job.title} was a use of it: its time of last use proves no other caller")


def _probe(job: Job, value: str) -> tuple[str, int | None]:
    with attempting(f"trying {job.title}"):
        return job.api.probe(job.resource, job.key, value)


def _report(
    job: Job,
    before: Secret | None,
    after: Secret | None,
    *,
    changed: bool = False,
    minted: bool = False,
    reason: str | None = None,
) -> dict[str, Any]:
    then = {"fingerprint": after.fingerprint} if after else {}
    if reason and after is None:
        then = {"fingerprint": KNOWN_AFTER_APPLY}
    return {
        "changed": changed,
        "minted": minted,
        "reason": reason,
        **shown(_keeper(job).ref, after),
        "diff": difference(job, {"fingerprint": before.fingerprint} if before else {}, then),
    }
