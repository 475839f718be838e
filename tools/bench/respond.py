# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures the decision which addresses to block: `make bench-respond`."""

from __future__ import annotations

import os
import statistics
import time
from datetime import UTC, datetime
from typing import Any

from plugins.plugin_utils._respond.decide import decide
from plugins.plugin_utils._respond.document import Origin, document
from plugins.plugin_utils._respond.rules import Rules
from plugins.plugin_utils._respond.site import Reading

ALERTS, DEVICES, ROUNDS = 10_000, 5_000, 5
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
TYPES = ("Unknown", "Unknown", "HMI", "PLC", "Workstation", "Server", "Router", "Printer")


def main() -> None:
    """Print the median and the spread of several rounds."""
    reading = Reading(
        "sensor", [_alert(each) for each in range(ALERTS)], [], list(map(_device, range(DEVICES)))
    )
    origin = Origin("otsec.defender_iot bench", "site", "propose", "2026-11-27T12:00:00Z")
    spent = []
    for _round in range(ROUNDS):
        started = time.process_time()
        document(origin, decide([reading], [], Rules(), [], NOW))
        spent.append(time.process_time() - started)
    print(
        f"{ALERTS:,} alerts and {DEVICES:,} devices: {statistics.median(spent):.2f} CPU seconds "
        f"({min(spent):.2f}-{max(spent):.2f}) in {ROUNDS} rounds, load {os.getloadavg()[0]:.2f}"
    )


def _alert(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "time": "2026-11-27T11:00:00Z",
        "title": "Suspicion of Conficker Malware",
        "message": "a message",
        "engine": "malware",
        "source_device": number % DEVICES,
        "additional_information": None,
    }


def _device(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"device-{number}",
        "type": TYPES[number % len(TYPES)],
        "ip_addresses": [f"10.{number // 250}.0.{number % 250 + 1}"],
    }


if __name__ == "__main__":
    main()
