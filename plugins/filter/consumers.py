# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who uses which access token of which sensor, and which tokens may be deleted.

A token is deleted only if every platform that it was ever assigned to is in the inventory and uses another
one now. A platform that is merely missing from the inventory may still use its token.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

Consumer = dict[str, Any]
Stored = Mapping[str, Any]

BY_DEFAULT = "forescout"
"""The description of a token where nothing else is said."""

SHOWN = 10
"""How many sensors a message lists."""

NO_MAP = "no endpoint map says how to delete it; delete it manually, and then in the store"
UNRECORDED = "the store does not say which platforms use it"


def token_consumers(platforms: Iterable[Mapping[str, Any]]) -> list[Consumer]:
    """Return the consumers that the variables of Forescout platforms declare.

    A platform that names no sensor uses no token. ``works`` says whether it was judged to work in this run,
    ``settled`` whether its settings were read and are as declared.
    """
    return [
        {
            "name": str(platform["inventory_hostname"]),
            "sensor": str(platform["forescout_module_sensor"]),
            "description": str(platform.get("forescout_module_token_description", BY_DEFAULT)),
            "works": _state(platform) == "working",
            "settled": _is_settled(platform.get("__forescout_module_result") or {}),
        }
        for platform in platforms
        if platform.get("forescout_module_sensor")
    ]


def consumed_tokens(consumers: Iterable[Mapping[str, Any]], sensor: str) -> list[dict[str, str]]:
    """Return the tokens that are used of one sensor; with no consumers at all, the one by default."""
    known = list(consumers)
    used = [each["description"] for each in known if each["sensor"] == sensor] if known else [BY_DEFAULT]
    return [{"description": description} for description in dict.fromkeys(used)]


def unused_token_names(
    consumers: Iterable[Mapping[str, Any]], wanted: Iterable[Mapping[str, Any]], seen: Mapping[str, Any]
) -> list[str]:
    """Return the descriptions that a sensor may have tokens under and does not need.

    ``seen`` is what was read of the sensor's tokens in this run, if anything.
    """
    possible = [BY_DEFAULT, *(each["description"] for each in consumers)]
    possible += [each["description"] for each in seen.get("tokens") or []]
    needed = {each["description"] for each in wanted}
    return [each for each in dict.fromkeys(possible) if each not in needed]


def unused_tokens(
    stored: Iterable[Stored],
    consumers: Sequence[Mapping[str, Any]],
    sensor: str,
    sensors: Sequence[str],
) -> list[dict[str, Any]]:
    """Return the stored tokens of a sensor that it does not need, each with its consumers.

    ``reason`` says why a token is kept in any case, and is empty after a declared move of all its consumers.
    ``sensors`` are the sensors of the inventory.
    """
    declared = {each.get("name"): each for each in consumers}
    described = {BY_DEFAULT, *(each["description"] for each in consumers)}
    return [
        {
            "description": each["name"],
            "consumers": sorted(each["consumers"]),
            "reason": "; ".join(_why_kept(each, declared, sensor, sensors)),
        }
        for each in stored
        if each["consumers"] or each["name"] in described
    ]


def unused_token_plan(
    unused: Iterable[Mapping[str, Any]],
    consumers: Iterable[Mapping[str, Any]],
    predicted: bool,
    deletable: bool,
) -> dict[str, list[str]]:
    """Return the tokens to ``delete``, and what to say of those that are kept (``keep``).

    ``predicted`` stands for check mode, in which every platform is taken to work with its new sensor.
    """
    working = {each.get("name") for each in consumers if each["works"] or predicted}
    plan: dict[str, list[str]] = {"delete": [], "keep": []}
    for token in unused:
        waiting = [name for name in token["consumers"] if name not in working]
        reason = token["reason"] or _waiting(waiting) or ("" if deletable else NO_MAP)
        if reason:
            plan["keep"].append(f"{token['description']}: kept, because {reason}")
        else:
            plan["delete"].append(token["description"])
    return plan


def previous_token_holders(
    stored: Iterable[Stored], consumers: Iterable[Mapping[str, Any]], sensor: str
) -> list[str]:
    """Return who may still use the value that a token had before it was replaced.

    The sensor's time of last use proves that the new value arrived only where the token has one consumer.
    """
    declared = {each.get("name"): each for each in consumers}
    return [
        name
        for token in stored
        for name, given in token["consumers"].items()
        if not _has_left(declared.get(name), given, token, sensor)
    ]


def sensor_error(platform: str, sensor: str, groups: Mapping[str, Sequence[str]]) -> str:
    """Say why a platform cannot use the sensor that it names, nothing if it can.

    Without a group ``sensors`` it may be any host of the inventory.
    """
    sensors = groups.get("sensors") or groups.get("all") or []
    if sensor in sensors:
        return ""
    close = get_close_matches(sensor, sensors, n=1)
    guess = f" Did you mean {close[0]}?" if close else ""
    return (
        f'forescout_module_sensor of {platform} is "{sensor}", which is not among the sensors of the '
        f"inventory: {_listed(sorted(sensors))}.{guess}"
    )


def _why_kept(
    token: Stored, declared: Mapping[Any, Mapping[str, Any]], sensor: str, sensors: Sequence[str]
) -> Iterator[str]:
    if not token["consumers"]:
        yield UNRECORDED
    for name in sorted(token["consumers"]):
        consumer = declared.get(name)
        if consumer is None:
            yield f"{name}, which it was assigned to, is not in the inventory or names no sensor"
        elif consumer["sensor"] not in sensors:
            named = f'forescout_module_sensor of {name} is "{consumer["sensor"]}"'
            yield f"{named}, which is no sensor of the inventory"
        elif (consumer["sensor"], consumer["description"]) == (sensor, token["name"]):
            yield f"{name} uses it"


def _waiting(names: Sequence[str]) -> str:
    verb = "is" if len(names) == 1 else "are"
    return (
        f"{', '.join(names)} {verb} not proved to work with another token yet; run again then"
        if names
        else ""
    )


def _has_left(consumer: Mapping[str, Any] | None, given: str, token: Stored, sensor: str) -> bool:
    if consumer is None:
        return False
    alone = len(token["consumers"]) == 1 and consumer["sensor"] == sensor
    return alone or given == "current" or bool(consumer.get("settled")) or consumer["works"]


def _is_settled(result: Mapping[str, Any]) -> bool:
    """Say whether the task that sets a platform has read back what is declared; an operator's is not read."""
    went_wrong = any(result.get(name) for name in ("failed", "unreachable", "skipped"))
    return bool(result) and not went_wrong and "steps" not in result


def _state(platform: Mapping[str, Any]) -> str | None:
    judged = platform.get("forescout_module_verdict") or {}
    return judged["verdict"]["state"] if judged else None


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "token_consumers": token_consumers,
            "consumed_tokens": consumed_tokens,
            "unused_token_names": unused_token_names,
            "unused_tokens": unused_tokens,
            "unused_token_plan": unused_token_plan,
            "previous_token_holders": previous_token_holders,
            "sensor_error": sensor_error,
        }
