# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store in memory that can break down, lie, or be written by another process at any moment."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    Overtaken,
    SecretStoreError,
)


class MemoryStore:
    """Holds one record under a version.

    ``reads`` and ``writes`` say in turn how each goes: ``ok``, ``fails``; a write may also be ``lost`` (it is
    carried out, but its answer does not come back) or ``lies`` (it says yes and keeps the old record).
    ``meddling`` holds in turn the writes of another process right before a write.
    """

    compare_and_set = True

    def __init__(
        self,
        record: Any = None,
        *,
        reads: Sequence[str] = (),
        writes: Sequence[str] = (),
        meddling: Sequence[Callable[[MemoryStore], None] | None] = (),
        events: list[str] | None = None,
    ) -> None:
        self.record = copy.deepcopy(record)
        self.version = 0
        self.reads = list(reads)
        self.writes = list(writes)
        self.meddling = list(meddling)
        self.events = [] if events is None else events

    def read(self) -> tuple[Any, str | None]:
        how = self._noted("read", self.reads)
        if how == "fails":
            raise SecretStoreError("cannot be read")
        return (None, None) if self.record is None else (copy.deepcopy(self.record), str(self.version))

    def write(self, record: Any, expected: str | None) -> str:
        self._set(record, expected)
        return str(self.version)

    def delete(self, expected: str | None) -> None:
        self._set(None, expected)

    def replace(self, record: Any) -> None:
        """Write as another process."""
        self.record, self.version = copy.deepcopy(record), self.version + 1

    def _set(self, record: Any, expected: str | None) -> None:
        meddle = self.meddling.pop(0) if self.meddling else None
        if meddle is not None:
            meddle(self)
        how = self._noted("write" if record is not None else "delete", self.writes)
        if how == "fails":
            raise SecretStoreError("no space left")
        if expected != (None if self.record is None else str(self.version)):
            raise Overtaken("it was changed after this run read it", "run again")
        if how != "lies":
            self.replace(record)
        if how == "lost":
            raise SecretStoreError("no answer")

    def _noted(self, verb: str, script: list[str]) -> str:
        self.events.append(f"store {verb}")
        return script.pop(0) if script else "ok"
