# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of a sensor's documented API, in the spelling of each version family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core.inventory import CONNECTIONS, CVES, EVENTS, REPORTS, VULNERABILITIES

FAMILIES = ("22.x", "10.x", "2018")
ALERT_TYPES = {"unexpected new devices": "New Device Detected"}
MOST_EVENTS = 100
MOST_CVES = 100
LONGEST_MINUTES = 4320
ORIGIN = {"sensorId": 1, "zoneId": 1, "siteId": 1}
NAMES = {"sensorName": "north", "zoneName": "press shop", "siteName": "plant 1"}


@dataclass(frozen=True)
class Contents:
    """The devices and alerts of a sensor at one moment. `ends` has the addresses of each alert, by its id."""

    devices: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    handled: frozenset[int]
    ends: Mapping[int, Mapping[str, Any]]


def answer_to(path: list[str], query: Mapping[str, str], family: str, contents: Contents) -> Any:
    """Return the content of a path below `/api/v1/`, None if the path does not exist."""
    match path:
        case ["devices"]:
            devices = _devices(contents.devices, query.get("authorized"))
            return [spelled(device, family) for device in devices]
        case ["devices", "connections"]:
            return _connections(query)
        case ["devices", "cves"]:
            return _cves(query)
        case ["devices", device, "connections"]:
            ends = ("firstDeviceId", "secondDeviceId")
            return [one for one in _connections(query) if device in [str(one[end]) for end in ends]]
        case ["devices", address, "cves"]:
            return [cve for cve in _cves(query) if cve["ipAddress"] == address]
        case ["alerts"]:
            return _alerts(contents, query)
        case ["reports", "vulnerabilities", "devices"]:
            return VULNERABILITIES
        case ["reports", "vulnerabilities", name] if name in REPORTS:
            return REPORTS[name]
    return None


def alerts_in_second_version(query: Mapping[str, str], contents: Contents) -> list[dict[str, Any]]:
    """Return alerts with the fields that version 2 adds (documented)."""
    return [{**alert, **_second_version(alert, contents)} for alert in _alerts(contents, query)]


def console_answer_to(
    version: str, path: list[str], query: Mapping[str, str], family: str, contents: Contents
) -> Any:
    """Return the content of a path below a console's `/external/`, None if the path does not exist."""
    match version, path:
        case "v1", ["devices"]:
            return [{**device, **ORIGIN} for device in answer_to(path, query, family, contents)]
        case (("v1" | "v2"), ["alerts"]):
            alerts = [
                {**alert, **ORIGIN, "handled": alert["id"] in contents.handled}
                for alert in _alerts(contents, query)
            ]
            if version == "v1":
                return alerts
            return [{**alert, **_second_version(alert, contents), **NAMES} for alert in alerts]
        case "v1", ["reports", "vulnerabilities", "devices"]:
            return VULNERABILITIES
    return None


def events(query: Mapping[str, str], now: float) -> list[dict[str, Any]]:
    """Return the latest events, newest first. Longer times are silently cut to three days (documented)."""
    minutes = min(_number(query.get("minutesTimeFrame"), LONGEST_MINUTES), LONGEST_MINUTES)
    types = {event["type"] for event in EVENTS}
    wanted = query.get("type") if query.get("type") in types else None
    kept = [event for event in EVENTS if wanted in (None, event["type"]) and event["age"] <= minutes]
    rows = [{**event, "timestamp": int((now - event["age"] * 60) * 1000)} for event in kept[:MOST_EVENTS]]
    return [{name: value for name, value in row.items() if name != "age"} for row in rows]


def spelled(device: dict[str, Any], family: str) -> dict[str, Any]:
    """Return a device in the spelling of a version family. The documents of 2020 and 2022 disagree."""
    protocols = device["protocols"]
    if family == "22.x":
        named = protocols and [_renamed(each, "addresses", "ipAddresses") for each in protocols]
        return {**device, "protocols": named}
    older = {name: value for name, value in device.items() if name != "hasDynamicAddress"}
    firmware = [{n: "N/A" if v is None else v for n, v in each.items()} for each in device["firmware"] or []]
    older = {**older, "firmware": firmware}
    return _renamed(older, "ipAddresses", "ipAddress") if family == "2018" else older


def _renamed(row: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return {new if name == old else name: value for name, value in row.items()}


def _devices(devices: list[dict[str, Any]], authorized: str | None) -> list[dict[str, Any]]:
    if authorized not in ("true", "false"):
        return devices
    return [device for device in devices if device["authorized"] is (authorized == "true")]


def _connections(query: Mapping[str, str]) -> list[dict[str, Any]]:
    after = _number(query.get("discoveredAfter"), 0)
    before = _number(query.get("discoveredBefore"), max(one["discovered"] for one in CONNECTIONS))
    return [one for one in CONNECTIONS if after <= one["discovered"] <= before]


def _cves(query: Mapping[str, str]) -> list[dict[str, Any]]:
    top, seen, kept = _number(query.get("top"), MOST_CVES), dict[str, int](), []
    for cve in sorted(CVES, key=lambda cve: -float(cve["score"])):
        seen[cve["ipAddress"]] = seen.get(cve["ipAddress"], 0) + 1
        if seen[cve["ipAddress"]] <= top:
            kept.append(cve)
    return kept


def _alerts(contents: Contents, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return alerts by state, time and type. An unknown type is ignored (documented), and so is a state."""
    alerts, state = contents.alerts, query.get("state")
    if state in ("handled", "unhandled"):
        alerts = [alert for alert in alerts if (alert["id"] in contents.handled) is (state == "handled")]
    if query.get("type") == "disconnections":
        alerts = [alert for alert in alerts if alert["engine"] == "Operational"]
    elif query.get("type") in ALERT_TYPES:
        alerts = [alert for alert in alerts if alert["title"] == ALERT_TYPES[query["type"]]]
    earliest = _number(query.get("fromTime"), 0)
    latest = _number(query.get("toTime"), max((alert["time"] for alert in alerts), default=0))
    return [alert for alert in alerts if earliest <= alert["time"] <= latest]


def _second_version(alert: Mapping[str, Any], contents: Contents) -> dict[str, Any]:
    ends = contents.ends[alert["id"]]
    return {
        "sourceDeviceAddress": ends["source"],
        "destinationDeviceAddress": ends["destination"],
        "remediationSteps": ["Verify the change with its author."],
    }


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default
