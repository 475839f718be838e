# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors that a task reports as one message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LARGEST_CODE = 10**9


Reason = tuple[str, str]
"""Why something failed, and what to do: the arguments of a TaskError."""


class TaskError(Exception):
    """A task failed: ``attempt`` is what failed, ``why`` the cause, ``remedy`` what the operator can do.

    ``why`` is one clause without a period, ``remedy`` an imperative clause. :func:`attempting` sets
    ``attempt``.
    """

    outcome = "failed"
    attempt = "the task"

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(why, remedy)
        self.why = why
        self.remedy = remedy

    @property
    def reason(self) -> str:
        """The cause and the remedy as one clause."""
        return f"{self.why}; {self.remedy}" if self.remedy else self.why

    def __str__(self) -> str:
        return self.reason

    def sentence(self, host: str) -> str:
        """Return the message: ``HOST: what failed (status): why; what to do``."""
        return f"{host}: {self.attempt} {self.outcome}: {self.reason}"


class InvalidOptions(TaskError):
    """The options are invalid whatever the appliance's state is. Raised before the first request."""

    attempt = "checking the options"


class Conflict(TaskError):
    """The desired state cannot be reached from the current state."""

    attempt = "planning the change"


class ApplianceError(TaskError):
    """An operation on an appliance did not succeed.

    ``status`` is the HTTP status, ``code`` the appliance's own error number, ``path`` the request's path.
    Each is None if there was none.
    """

    def __init__(
        self,
        why: str,
        remedy: str = "",
        *,
        status: int | None = None,
        code: int | None = None,
        path: str | None = None,
    ) -> None:
        super().__init__(why, remedy)
        self.status = status
        # An appliance may put anything where its error number belongs.
        self.code = code if isinstance(code, int) and abs(code) < LARGEST_CODE else None
        self.path = path

    def sentence(self, host: str) -> str:
        """Return the message, with the HTTP status and the appliance's error number."""
        numbers = ", ".join(str(number) for number in (self.status, self.code) if number is not None)
        answered = f"{self.outcome} ({numbers})" if numbers else self.outcome
        return f"{host}: {self.attempt} {answered}: {self.reason}"

    @property
    def failure(self) -> dict[str, Any]:
        """The result's ``failure``: status, code and path."""
        return {"status": self.status, "code": self.code, "path": self.path}


class Refused(ApplianceError):
    """The appliance understood the request and refused it."""


class Locked(Refused):
    """The appliance refuses all requests from this source address for a while. Never retried."""


class NotFound(ApplianceError):
    """The object that the task depends on does not exist."""


class Unreachable(ApplianceError):
    """There is no usable connection. The appliance's state is unknown."""


class Unsupported(ApplianceError):
    """The appliance, or its known interface, has no such operation."""

    outcome = "is not supported"


class SecretStoreError(ApplianceError):
    """The secret store could not be read or written. An unreadable store never counts as empty."""


class Overtaken(SecretStoreError):
    """Another run changed the record since it was read. Nothing was overwritten."""


@contextmanager
def attempting(attempt: str) -> Iterator[None]:
    """Set ``attempt`` of a TaskError raised inside. The innermost attempt is kept."""
    try:
        yield
    except TaskError as error:
        if "attempt" not in vars(error):
            error.attempt = attempt
        raise
