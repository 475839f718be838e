# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recordings of a browser on the lab's shuffled appliances, in the repository and new."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .lab import Lab

KEPT = Path(__file__).resolve().parents[1] / "fixtures" / "recordings"
SENSOR, FORESCOUT = "recorded-sensor", "recorded-forescout"
ADDRESS = "192.0.2.11"
DESCRIPTION = "forescout"
# The sensor also has an older, used token, because the format of a time is not visible otherwise.
OLDER = "historian"


def appliances() -> list[dict[str, Any]]:
    """Return the appliances of a lab to record. The recordings in the repository fit the default seed."""
    shuffled = {"names": "shuffled"}
    return [
        {"name": SENSOR, "kind": "sensor", "address": ADDRESS, "options": shuffled},
        {
            "name": FORESCOUT,
            "kind": "forescout",
            "address": "192.0.2.21",
            "options": {**shuffled, "poll_interval": 86400},
        },
    ]


def record(lab: Lab, folder: Path, pictures: Path | None = None) -> None:
    """Follow the tutorial in a real browser. Write HAR files, and the values that were typed and shown."""
    from . import browser

    sensor, forescout = (lab.appliances[name] for name in (SENSOR, FORESCOUT))
    with browser.opened() as chromium:
        with browser.recorded(chromium, sensor["url"]) as page:
            used = browser.make_token(page, sensor["credentials"], OLDER)
        lab.call(SENSOR, "GET", "/api/v1/devices", headers={"Authorization": used}).raise_for_status()
        with browser.recorded(chromium, sensor["url"], folder / "sensor.har") as page:
            token = browser.make_token(page, sensor["credentials"], DESCRIPTION, pictures)
        with browser.recorded(chromium, forescout["url"], folder / "forescout.har") as page:
            browser.apply_settings(page, forescout["credentials"], ADDRESS, token, pictures)
    values = {
        "sensor": {**sensor["credentials"], "token": token, "description": DESCRIPTION, "version": "24.1.0"},
        "forescout": {**forescout["credentials"], "token": token, "server_address": ADDRESS},
    }
    (folder / "values.json").write_text(json.dumps(values, indent=2) + "\n")
    maps = {"sensor": lab.endpoint_map(SENSOR), "forescout": lab.endpoint_map(FORESCOUT)}
    (folder / "maps.json").write_text(json.dumps(maps, indent=2) + "\n")
