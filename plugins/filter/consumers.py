# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who uses which access token of which sensor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Consumer = dict[str, Any]

BY_DEFAULT = "forescout"
"""The description of a token where nothing else is said."""


def token_consumers(platforms: Iterable[Mapping[str, Any]]) -> list[Consumer]:
    """Return the consumers that the variables of Forescout platforms tell of.

    A platform that names no sensor uses no token. ``works`` says whether it was judged to work in this run.
    """
    return [
        {
            "sensor": str(platform["forescout_module_sensor"]),
            "description": str(platform.get("forescout_module_token_description", BY_DEFAULT)),
            "works": _state(platform) == "working",
        }
        for platform in platforms
        if platform.get("forescout_module_sensor")
    ]


def consumed_tokens(consumers: Iterable[Mapping[str, Any]], sensor: str) -> list[dict[str, str]]:
    """Return the tokens that are used of one sensor; with no consumers at all, the one by default."""
    known = list(consumers)
    used = [each["description"] for each in known if each["sensor"] == sensor] if known else [BY_DEFAULT]
    return [{"description": description} for description in dict.fromkeys(used)]


def _state(platform: Mapping[str, Any]) -> str | None:
    judged = platform.get("forescout_module_verdict") or {}
    return judged["verdict"]["state"] if judged else None


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"token_consumers": token_consumers, "consumed_tokens": consumed_tokens}
