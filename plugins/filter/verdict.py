# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the evidence about an integration allows to be said: working, never_called or unknown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Result = Mapping[str, Any]


def fortinet_verdict(access: Result) -> dict[str, str]:
    """Judge whether sensors call a FortiGate, from what a run in check mode says of their access.

    FortiOS documents no time of last use of a key, so nothing that can be read proves a call.
    """
    if _unread(access):
        return _verdict("unknown", f"the FortiGate could not be read: {access.get('msg', 'no answer')}")
    missing = {each["kind"] for each in access["objects"] if each["action"] == "create"}
    if "admin" in missing:
        return _verdict("never_called", "the API admin does not exist, so no sensor can have logged in")
    if "key" in missing:
        return _verdict("never_called", "the store holds no API key, so no sensor can have been given one")
    drifted = [f"{each['kind']} {each['name']}" for each in access["objects"] if each["changed"]]
    there = f"not as declared: {', '.join(drifted)}" if drifted else "API admin and key are in place"
    return _verdict(
        "unknown",
        f"{there}; FortiOS documents no time of last use, "
        "so look for the sensor's logins under Log & Report > System Events",
    )


def forescout_verdict(tokens: Result, platform: Result, description: str) -> dict[str, str]:
    """Judge whether a Forescout platform calls its sensor, from the *Used* column of its token.

    ``tokens`` is what the sensor shows, ``platform`` what a run in check mode says of the settings.
    """
    if _unread(tokens):
        return _verdict("unknown", "Used could not be read; look at it under System settings > Access tokens")
    found = [token for token in tokens.get("tokens", []) if token["description"] == description]
    if len(found) != 1:
        state = "unknown" if found else "never_called"
        return _verdict(state, f'the sensor has {len(found)} tokens described "{description}"')
    return _judged(found[0]["used"], platform)


def _judged(used: str | None, platform: Result) -> dict[str, str]:
    if used is None:
        return _verdict("never_called", "Used is N/A: no call with this token was ever received")
    if platform.get("changed"):
        return _verdict("unknown", f"Used is {used}, but the platform does not hold what is declared")
    proved_at = platform.get("verified_at")
    if proved_at and not _is_later(used, proved_at):
        return _verdict("unknown", f"Used is {used}, which may be this collection's own proving call")
    return _verdict("working", f"Used is {used}")


def _unread(result: Result) -> bool:
    return any(result.get(flag) for flag in ("failed", "unreachable", "skipped")) or not result


def _is_later(used: str, verified_at: str) -> bool:
    """Compare, where the appliance's time can be read at all: its format is not documented."""
    try:
        times = [datetime.fromisoformat(text) for text in (used, verified_at)]
    except ValueError:
        return False
    used_at, proof = (time if time.tzinfo else time.replace(tzinfo=UTC) for time in times)
    return used_at > proof


def _verdict(state: str, evidence: str) -> dict[str, str]:
    return {"state": state, "evidence": evidence}


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"fortinet_verdict": fortinet_verdict, "forescout_verdict": forescout_verdict}
