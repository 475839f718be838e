# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which platforms use which access tokens, and which tokens may be deleted.

A token is deleted only if every platform that it was ever assigned to is in the inventory, and now uses
another one or is decommissioned. A platform that is merely missing from the inventory may still use its
token.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ..plugin_utils._inventory.groups import DECOMMISSIONED

Consumer = dict[str, Any]
Stored = Mapping[str, Any]

BY_DEFAULT = "forescout"
"""The description of a token if none is declared."""

KEPT = "__sensor_tokens_kept"
SEEN = "sensor_tokens_seen"
ITEM = "__sensor_tokens_item"
"""The variables of a sensor with its tokens, and the token of each result."""

SHOWN = 10
"""Maximum number of sensors in a message."""

NO_MAP = "there is no endpoint map to delete it; delete it manually, then in the store"
UNRECORDED = "the store does not record which platforms use it"


def token_consumers(platforms: Iterable[Mapping[str, Any]]) -> list[Consumer]:
    """Return the consumers that the variables of Forescout platforms declare.

    A platform without a sensor uses no token. ``works`` is true if this run verified the integration as
    working, ``settled`` if its settings were read and are in the desired state. The ``sensor`` of a
    decommissioned platform is empty, ``left`` is the one that it had, and ``works`` is true if this run
    cleared its settings.
    """
    return [
        _decommissioned(platform) if is_decommissioned(platform) else _in_use(platform)
        for platform in platforms
        if platform.get("forescout_module_sensor")
    ]


def is_decommissioned(host: Mapping[str, Any]) -> bool:
    """Return whether the variables of a host say that it is no longer to be used."""
    return DECOMMISSIONED in host.get("group_names", ())


def _in_use(platform: Mapping[str, Any]) -> Consumer:
    return {
        "name": str(platform["inventory_hostname"]),
        "sensor": str(platform["forescout_module_sensor"]),
        "description": str(platform.get("forescout_module_token_description", BY_DEFAULT)),
        "works": _state(platform) == "working",
        "settled": _is_settled(platform.get("__forescout_module_result") or {}),
    }


def _decommissioned(platform: Mapping[str, Any]) -> Consumer:
    is_cleared = _succeeded(platform.get("__forescout_module_result") or {})
    consumer = _in_use(platform)
    return {**consumer, "sensor": "", "left": consumer["sensor"], "works": is_cleared, "settled": is_cleared}


def consumed_tokens(consumers: Iterable[Mapping[str, Any]], sensor: str) -> list[dict[str, str]]:
    """Return the tokens used on one sensor, or the default token if there are no consumers at all."""
    known = list(consumers)
    used = [each["description"] for each in known if each["sensor"] == sensor] if known else [BY_DEFAULT]
    return [{"description": description} for description in dict.fromkeys(used)]


def unused_token_names(
    consumers: Iterable[Mapping[str, Any]], wanted: Iterable[Mapping[str, Any]], seen: Mapping[str, Any]
) -> list[str]:
    """Return the descriptions of tokens that a sensor may have and does not need.

    ``seen`` is the result of reading the sensor's tokens in this run, or empty. Of those, descriptions that
    lead to another place in the secret store are left out: they are not of this collection.
    """
    possible = [BY_DEFAULT, *(each["description"] for each in consumers)]
    listed = [each["description"] for each in seen.get("tokens") or []]
    possible += [each for each in listed if not {"", ".", ".."} & set(each.split("/"))]
    needed = {each["description"] for each in wanted}
    return [each for each in dict.fromkeys(possible) if each not in needed]


def sensors_to_search(
    sensors: Iterable[str], platforms: Iterable[Mapping[str, Any]], hostvars: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return the sensors that may have tokens that no platform uses, as far as this run has read.

    To look for such tokens in the store takes a task for each sensor, and most sensors have none.
    """
    consumers = token_consumers(platforms)
    return [sensor for sensor in sensors if _may_have_unused(consumers, hostvars[sensor])]


def _may_have_unused(consumers: Sequence[Consumer], sensor: Mapping[str, Any]) -> bool:
    kept = (sensor.get(KEPT) or {}).get("results") or ()
    wanted = [each[ITEM] for each in kept if ITEM in each]
    seen = sensor.get(SEEN) or listed_tokens(sensor.get(KEPT) or {})
    return bool(unused_token_names(consumers, wanted, seen))


def listed_tokens(kept: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the last result with the sensor's list of tokens, else the sensor's last refusal, else {}.

    ``kept`` is the result of the task that creates the tokens of a sensor, or empty.
    """
    results = (kept.get("results") or [])[::-1]
    listed = [each for each in results if "tokens" in each]
    return next(iter(listed + [each for each in results if _is_refusal(each)]), {})


def _is_refusal(result: Mapping[str, Any]) -> bool:
    """Return whether the appliance is unreachable or answered with an error, so a retry would fail too."""
    return bool(result.get("unreachable") or (result.get("failure") or {}).get("status"))


def unread_sensors(sensors: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the sensors whose tokens this run has not listed, and which did not refuse that."""
    return [each for each in sensors if not listed_tokens(hostvars[each].get(KEPT) or {})]


def replaced_tokens(kept: Mapping[str, Any]) -> list[str]:
    """Return the descriptions of the tokens that a run has replaced, or in check mode would replace.

    ``kept`` is the result of the task that creates the tokens of a sensor, or empty.
    """
    return [each[ITEM]["description"] for each in kept.get("results") or () if each.get("reason")]


def known_tokens(
    consumers: Iterable[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]], seen: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Return the wanted tokens, and those that a sensor may have and does not need."""
    others = unused_token_names(consumers, wanted, seen)
    return [*wanted, *({"description": description} for description in others)]


def unused_tokens(
    stored: Iterable[Stored],
    consumers: Sequence[Mapping[str, Any]],
    sensor: str,
    sensors: Sequence[str],
) -> list[dict[str, Any]]:
    """Return the stored tokens that a sensor does not need, each with its consumers.

    ``reason`` is why the token must be kept. It is empty after all consumers were moved or decommissioned.
    ``sensors`` are the sensors in the inventory.
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
    """Return the descriptions of the tokens to ``delete``, and one sentence for each token to ``keep``.

    ``predicted`` is true in check mode, which assumes that every platform works with its new sensor.
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
    """Return the platforms that may still use the previous value of a replaced token.

    The sensor's time of last use proves the delivery of the new value only if the token has one consumer.
    """
    declared = {each.get("name"): each for each in consumers}
    return [
        name
        for token in stored
        for name, given in token["consumers"].items()
        if not _has_left(declared.get(name), given, token, sensor)
    ]


def sensor_error(platform: str, sensor: str, groups: Mapping[str, Sequence[str]]) -> str:
    """Return why a platform cannot use its sensor, or an empty text.

    Without a group ``sensors``, any host in the inventory is accepted.
    """
    gone = set(groups.get(DECOMMISSIONED, ()))
    sensors = [each for each in groups.get("sensors") or groups.get("all") or [] if each not in gone]
    if sensor in sensors:
        return ""
    close = get_close_matches(sensor, sensors, n=1)
    guess = f" (did you mean {close[0]}?)" if close and sensor not in gone else ""
    what = "is decommissioned" if sensor in gone else "is not a sensor in the inventory"
    return (
        f'{platform}: forescout_module_sensor is "{sensor}", which {what}; '
        f"set it to one of {_listed(sorted(sensors))}{guess}"
    )


def decommissioning_error(host: str, consumers: Iterable[Mapping[str, Any]]) -> str:
    """Return why a sensor cannot be decommissioned yet, or an empty text."""
    users = [str(each["name"]) for each in consumers if each["sensor"] == host]
    if not users:
        return ""
    platforms = _listed(users)
    return (
        f"{host}: it is decommissioned, but forescout_module_sensor of {platforms} names it; set another "
        f"sensor there and run otsec.defender_iot.forescout, or decommission {platforms} too"
    )


def uncleared_platforms_error(host: str, consumers: Iterable[Mapping[str, Any]]) -> str:
    """Return why the tokens of a decommissioned sensor cannot be deleted yet, or an empty text."""
    users = [str(each["name"]) for each in consumers if each.get("left") == host and not each["works"]]
    if not users:
        return ""
    return (
        f"{host}: this run has not cleared the settings of {_listed(users)}, which would lose the token; run "
        "again without --limit, or with a limit that includes these platforms"
    )


def _why_kept(
    token: Stored, declared: Mapping[Any, Mapping[str, Any]], sensor: str, sensors: Sequence[str]
) -> Iterator[str]:
    if not token["consumers"]:
        yield UNRECORDED
    for name in sorted(token["consumers"]):
        consumer = declared.get(name)
        if consumer is None:
            yield f"its consumer {name} is not in the inventory or has no forescout_module_sensor"
        elif not consumer["sensor"]:
            if not consumer["works"]:
                yield f"{name} is decommissioned, and its settings were not cleared in this run"
        elif consumer["sensor"] not in sensors:
            named = f'forescout_module_sensor of {name} is "{consumer["sensor"]}"'
            yield f"{named}, which is not a sensor in the inventory"
        elif (consumer["sensor"], consumer["description"]) == (sensor, token["name"]):
            yield f"{name} uses it"


def _waiting(names: Sequence[str]) -> str:
    verb = "is" if len(names) == 1 else "are"
    return f"{', '.join(names)} {verb} not verified with another token yet; run again later" if names else ""


def _has_left(consumer: Mapping[str, Any] | None, given: str, token: Stored, sensor: str) -> bool:
    if consumer is None:
        return False
    alone = len(token["consumers"]) == 1 and consumer["sensor"] == sensor
    return alone or given == "current" or bool(consumer.get("settled")) or consumer["works"]


def _is_settled(result: Mapping[str, Any]) -> bool:
    """Return whether the settings were read back as declared. Those that an operator enters are not read."""
    return _succeeded(result) and "steps" not in result


def _succeeded(result: Mapping[str, Any]) -> bool:
    return bool(result) and not any(result.get(name) for name in ("failed", "unreachable", "skipped"))


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
            "sensors_to_search": sensors_to_search,
            "listed_tokens": listed_tokens,
            "unread_sensors": unread_sensors,
            "replaced_tokens": replaced_tokens,
            "known_tokens": known_tokens,
            "unused_tokens": unused_tokens,
            "unused_token_plan": unused_token_plan,
            "previous_token_holders": previous_token_holders,
            "sensor_error": sensor_error,
            "decommissioning_error": decommissioning_error,
            "uncleared_platforms_error": uncleared_platforms_error,
        }
