# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a minted secret hangs on: an object of its own, or another object that has one secret.

Private to this collection: may change at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from .apply import Job, complete, observe, refuse_self_change
from .errors import ApplianceError, Conflict, NotFound, attempting
from .moment import moment_or_none, now
from .secret import Pending, Secret, StoredSecret

LISTED_WITHIN = timedelta(minutes=2)
"""How long an appliance may take to list what it has just created (assumed: nothing is documented)."""


class Subject(Protocol):
    """What on the appliance a secret belongs to, as it was read when the task began."""

    def __init__(self, job: Job) -> None:
        """Read it."""

    def exists(self) -> bool:
        """Say whether it is there."""

    def require(self) -> None:
        """Raise where nothing can or may be minted. Raises NotFound and Conflict."""

    def known(self) -> list[str]:
        """Return the ids of what is there, to tell it from what is minted next."""

    def why_mint(self, held: StoredSecret) -> str | None:
        """Return why a secret has to be minted, None to keep the current one. Raises Conflict."""

    def judged(self, pending: Pending) -> str:
        """Say of what an interrupted run has stored whether it is valid, invalid or unknown."""

    def survivor(self, held: StoredSecret) -> Secret | None:
        """Return the value that is still good after a minting was interrupted."""

    def outlives(self, held: StoredSecret) -> Secret | None:
        """Return the current value if it stays good when another is minted."""

    def clear(self, held: StoredSecret) -> None:
        """Delete what an interrupted run has minted and lost; in check mode only look past it."""

    def undo(self, id_: Any) -> bool:
        """Delete what was minted a moment ago; say whether that worked."""

    def found_id(self) -> str | None:
        """Return the id of what was minted a moment ago, None where it cannot be told."""

    def try_once(self, fresh: Secret) -> tuple[str, int | None]:
        """Try a fresh value where that is harmless: verdict and status, as Appliance.probe."""

    def is_in_use(self, held: StoredSecret) -> bool:
        """Say whether the appliance has seen the current value in use."""

    def retire(self, held: StoredSecret) -> None:
        """Delete what the previous value belongs to, if it is there; in check mode only look past it."""

    def delete_all(self, held: StoredSecret) -> None:
        """Delete everything that the task's key names; in check mode only look. Raises Conflict."""


class Standalone:
    """A secret with an entry of its own, of which several may exist at once, such as an access token."""

    def __init__(self, job: Job) -> None:
        """Read the entries that have the task's key."""
        self.job = job
        with attempting(f"reading {job.title}"):
            rows = job.api.table(job.resource)
            described = [complete(job.resource.described, row) for row in rows]
        self.rows = [row for row, seen in zip(rows, described) if seen[job.resource.key] == job.key]
        self.finished: str | None = None

    def exists(self) -> bool:
        """Say whether there is an entry."""
        return bool(self.rows)

    def require(self) -> None:
        """Accept: an entry can always be made."""

    def known(self) -> list[str]:
        """Return the ids of the entries."""
        return [_id(row) for row in self.rows]

    def why_mint(self, held: StoredSecret) -> str | None:
        """Mint where there is no entry; never guess which of several is ours."""
        if held.current is None:
            return self._why_first()
        if self._current(held) is None:
            self._refuse_if_just_made(held.current)
            return "the appliance has none"
        self._note_strangers(held)
        return due(self.job, held.current)

    def judged(self, pending: Pending) -> str:
        """Trust a stored value that is listed: trying it would count as a use."""
        if pending.secret is None:
            return "invalid"
        entry = _entry([row for row in self.rows if _id(row) not in pending.known], pending.secret.id)
        if entry is None:
            self._refuse_if_just_made(pending.secret)
            return "invalid"
        self.finished = _id(entry)
        return "unknown"

    def survivor(self, held: StoredSecret) -> Secret | None:
        """Keep the current value: minting another did not touch it."""
        return held.current

    def outlives(self, held: StoredSecret) -> Secret | None:
        """Return the current value while its entry is there. Raises where it may only not be listed yet."""
        if held.current is None or self._current(held) is not None:
            return held.current
        self._refuse_if_just_made(held.current)
        return None

    def clear(self, held: StoredSecret) -> None:
        """Delete the entries that were not there before the interrupted minting, never the current one."""
        known = held.pending.known if held.pending else ()
        ours = held.current.id if held.current else None
        for row in [row for row in self.rows if _id(row) not in (*known, str(ours))]:
            self._drop(row)

    def undo(self, id_: Any) -> bool:
        """Delete the entry just made, which is known by its id or by not having been there."""
        try:
            made = self._made_since() if id_ is None else self._made_as(id_)
            for row in made:
                self._delete(row)
        except ApplianceError:
            return False
        return bool(made)

    def found_id(self) -> str | None:
        """Look for the one entry that was not there before; a list that lags gives none."""
        if self.finished is not None:
            return self.finished
        try:
            made = self._made_since()
        except ApplianceError:
            return None
        return _id(made[0]) if len(made) == 1 else None

    def try_once(self, fresh: Secret) -> tuple[str, int | None]:
        """Try nothing: it would count as a use, the evidence that somebody else calls."""
        return "unknown", None

    def is_in_use(self, held: StoredSecret) -> bool:
        """Say whether the entry of the current value shows a time of last use."""
        row = self._current(held)
        return bool(row and row.get("used"))

    def retire(self, held: StoredSecret) -> None:
        """Delete the entry of the previous value, but never the current one."""
        others = [row for row in self.rows if row is not self._current(held)]
        row = _entry(others, held.previous.id if held.previous else None)
        if row is not None:
            self._drop(row)

    def delete_all(self, held: StoredSecret) -> None:
        """Delete the entries that are ours, or the only one; of others a person has to decide."""
        ours = [str(secret.id) for secret in (held.current, held.previous) if secret is not None]
        known = [*ours, *(held.pending.known if held.pending else self.known())]
        strangers = [row for row in self.rows if _id(row) in known and _id(row) not in ours]
        if strangers and len(self.rows) > 1:
            raise self._ambiguous(self.rows)
        for row in list(self.rows):
            self._drop(row)

    def _why_first(self) -> str | None:
        if self.rows:
            raise Conflict(
                f"{self.job.title} exists, but the store holds nothing under "
                f"{self.job.keepers['secret_ref'].ref}, and its value was shown only once. Store it if you "
                "have it, or delete the object (state: absent) first"
            )
        return "the appliance has none"

    def _current(self, held: StoredSecret) -> dict[str, Any] | None:
        """Return the entry of the current value. Raises Conflict where it cannot be told from others."""
        if held.current is None:
            return None
        rows = [row for row in self.rows if self._may_be_current(row, held)]
        if held.current.id is None and len(rows) > 1:
            raise self._ambiguous(rows)
        return _entry(rows, held.current.id)

    def _note_strangers(self, held: StoredSecret) -> None:
        """Name the entries that nobody here has the value of, such as one that was lost and listed late."""
        ours = [str(secret.id) for secret in (held.current, held.previous) if secret is not None]
        ids = [_id(row) for row in self.rows if _id(row) not in ours]
        if ids and held.current is not None and held.current.id is not None:
            self.job.notes.append(
                f"{self.job.title} exists besides as {', '.join(ids)}, whose value is not in the store: "
                "delete that on the appliance if nobody uses it"
            )

    def _ambiguous(self, rows: list[dict[str, Any]]) -> Conflict:
        ids = ", ".join(_id(row) for row in rows)
        return Conflict(f"{self.job.title} exists {len(rows)} times (ids {ids}): delete all but one")

    def _may_be_current(self, row: dict[str, Any], held: StoredSecret) -> bool:
        if held.previous is not None and _id(row) == str(held.previous.id):
            return False
        return held.pending is None or _id(row) in held.pending.known

    def _made_since(self) -> list[dict[str, Any]]:
        before = self.known()
        return [row for row in Standalone(self.job).rows if _id(row) not in before]

    def _made_as(self, id_: Any) -> list[dict[str, Any]]:
        """Return the entry that an appliance says it has made, whether or not it is listed yet."""
        return [] if str(id_) in self.known() else [{"id": id_, self.job.resource.key: self.job.key}]

    def _refuse_if_just_made(self, secret: Secret) -> None:
        """A list may lag behind: minting once more for that would leave an orphan."""
        made = moment_or_none(secret.created_at)
        if made is not None and now() - made < LISTED_WITHIN:
            with attempting(f"reading {self.job.title}"):
                raise ApplianceError(
                    "it was made moments ago and is not listed yet: run again in two minutes"
                )

    def _drop(self, row: dict[str, Any]) -> None:
        if not self.job.check_mode:
            self._delete(row)
        self.rows.remove(row)

    def _delete(self, row: dict[str, Any]) -> None:
        with attempting(f"deleting {self.job.title}"):
            self.job.api.delete(self.job.resource, self.job.key, row)


def _id(row: Mapping[str, Any]) -> str:
    """Return an entry's id as text: an answer may give the number that a list gives as text."""
    return str(row["id"])


def _entry(rows: list[dict[str, Any]], id_: Any) -> dict[str, Any] | None:
    """Return the entry with an id, or where none is known the only entry."""
    if id_ is None:
        return rows[0] if len(rows) == 1 else None
    return next((row for row in rows if _id(row) == str(id_)), None)


class OnParent:
    """The one secret of an object that stays, such as the API key of a REST API admin."""

    def __init__(self, job: Job) -> None:
        """Read the object."""
        self.job = job
        self.parent = observe(job)

    def exists(self) -> bool:
        """Say whether the object is there; whether it has a secret cannot be seen."""
        return False

    def require(self) -> None:
        """Raise where there is no object, unless an earlier task of a check-mode run would make it.

        Raises Conflict where the account in use may be the object: another secret would lock it out.
        """
        if self.job.fresh:
            return
        if self.parent is not None:
            refuse_self_change(self.job)
        elif not self.job.check_mode:
            with attempting(f"minting {self.job.title}"):
                raise NotFound("the object it belongs to does not exist: create that first")
        else:
            self.job.notes.append(
                f"{self.job.title} is predicted as if an earlier task creates the object it belongs to"
            )

    def known(self) -> list[str]:
        """Return nothing: the secret has no id."""
        return []

    def why_mint(self, held: StoredSecret) -> str | None:
        """Mint where the store holds none, or where the current one is due or refused."""
        if self.parent is None or self.job.fresh:
            return "the object it belongs to is new"
        if held.current is None:
            return "the store holds none"
        if self.job.params["recreate"] == "invalid":
            return self._why_refused(held.current)
        return due(self.job, held.current)

    def judged(self, pending: Pending) -> str:
        """Try a stored value; none is good for an object that is new."""
        if pending.secret is None or self.parent is None or self.job.fresh:
            return "invalid"
        return probe(self.job, pending.secret.value)[0]

    def survivor(self, held: StoredSecret) -> Secret | None:
        """Keep nothing: the first thing minting does is to make the current value worthless."""
        return None

    def outlives(self, held: StoredSecret) -> Secret | None:
        """Return nothing: another value replaces the current one at once."""
        return None

    def clear(self, held: StoredSecret) -> None:
        """Leave what is there: minting anew replaces it."""

    def undo(self, id_: Any) -> bool:
        """Delete the object if this task has created it; else give up: the old value is worthless."""
        if not self.job.fresh:
            return False
        try:
            self.job.api.delete(self.job.resource, self.job.key)
        except ApplianceError:
            return False
        return True

    def found_id(self) -> str | None:
        """Return nothing: the secret has no id."""
        return None

    def try_once(self, fresh: Secret) -> tuple[str, int | None]:
        """Try the value; the transport knows where a refusal would prove nothing."""
        return probe(self.job, fresh.value)

    def is_in_use(self, held: StoredSecret) -> bool:
        """Know nothing: no time of last use is documented."""
        return False

    def retire(self, held: StoredSecret) -> None:
        """Leave the object."""

    def delete_all(self, held: StoredSecret) -> None:
        """Leave the object."""

    def _why_refused(self, current: Secret) -> str | None:
        verdict, status = probe(self.job, current.value)
        if verdict == "invalid":
            return "the appliance refuses the stored one"
        if verdict == "unknown":
            answer = "could not be tried from here" if status is None else f"was answered with {status}"
            self.job.notes.append(f"{self.job.title} {answer}, which proves nothing: it is kept")
        return due(self.job, current)


def probe(job: Job, value: str) -> tuple[str, int | None]:
    """Try a value once on the appliance."""
    with attempting(f"trying {job.title}"):
        return job.api.probe(job.resource, job.key, value)


def due(job: Job, current: Secret) -> str | None:
    """Return why the task's options want a new value in place of a good one."""
    if job.params["recreate"] == "always":
        return "recreate is always"
    rotation_id = job.params.get("rotation_id")
    if rotation_id and rotation_id != current.rotation_id:
        return f"rotation_id is {rotation_id}"
    made, max_age = moment_or_none(current.created_at), job.params.get("max_age")
    if made is not None and max_age is not None and now() - made > timedelta(days=max_age):
        return f"it is older than {max_age} days"
    return None
