# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document `decisions.json`, whose schema is beside this file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from . import catalogue, device_types
from .decide import Decided, Decision

VERSION = 1
EXIT_CODES = {"decided": 0, "capped": 3, "unreadable": 4}


@dataclass(frozen=True)
class Origin:
    """Where a document comes from. ``mode`` is propose or enforce, ``generated_at`` a text in UTC."""

    collection: str
    site: str
    mode: str
    generated_at: str


def document(origin: Origin, decided: Decided) -> dict[str, Any]:
    """Return the document of one run for one site."""
    return {
        "version": VERSION,
        **asdict(origin),
        "catalogue": {"alerts": catalogue.SOURCE_DATE, "device_types": device_types.SOURCE_DATE},
        "outcome": decided.outcome,
        "exit_code": EXIT_CODES[decided.outcome],
        "counts": decided.counts,
        "exceeded": decided.exceeded,
        "unread": [{"sensor": sensor, "answer": answer} for sensor, answer in decided.unread],
        "ended": [{"sensor": sensor, "alert": alert} for sensor, alert in decided.ended],
        "decisions": [_row(each) for each in decided.decisions],
        "entries": decided.entries,
    }


def _row(decision: Decision) -> Mapping[str, Any]:
    return {
        "sensor": decision.sensor,
        "alert": decision.alert,
        "device": decision.device,
        "address": decision.address,
        "decision": decision.decision,
        "reason": decision.reason,
        "matched": decision.is_matched,
    }
