# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Report documents: a small one, a clean one, a hostile one, and one of a whole fleet."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

ACTIONS = ("create", "update", "delete", "mint", "rotate", "none", "unknown", "not_provable")
EDGE_STATES = ("drift", "never_called", "unknown", "working", "not_provable", "no_verdict")
DIFFERENCES = ACTIONS[:5]
KINDS = {
    "fortigate": ("profile", "admin", "key"),
    "sensor": ("token",),
    "forescout": ("settings",),
}
HOSTILE = {
    "image": '<img src=x onerror="window.broken=1">',
    "script": "</script><script>window.broken=1</script>",
    "comment": "<!--<script>",
    "quote": "\"'>{{ 7*7 }}${7*7}",
    "rtl": "\u202egpj.etagitrof",
    "arabic": "جدار-الحماية-01",
    "separator": "line\u2028and\u2029paragraph",
    "no width": "fgt\u200b-\u2066north\u2069\u00ad01",
    "not text": "half \udcff of it",
    "long": "fgt-" + "a" * 196,
    "prototype": "__proto__",
}
"""Names that appliances may have, and that must never be interpreted."""

_FIELDS: dict[str, list[dict[str, Any]]] = {
    "profile": [
        {"field": "permissions.firewall", "before": "none", "after": "read_write"},
        {"field": "permissions.system", "before": "read_write", "after": "none"},
        {"field": "comment", "before": "", "after": "Defender for IoT"},
    ],
    "admin": [
        {
            "field": "trusted_hosts",
            "before": ["192.0.2.11/32"],
            "after": ["192.0.2.11/32", "192.0.2.12/32"],
        },
        {"field": "profile", "before": "super_admin", "after": "defender-iot"},
    ],
    "key": [{"field": "key", "before": None, "after": "sha256:5d41402abc4b"}],
    "token": [{"field": "token", "before": None, "after": "sha256:7d793037a076"}],
    "settings": [{"field": "server_address", "before": "192.0.2.99", "after": "192.0.2.11"}],
}
_NAMES = {
    "profile": "defender-iot",
    "admin": "defender-iot-sensors",
    "key": "defender-iot-sensors",
    "token": "forescout-01",
    "settings": "Microsoft Defender for IoT",
}
_MESSAGES = {
    "unreachable": "{}: no answer to GET https://192.0.2.77:443 within 10 s; check the address and the route",
    "failed": "{}: reading the admin profiles failed (403): permission denied",
    "not_done": "{}: the run ended before its turn",
}
_UNKNOWN = "FortiOS documents no time of last use of an API key; admin and key are in place"


def appliance(name: str, site: str, kind: str, state: str = "checked") -> dict[str, Any]:
    """Return an appliance as a report has it."""
    message = None if state == "checked" else _MESSAGES[state].format(name)
    return {
        "appliance": name,
        "site": site,
        "kind": kind,
        "state": state,
        "message": message,
        "verification": None,
    }


def item(at: dict[str, Any], kind: str, action: str = "none", **traits: Any) -> dict[str, Any]:
    """Return an object of an appliance in a report."""
    return {
        "site": at["site"],
        "appliance": at["appliance"],
        "kind": kind,
        "name": _NAMES.get(kind, at["appliance"]),
        "action": action,
        "fields": list(_FIELDS[kind]) if action in DIFFERENCES else [],
        "previewable": action not in ("mint", "not_provable"),
        "provenance": "documented",
        "message": at["message"],
        "verification": None,
        **traits,
    }


def edge(start: str, end: str, state: str, evidence: str = _UNKNOWN, **traits: Any) -> dict[str, Any]:
    """Return an integration between two appliances in a report."""
    integration = "forescout" if traits.get("level") or "forescout" in start else "fortinet"
    ends = {"from": [start], "to": end, "integration": integration, "state": state}
    return {**ends, "since": None, "level": None, "evidence": evidence, **traits}


def states_of_calls(report: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return the state of each edge of a report, by caller and called appliance."""
    return {(caller, edge["to"]): edge["state"] for edge in report["edges"] for caller in edge["from"]}


def block(text: str, until: str = "2026-11-22T12:25:04Z") -> dict[str, Any]:
    """Return a blocked host, with a text in every field that has no form."""
    texts = dict.fromkeys(("site", "appliance", "address", "owner", "source", "approved_by", "reason"), text)
    return {**texts, "until": until, "since": "2026-11-22T10:00:00Z"}


def proposal(text: str) -> dict[str, Any]:
    """Return a proposal, with a text in every field that has no form."""
    return {**dict.fromkeys(("site", "address", "sensor", "reason"), text), "decision": "block"}


def left_behind(text: str) -> dict[str, str]:
    """Return a host that is not in the inventory, with the same text everywhere."""
    return dict.fromkeys(("host", "secrets", "command"), text)


def document(
    appliances: list[dict[str, Any]],
    objects: list[dict[str, Any]],
    edges: list[dict[str, Any]],
    blocks: list[dict[str, Any]] | None = None,
    proposals: list[dict[str, Any]] | None = None,
    **traits: Any,
) -> dict[str, Any]:
    """Return a report of these, with its counts and state."""
    counted = Counter(each["action"] for each in objects)
    counts = {action: counted[action] for action in ACTIONS}
    states = Counter(each["state"] for each in edges for _caller in each["from"])
    unchecked = any(each["state"] != "checked" for each in appliances)
    differs = any(counts[action] for action in DIFFERENCES)
    return {
        "schema_version": 1,
        "collection": "otsec.defender_iot 0.1.0",
        "generated_at": "2026-11-22T10:15:04Z",
        "mode": "check",
        "playbook": "drift",
        "state": "unknown" if unchecked else "drift" if differs else "clean",
        "exit_code": 4 if unchecked else 2 if differs else 0,
        "counts": counts,
        "edge_counts": {state: states[state] for state in EDGE_STATES},
        "appliances": appliances,
        "objects": objects,
        "edges": edges,
        "blocks": blocks or [],
        "proposals": proposals or [],
        "left_behind": [],
        "retired_clients": [],
        **traits,
    }


def small() -> dict[str, Any]:
    """Return a report of two sites with a few differences and one FortiGate without an answer."""
    north = [appliance(f"fgt-north-{number:02}", "north", "fortigate") for number in (1, 2, 3)]
    sensors = [
        appliance("sensor-north-01", "north", "sensor"),
        appliance("sensor-north-02", "north", "sensor"),
    ]
    south = appliance("fgt-south-01", "south", "fortigate", "unreachable")
    south_sensor = appliance("sensor-south-01", "south", "sensor")
    forescout = appliance("forescout-01", "", "forescout")
    objects = [
        item(north[0], "profile", "update"),
        item(north[0], "admin"),
        item(north[0], "key"),
        item(north[1], "profile"),
        item(north[1], "admin", "create"),
        item(north[1], "key", "mint"),
        *(item(north[2], kind) for kind in KINDS["fortigate"]),
        item(south, "fortigate", "unknown"),
        item(sensors[0], "token"),
        item(sensors[1], "token", "rotate"),
        item(south_sensor, "token"),
        item(forescout, "settings", provenance="operator"),
    ]
    used = {"level": "L4", "since": "2026-11-22T09:00:00Z", "evidence": "Used is 2026-11-22T09:00:00Z"}
    edges = [
        edge("sensor-north-01", "fgt-north-01", "drift", "the admin profile would be updated"),
        edge("sensor-north-02", "fgt-north-01", "drift", "the admin profile would be updated"),
        edge("sensor-north-01", "fgt-north-02", "never_called", "there is no key yet"),
        edge("sensor-north-02", "fgt-north-03", "not_provable"),
        edge("sensor-south-01", "fgt-south-01", "unknown", "fgt-south-01 was not checked"),
        edge("forescout-01", "sensor-north-01", "working", **used),
        edge("forescout-01", "sensor-south-01", "working", **used),
        edge("forescout-01", "sensor-north-02", "never_called", "Used is N/A"),
    ]
    return document([*north, *sensors, south, south_sensor, forescout], objects, edges)


def clean() -> dict[str, Any]:
    """Return a report without differences."""
    found = small()
    appliances = [{**each, "state": "checked", "message": None} for each in found["appliances"]]
    objects = [item(each, kind) for each in appliances for kind in KINDS[each["kind"]]]
    return document(appliances, objects, [{**each, "state": _healthy(each)} for each in found["edges"]])


def manual() -> dict[str, Any]:
    """Return a clean report in which an operator enters the Forescout settings, without verification."""
    found = clean()
    objects = [
        {**each, "action": "not_provable"} if each["kind"] == "settings" else each
        for each in found["objects"]
    ]
    return document(
        found["appliances"], objects, [{**each, "state": "no_verdict"} for each in found["edges"]]
    )


def _healthy(edge: dict[str, Any]) -> str:
    return "not_provable" if edge["integration"] == "fortinet" else "working"


def hostile() -> dict[str, Any]:
    """Return a report in which every name, site, value and message is an attack or an accident."""
    appliances, objects, edges = [], [], []
    for text in HOSTILE.values():
        at = appliance(text, text, "fortigate", "failed")
        sensor = appliance(f"s {text}", text, "sensor")
        appliances += [at, sensor]
        fields = [{"field": text, "before": text, "after": [text]}]
        objects.append(item(at, "admin", "update", name=text, fields=fields, message=text))
        objects.append(item(at, text, "none", name=text, provenance=text))
        edges.append(edge(sensor["appliance"], text, "never_called", text, since=text))
    return document(
        appliances,
        objects,
        edges,
        blocks=[block(text) for text in HOSTILE.values()],
        proposals=[proposal(text) for text in HOSTILE.values()],
        left_behind=[left_behind(text) for text in HOSTILE.values()],
        retired_clients=[{"host": text, "fortigates": [text]} for text in HOSTILE.values()],
        playbook=HOSTILE["script"],
        collection=HOSTILE["image"],
    )


def fleet(sites: int = 40, seed: int = 6) -> dict[str, Any]:
    """Return a report of 25 appliances at each site: 20 FortiGates, 4 sensors, one Forescout platform."""
    random = Random(seed)  # noqa: S311
    appliances, objects, edges = [], [], []
    for number in range(1, sites + 1):
        site = f"plant-{number:02}"
        troubled = random.random() < 0.3
        here = [
            appliance(f"{site}-fgt-{each:02}", site, "fortigate", _state(random, troubled))
            for each in range(1, 21)
        ]
        sensors = [
            appliance(f"{site}-sensor-{each}", site, "sensor", _state(random, troubled))
            for each in range(1, 5)
        ]
        platform = appliance(f"{site}-forescout", site, "forescout")
        for at in [*here, *sensors, platform]:
            objects += _objects(random, at, troubled)
        for at in here:
            edges += [
                _edge(random, each["appliance"], at["appliance"], troubled)
                for each in random.sample(sensors, random.choice((3, 4)))
            ]
        edges += [
            edge(
                platform["appliance"],
                each["appliance"],
                "working",
                "Used is 2026-11-22T09:00:00Z",
                level="L4",
                since="2026-11-22T09:00:00Z",
            )
            for each in sensors
        ]
        appliances += [*here, *sensors, platform]
    return document(appliances, objects, edges)


def _state(random: Random, troubled: bool) -> str:
    if not troubled or random.random() > 0.08:
        return "checked"
    return random.choice(["unreachable", "unreachable", "failed", "not_done"])


def _objects(random: Random, at: dict[str, Any], troubled: bool) -> list[dict[str, Any]]:
    if at["state"] != "checked":
        return [item(at, at["kind"], "unknown")]
    # A fifth kind of object on each FortiGate makes the 4,000 objects of a fleet of 1,000.
    kinds = [*KINDS[at["kind"]], "profile", "admin"] if at["kind"] == "fortigate" else KINDS[at["kind"]]
    made = []
    for number, kind in enumerate(kinds):
        differs = troubled and random.random() < 0.04
        action = random.choice(DIFFERENCES) if differs else "none"
        name = _NAMES[kind] if number < 3 else f"{_NAMES[kind]}-{number}"
        made.append(item(at, kind, action, name=name))
    return made


def _edge(random: Random, sensor: str, fortigate: str, troubled: bool) -> dict[str, Any]:
    state = (
        random.choice(["drift", "never_called"]) if troubled and random.random() < 0.06 else "not_provable"
    )
    return edge(sensor, fortigate, state)
