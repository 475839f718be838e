# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removes the former consumers of a secret from its record in the store."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .._engine.apply import apply
from .._engine.secret import Secret, SecretEntry
from .._engine.task import Outcome, Task, difference, object_entry
from .secret_change import entry_of


def abandon(task: Task, outcome: Outcome, hosts: Collection[str]) -> None:
    """Record that some hosts no longer use the task's secret.

    A token is deleted only if all its recorded consumers are known, so a host that no longer exists would
    keep it forever.
    """
    entry = entry_of(task)
    current = entry.read().current
    known = _consumers(current) if current else []
    gone = [each for each in known if each.rpartition("/")[0] in hosts]
    if not gone:
        return
    before, after = {"consumers": known}, {"consumers": [each for each in known if each not in gone]}
    apply(task, ConsumersToForget(entry, gone))
    if not outcome.changed:
        outcome.changed = True
        reason = f"no longer used by {', '.join(hosts)}"
        outcome.objects = [object_entry(task, "update", before, after, reason=reason)]
        outcome.diff = difference(task, before, after)


@dataclass(frozen=True)
class ConsumersToForget:
    """The consumers that leave the record of a secret."""

    entry: SecretEntry
    consumers: Collection[str]

    def foresee(self) -> None:
        """Return None: there is nothing to refuse."""

    def carry_out(self) -> None:
        """Remove them."""
        self.entry.abandoned(self.consumers)


def _consumers(secret: Secret) -> list[str]:
    return sorted({*secret.consumers, *secret.delivered})
