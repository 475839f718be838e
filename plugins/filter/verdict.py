# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict about an integration that the evidence supports: working, never_called or unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from ..module_utils._engine.moment import as_text, lies_ahead, now, read_moment
from ..plugin_utils._inventory.groups import DECOMMISSIONED

Result = Mapping[str, Any]
Verdict = dict[str, Any]

NAMES = ("stored", "running", "installed", "supplied", "called")
"""The levels from L0 to L4."""

IN_MILLISECONDS = 10**11
"""The smallest number that is read as milliseconds. As seconds it would be in the year 5138."""

IN_PLACE = "REST API administrator and API key are in place"

COLUMNS = ("appliance", "state", "level", "since", "evidence")


class Level(NamedTuple):
    """One level: proved (True), refuted (False) or unknown (None), with its evidence and the time of it."""

    reached: bool | None
    evidence: str
    at: datetime | None = None


def fortinet_verdict(access: Result) -> Verdict:
    """Return the verdict about a FortiGate from the result of its access in check mode.

    FortiOS documents no time of last use of a key, so no readable data proves a call.
    """
    if _unread(access):
        evidence = f"the FortiGate could not be read: {access.get('msg', 'no response')}"
        return _verdict("unknown", "unreadable", evidence)
    missing = {each["kind"] for each in access["objects"] if each["action"] in ("create", "mint")}
    if "admin" in missing:
        evidence = "the REST API administrator does not exist, so no sensor can have logged in"
        return _verdict("never_called", "not_verified", evidence)
    if "key" in missing:
        evidence = "the store contains no API key, so no sensor can have one"
        return _verdict("never_called", "not_verified", evidence)
    drifted = [f"{each['kind']} {each['name']}" for each in access["objects"] if each["changed"]]
    keys = [each for each in access["objects"] if each["kind"] == "key"]
    rejected = [each["name"] for each in keys if each.get("accepted") is False]
    problems = [f"not in the desired state: {', '.join(drifted)}"] if drifted else []
    problems += [f"the FortiGate rejects the stored API key of {', '.join(rejected)}"] if rejected else []
    return _verdict(
        "unknown",
        "not_verified" if problems else "not_provable",
        f"{'; '.join(problems) or _in_place(keys)}; FortiOS documents no time of last use; "
        "check Log & Report > System Events for logins of the sensor",
    )


def _in_place(keys: Sequence[Mapping[str, Any]]) -> str:
    """Return what is known about keys that are stored, and of which none was rejected."""
    if not keys:
        return "the REST API administrator is in place, and its API key is not managed"
    untried = [each["name"] for each in keys if not each.get("accepted")]
    if untried:
        return f"{IN_PLACE}; the key of {', '.join(untried)} was not tried, or the answer proves nothing"
    return f"{IN_PLACE}; the FortiGate accepts the key"


def forescout_verdict(
    tokens: Result,
    platform: Result,
    description: str,
    host: Result | None = None,
    changed_at: str | None = None,
    max_age: float | None = None,
) -> Verdict:
    """Return the verdict about a Forescout platform, level by level.

    ``tokens`` is the sensor's list of tokens, ``platform`` the result of the settings in check mode, ``host``
    the Web API's labels and reference host. ``changed_at`` is the time at which an operator changed the
    settings, ``max_age`` the maximum age of the last call in seconds.
    """
    changed = _past(platform.get("delivered_at")) or _past(changed_at)
    levels = (
        _stored(platform),
        _running(platform),
        _installed(host or {}),
        _supplied(host or {}, changed),
        _called(tokens, platform, description, changed, max_age),
    )
    state, because = _state(levels)
    proofs = [level.at for level in because if level.at]
    since = {"working": max(proofs, default=None), "never_called": _past(platform.get("created_at"))}
    outcome = "verified" if state == "working" else "not_verified"
    if not platform or any(map(_went_wrong, (tokens, platform, host or {}))):
        outcome = "unreadable"
    evidence = "; ".join(level.evidence for level in because)
    return _verdict(state, outcome, evidence, since.get(state), levels)


def verification(
    hosts: Sequence[str], groups: Mapping[str, Sequence[str]], hostvars: Mapping[str, Result]
) -> Result:
    """Return the ``verdicts`` about the hosts that are FortiGates, Forescout platforms and FortiSIEMs.

    Decommissioned hosts have no verdict. Forescout platforms with policies have one about these too.
    ``unread`` are the names of the appliances, sensors too, of which this run has no result.
    """
    verdicts: list[Result] = []
    unread: list[str] = []
    for group, name in (
        ("fortigates", "fortigate_access_verdict"),
        ("forescouts", "forescout_module_verdict"),
        ("fortisiems", "fortisiem_events_verdict"),
    ):
        for host in _members(group, hosts, groups):
            found = hostvars[host].get(name)
            if found:
                verdicts.append(found)
            else:
                unread.append(host)
    for host in _members("forescouts", hosts, groups):
        about_policies = hostvars[host].get("forescout_policies_verdict")
        if about_policies:
            verdicts.append(about_policies)
        elif hostvars[host].get("forescout_policies_policies"):
            unread.append(host)
    seen = {host: hostvars[host].get("sensor_tokens_seen") for host in _members("sensors", hosts, groups)}
    unread += [host for host, result in seen.items() if not result or _went_wrong(result)]
    return {"verdicts": verdicts, "unread": unread}


def _members(group: str, hosts: Sequence[str], groups: Mapping[str, Sequence[str]]) -> list[str]:
    chosen = set(hosts).difference(groups.get(DECOMMISSIONED, ()))
    return [host for host in groups.get(group, ()) if host in chosen]


def verdict_table(verdicts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the lines of one table for each integration."""
    rows = sorted(verdicts, key=itemgetter("integration", "appliance"))
    lines: list[str] = []
    for integration, group in groupby(rows, itemgetter("integration")):
        cells = [COLUMNS, *([each["appliance"], *_cells(each["verdict"])] for each in group)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(COLUMNS) - 1)]
        lines += [integration, *(f"  {_line(row, widths)}" for row in cells)]
    return lines


def _cells(verdict: Mapping[str, Any]) -> list[str]:
    return [str(verdict[name] or "-") for name in COLUMNS[1:]]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])


def _state(levels: Sequence[Level]) -> tuple[str, list[Level]]:
    """Return the state and the levels that support it. Nothing below L3 proves that it works."""
    refuted = [level for level in levels[:3] if level.reached is False]
    supplied, called = levels[3:]
    if called.reached is False and called.at is None:
        return "never_called", [called]
    if refuted:
        return "unknown", [*refuted, called]
    if called.reached is False:
        return "unknown", [called]
    proofs = [level for level in (called, supplied) if level.reached]
    if proofs:
        return "working", proofs
    return "unknown", [called, supplied] if supplied.reached is False else [called]


def _stored(platform: Result) -> Level:
    if _unread(platform):
        return Level(None, f"the settings could not be read: {platform.get('msg', 'no response')}")
    if "steps" in platform:
        return Level(None, "an operator enters the settings, and they cannot be read")
    if platform.get("changed"):
        return Level(False, "the platform does not have the declared settings")
    return Level(True, "the platform has the declared address, and the stored token was delivered to it")


def _running(platform: Result) -> Level:
    if _unread(platform):
        return Level(None, "whether the module runs could not be read")
    if "running" not in platform:
        return Level(None, "this transport does not report whether the module runs")
    running = platform["running"]
    if running is None:
        return Level(None, "the platform does not report whether the module runs")
    return Level(running, "the module runs" if running else "the module does not run")


def _installed(host: Result) -> Level:
    if _unread(host):
        return Level(None, f"the Web API was not read: {host.get('msg', 'no account is set')}")
    missing = host["missing_labels"]
    if missing:
        return Level(
            False, f"the platform has no property {', '.join(missing)}, so the module is not installed"
        )
    return Level(True, "the platform has all labels of the module")


def _supplied(host: Result, changed: datetime | None) -> Level:
    if _unread(host) or "host" not in host:
        return Level(None, "no reference host was read")
    name, updated = host["host"]["ip"] or host["host"]["id"], _moment(host["host"]["updated_at"])
    if changed is None:
        return Level(None, "the time of the change is not known")
    if updated is not None and lies_ahead(updated, now()):
        return Level(None, f"host {name} has a value of {as_text(updated)}, which is in the future")
    if updated is None or updated < changed:
        return Level(False, f"host {name} has no value since the change at {as_text(changed)}")
    return Level(True, f"host {name} has a value of {as_text(updated)}", updated)


def _called(
    tokens: Result, platform: Result, description: str, changed: datetime | None, max_age: float | None
) -> Level:
    """Return L4 from the *Used* column. Refuted without a time means never called."""
    if _unread(tokens):
        return Level(None, "Used could not be read; check it under System settings > Access tokens")
    found = [token for token in tokens.get("tokens", []) if token["description"] == description]
    if len(found) != 1:
        return Level(
            None if found else False,
            f'the sensor has {len(found)} tokens with the description "{description}"',
        )
    used = found[0]["used"]
    if used is None:
        return Level(False, "Used is N/A: no call with this token was ever received")
    return _compared(used, platform, changed or _past(platform.get("created_at")), max_age)


def _compared(used: Any, platform: Result, changed: datetime | None, max_age: float | None) -> Level:
    """Return L4 from a time of last use, if it can be read: its format is not documented."""
    moment, proved = _moment(used), _moment(platform.get("verified_at"))
    if moment is None:
        return Level(None, f"Used is {used}, which cannot be compared with the time of the change")
    if lies_ahead(moment, now()):
        return Level(None, f"Used is {used}, which is in the future: a clock is or was wrong")
    if proved is not None and lies_ahead(proved, now()):
        return Level(
            None, f"Used is {used}, and the time of this collection's own verification call is not known"
        )
    if proved is not None and moment <= proved:
        return Level(None, f"Used is {used}, which may be this collection's own verification call")
    if changed is None and proved is None:
        return Level(None, f"Used is {used}, but the times of minting and delivery are not known")
    if changed is not None and moment < changed:
        return Level(False, f"Used is {used}, before the change at {as_text(changed)}", moment)
    if max_age is not None and now() - moment > timedelta(seconds=max_age):
        return Level(False, f"Used is {used}, more than {max_age:.0f} s ago", moment)
    return Level(True, f"Used is {used}", moment)


def _unread(result: Result) -> bool:
    return _went_wrong(result) or bool(result.get("skipped")) or not result


def _went_wrong(result: Result) -> bool:
    return bool(result.get("failed") or result.get("unreachable"))


def _moment(value: Any) -> datetime | None:
    """Read an ISO 8601 time, in UTC by default, or seconds or milliseconds since 1970."""
    try:
        if not str(value).isdecimal():
            return read_moment(value)
        return read_moment(value, "epoch_milliseconds" if int(value) >= IN_MILLISECONDS else "epoch_seconds")
    except (ValueError, OverflowError, OSError):
        return None


def _past(value: Any) -> datetime | None:
    """Read a time that this collection or an operator recorded. A time in the future is unknown."""
    moment = _moment(value)
    return None if moment is None or lies_ahead(moment, now()) else moment


def _verdict(
    state: str, outcome: str, evidence: str, since: datetime | None = None, levels: Sequence[Level] = ()
) -> Verdict:
    return {
        "state": state,
        "outcome": outcome,
        "since": as_text(since) if since else None,
        "level": max(_reached(levels), default=None),
        "evidence": evidence,
        "levels": [
            {"level": f"L{n}", "name": NAMES[n], "reached": level.reached, "evidence": level.evidence}
            for n, level in enumerate(levels)
        ],
    }


def _reached(levels: Sequence[Level]) -> Iterator[str]:
    """Yield the proved levels below the first refuted one."""
    for number, level in enumerate(levels):
        if level.reached is False:
            return
        if level.reached:
            yield f"L{number}"


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "fortinet_verdict": fortinet_verdict,
            "forescout_verdict": forescout_verdict,
            "verdict_table": verdict_table,
            "verification": verification,
        }
