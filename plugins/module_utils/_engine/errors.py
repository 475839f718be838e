# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong between a task and an appliance, as exceptions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LARGEST_CODE = 10**9


class InvalidOptions(Exception):
    """The task's options cannot be right, whatever the appliance holds. Raised before the first request."""


class Conflict(Exception):
    """What is wanted cannot be reached from what is there, for example if an option is missing."""


class ApplianceError(Exception):
    """An attempt on an appliance did not end as it should have.

    ``status`` is the HTTP status, ``code`` the appliance's own error number, ``path`` the path that was
    called; each is None where there was none. ``attempt`` is filled in by :func:`attempting`.
    """

    outcome = "failed"

    def __init__(
        self, reason: str, *, status: int | None = None, code: int | None = None, path: str | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        # An appliance may answer anything where its error number should be.
        self.code = code if isinstance(code, int) and abs(code) < LARGEST_CODE else None
        self.path = path
        self.attempt = ""

    def sentence(self, appliance: str) -> str:
        """Say what was attempted, on which appliance, and what it answered."""
        numbers = ", ".join(str(number) for number in (self.status, self.code) if number is not None)
        answered = f"{self.outcome} ({numbers})" if numbers else self.outcome
        return f"{appliance}: {self.attempt or 'the task'} {answered}: {self.reason}"

    @property
    def failure(self) -> dict[str, Any]:
        """The same for machines."""
        return {"status": self.status, "code": self.code, "path": self.path}


class Refused(ApplianceError):
    """The appliance understood the request and said no."""

    outcome = "was refused"


class Locked(Refused):
    """The appliance refuses this source for a while, whatever it sends. Never retried."""


class NotFound(ApplianceError):
    """The object that the task builds on does not exist."""


class Unreachable(ApplianceError):
    """No usable connection: nothing is known about the appliance's state."""


class Unsupported(ApplianceError):
    """The appliance, or what we know of its interface, has no such operation."""

    outcome = "is not possible"


class SecretStoreError(ApplianceError):
    """The secret store could not be read or written. An unreadable store is never taken for an empty one."""


class Overtaken(SecretStoreError):
    """Somebody else wrote the record since it was read; nothing was overwritten."""


@contextmanager
def attempting(attempt: str) -> Iterator[None]:
    """Name what is being attempted, in the words an error message starts with."""
    try:
        yield
    except ApplianceError as error:
        error.attempt = error.attempt or attempt
        raise
