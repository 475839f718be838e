# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that an appliance invents and shows once.

The order is the point: store readable, appliance read, store proven writable, mint, persist, read back,
try once where that is harmless, and only then current. What an interrupted run has left is finished or
cleared away first. Private to this collection: may change at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .apply import Job, difference, object_entry
from .errors import ApplianceError, Conflict, Overtaken, Refused, SecretStoreError, Unsupported, attempting
from .minted import OnParent, Standalone, Subject, probe
from .secret import KNOWN_AFTER_APPLY, Pending, Secret, SecretEntry, StoredSecret, shown

INTERRUPTED = "an earlier run was interrupted"


def mint(job: Job) -> dict[str, Any]:
    """Keep the stored secret of an object, or mint it; with ``state: absent`` remove the object and it."""
    held = _keeper(job).read()
    refuse_if_minting(job, held)
    if job.check_mode and job.params.get("replaced") and held.current is not None:
        return _foresee_retirement(job, held)
    subject: Subject = (OnParent if job.resource.on_parent else Standalone)(job)
    if job.params.get("state") == "absent":
        return _remove(job, held, subject)
    if held.pending is not None:
        return _resume(job, held, held.pending, subject)
    if held.previous is not None and job.params.get("previous") == "absent":
        return _retire(job, held, subject)
    return _keep_or_mint(job, held, subject)


def adopt(job: Job) -> dict[str, Any]:
    """Prove once, by a documented call, a secret that an operator put into the store."""
    held = _keeper(job).read()
    refuse_if_minting(job, held)
    if held.current is None:
        raise Conflict(
            f"the store holds nothing under {_keeper(job).ref}, and no public interface creates {job.title}: "
            "generate it in the appliance's web interface and store it there, or give endpoints"
        )
    if held.current.verified_at:
        return _report(job, held, held.current)
    if job.check_mode:
        return _report(job, held, held.current, changed=True)
    _prove(job, held.current)
    return _report(job, held, _keeper(job).prove(), changed=True)


def _keeper(job: Job) -> SecretEntry:
    return job.keepers["secret_ref"]


def refuse_if_minting(job: Job, held: StoredSecret) -> None:
    if held.pending is not None and held.pending.is_minting:
        with attempting(f"minting {job.title}"):
            raise SecretStoreError(
                f"{held.pending.owner} is at it, as {_keeper(job).ref} says: run again when it is done"
            )


def _keep_or_mint(job: Job, held: StoredSecret, subject: Subject) -> dict[str, Any]:
    reason = subject.why_mint(held)
    if reason is not None:
        return _mint_anew(job, held, subject, reason)
    return _report(job, held, held.current)


def _resume(job: Job, held: StoredSecret, pending: Pending, subject: Subject) -> dict[str, Any]:
    """Finish what an earlier run has left if its value is stored and good, else clear it away and go on."""
    verdict = subject.judged(pending)
    if pending.secret is not None and verdict != "invalid":
        return _finish(job, held, pending.secret, subject, verdict)
    if not job.check_mode and not job.resource.on_parent:
        # Two runs may find the same remains: only the one that takes them over may clear them away.
        _keeper(job).reserve(pending.known)
    subject.clear(held)
    left = StoredSecret(current=subject.survivor(held), previous=held.previous)
    if not job.check_mode and left.current is not None:
        _keeper(job).release()
    reason = subject.why_mint(left) if left.current else f"{INTERRUPTED}, and what it minted is lost"
    if reason is None:
        return _report(job, held, left.current, changed=True, reason=INTERRUPTED)
    return _mint_anew(job, left, subject, reason)


def _finish(job: Job, held: StoredSecret, fresh: Secret, subject: Subject, verdict: str) -> dict[str, Any]:
    old = subject.outlives(held)
    current = fresh if job.check_mode else _commit(job, subject, fresh, verdict, old)
    return _report(job, held, current, changed=True, reason=INTERRUPTED, previous=old or held.previous)


def _mint_anew(job: Job, held: StoredSecret, subject: Subject, reason: str) -> dict[str, Any]:
    subject.require()
    old = subject.outlives(held)
    if old is not None and held.previous is not None:
        raise Conflict(f"{job.title} still has a previous value: end that rotation first (previous: absent)")
    kept = old or held.previous
    if job.check_mode:
        return _report(job, held, None, changed=True, reason=reason, previous=kept)
    _keeper(job).reserve(subject.known())
    value, id_ = _mint_once(job)
    fresh = _persist(job, subject, value, id_)
    current = _commit(job, subject, fresh, _tried(job, subject, fresh), old)
    return _report(job, held, current, changed=True, minted=True, reason=reason, previous=kept)


def _mint_once(job: Job) -> tuple[str, Any]:
    """Mint; only a clear answer proves that nothing was minted and the reservation can go."""
    with attempting(f"minting {job.title}"):
        try:
            return job.api.mint(job.resource, job.key)
        except (Refused, Unsupported):
            _keeper(job).release()
            raise


def _persist(job: Job, subject: Subject, value: str, id_: Any) -> Secret:
    """Store a value that exists nowhere else; if that fails, save what can be saved and say how to go on."""
    try:
        return _keeper(job).persist(value, id_, job.params.get("rotation_id"))
    except SecretStoreError as error:
        path = _keeper(job).escrow(value)
        undone = subject.undo(id_)
        if undone and not isinstance(error, Overtaken):
            _release_if_possible(job)
        error.reason += _recipe(job, path, undone)
        raise


def _release_if_possible(job: Job) -> None:
    try:
        _keeper(job).read()
        _keeper(job).release()
    except SecretStoreError:
        pass


def _recipe(job: Job, path: str | None, undone: bool) -> str:
    kept = f"it was saved, encrypted, in {path}" if path else "it could not be saved anywhere"
    again = "; the appliance has deleted it again" if undone else ""
    use = f"\n3. To use the saved one until then: ansible-vault view {path}" if path and not undone else ""
    return (
        f". {job.title} was minted, but its value is not in the store: {kept}{again}"
        f"\n1. Mend the store of {_keeper(job).ref}.\n2. Run again: a new one is minted.{use}"
    )


def _tried(job: Job, subject: Subject, fresh: Secret) -> str:
    """Try a value once where that proves something and spoils nothing."""
    verdict, status = subject.try_once(fresh)
    if verdict == "invalid":
        with attempting(f"trying {job.title}"):
            raise Refused("it was just minted and is stored as pending, but is not accepted", status=status)
    return verdict


def _commit(job: Job, subject: Subject, fresh: Secret, verdict: str, old: Secret | None) -> Secret:
    id_ = fresh.id if fresh.id is not None else subject.found_id()
    return _keeper(job).commit(verified=verdict == "valid", id_=id_, keep_previous=old is not None)


def _retire(job: Job, held: StoredSecret, subject: Subject) -> dict[str, Any]:
    """Delete the previous secret once the current one was seen in use, or is gone itself."""
    if subject.outlives(held) is not None and not subject.is_in_use(held):
        job.notes.append(f"the previous {job.resource.label} is kept: the current one was never used yet")
        return _report(job, held, held.current)
    subject.retire(held)
    if not job.check_mode:
        _keeper(job).retire()
    left = StoredSecret(current=held.current)
    result = _keep_or_mint(job, left, subject)
    reason = result["reason"] or "the current one is in use"
    if not result["changed"]:
        gone = {"previous": held.previous.fingerprint} if held.previous else {}
        result["objects"] = [object_entry(job, "update", gone, {}, reason=reason)]
    return {**result, "changed": True, "reason": reason}


def _foresee_retirement(job: Job, held: StoredSecret) -> dict[str, Any]:
    """Predict what follows a replacement that was itself only predicted: the value still stored will go."""
    reason = "the one that replaces it is predicted to be used by then"
    result = _report(job, held, None, changed=job.params["previous"] == "absent", reason=reason)
    gone = {"previous": held.current.fingerprint if held.current else None}
    action = "update" if result["changed"] else "none"
    return {**result, "objects": [object_entry(job, action, gone, {}, reason=reason)]}


def _remove(job: Job, held: StoredSecret, subject: Subject) -> dict[str, Any]:
    there = subject.exists()
    subject.delete_all(held)
    if not job.check_mode:
        _keeper(job).forget()
    return _report(job, StoredSecret(current=held.current), None, changed=there or held != StoredSecret())


def _prove(job: Job, secret: Secret) -> None:
    verdict, status = probe(job, secret.value)
    if verdict != "valid":
        found = "does not accept it" if verdict == "invalid" else "gave an answer that proves nothing"
        with attempting(f"verifying {job.title}"):
            raise ApplianceError(f"the appliance {found}", status=status)
    job.notes.append(f"verifying {job.title} was a use of it: its time of last use proves no other caller")


def _report(
    job: Job,
    held: StoredSecret,
    after: Secret | None,
    *,
    changed: bool = False,
    minted: bool = False,
    reason: str | None = None,
    previous: Secret | None = None,
) -> dict[str, Any]:
    before, old = held.current, previous or held.previous
    then = {"fingerprint": after.fingerprint} if after else {}
    if reason and after is None:
        then = {"fingerprint": KNOWN_AFTER_APPLY}
    was = {"fingerprint": before.fingerprint} if before else {}
    return {
        "changed": changed,
        "objects": [object_entry(job, _action(was, then) if changed else "none", was, then, reason=reason)],
        "minted": minted,
        "reason": reason,
        **shown(_keeper(job).ref, after),
        **({"value": after.value} if after and job.params.get("return_secret") else {}),
        **({} if job.resource.on_parent else {"previous": old.fingerprint if old else None}),
        "diff": difference(job, was, then),
    }


def _action(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Name a change; one that leaves the value is one to its place in the store, or to its predecessor."""
    if not after:
        return "delete"
    if not before:
        return "mint"
    return "update" if after == before else "rotate"
