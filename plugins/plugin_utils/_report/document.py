# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the report document from the outcomes of tasks."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from ipaddress import IPv4Address, IPv6Address
from shlex import quote
from types import MappingProxyType
from typing import Any

SCHEMA_VERSION = 1
CHANGES = ("create", "update", "delete", "mint", "rotate")
ACTIONS = (*CHANGES, "none", "unknown", "not_provable")
STATES = ("checked", "failed", "unreachable", "not_done")
VERDICTS = ("never_called", "unknown", "not_provable", "working")
EDGE_STATES = ("drift", "never_called", "unknown", "working", "not_provable", "no_verdict")
EXIT_CODES = {"clean": 0, "changed": 0, "drift": 2, "unknown": 4}

BLOCK_FIELDS = ("address", "until", "since", "owner", "source", "approved_by", "reason")
PROPOSED = ("block", "renew", "release")

DECOMMISSION = "ansible-playbook -i INVENTORY otsec.defender_iot.decommission"
NEVER_REACHED = "the run ended before it reached this appliance"
NOT_VERIFIED = "this run did not verify the integration"


@dataclass(frozen=True)
class Appliance:
    """One appliance that the run targets. ``asks`` is the sensor that a Forescout platform polls.

    ``address`` is that of the inventory. ``trust`` of a FortiGate is ``site`` if the inventory says that only
    the sensors of its site are trusted hosts.
    """

    name: str
    kind: str
    site: str = ""
    asks: str | None = None
    address: str = ""
    trust: str = "all"


@dataclass(frozen=True)
class Outcome:
    """The outcome of one task on one appliance.

    ``acts`` is true if the task could change something: it ran without check mode, and does not only read.
    ``trusted`` are the trusted hosts that the task declares, None if it is not about them.
    """

    appliance: str
    state: str
    message: str | None = None
    objects: Sequence[Mapping[str, Any]] = ()
    provenance: str | None = None
    acts: bool = False
    trusted: Sequence[str] | None = None


@dataclass(frozen=True)
class Blocking:
    """What FortiGates block, by appliance, and what runs of the role respond propose, by site."""

    entries: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    proposals: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True)
class LeftBehind:
    """Hosts with secrets in a store of files that are not in the inventory."""

    store: str = ""
    hosts: Sequence[str] = ()


@dataclass(frozen=True)
class Origin:
    """The origin of a report."""

    playbook: str
    collection: str
    generated_at: str


def document(
    origin: Origin,
    appliances: Iterable[Appliance],
    outcomes: Sequence[Outcome],
    verdicts: Mapping[str, Mapping[str, Any]],
    blocking: Blocking = Blocking(),
    policies: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    left_behind: LeftBehind = LeftBehind(),
    consoles: Sequence[Appliance] = (),
) -> dict[str, Any]:
    """Return the report.

    ``verdicts`` are the results of verification, by appliance, ``policies`` those about the policies of
    Forescout platforms, by appliance and name. ``consoles`` are the hosts of the inventory group
    ``management_consoles``.
    """
    known = sorted(appliances, key=lambda each: (each.site, each.name))
    mode = "apply" if any(outcome.acts for outcome in outcomes) else "check"
    by_appliance: dict[str, list[Outcome]] = {each.name: [] for each in known}
    for outcome in outcomes:
        by_appliance[outcome.appliance].append(outcome)
    verified = _verified(known, verdicts)
    rows = [_row(each, by_appliance[each.name], verified.get(each.name)) for each in known]
    objects = [
        _with_verdict(entry, policies.get(row["appliance"], {}))
        for row in rows
        for entry in _objects(row, by_appliance[row["appliance"]]) or _unknown(row)
    ]
    sensors = [each for each in known if each.kind == "sensor"]
    edges = list(_edges(known, mode, objects, verdicts, _callers(known, outcomes, sensors)))
    state = _state(mode, rows, objects)
    return {
        "schema_version": SCHEMA_VERSION,
        "collection": origin.collection,
        "generated_at": origin.generated_at,
        "mode": mode,
        "playbook": origin.playbook,
        "state": state,
        "exit_code": EXIT_CODES[state],
        "counts": {action: sum(each["action"] == action for each in objects) for action in ACTIONS},
        "edge_counts": {
            state: sum(len(each["from"]) for each in edges if each["state"] == state) for state in EDGE_STATES
        },
        "appliances": rows,
        "objects": objects,
        "edges": edges,
        "blocks": list(_blocks(known, blocking)),
        "proposals": list(_proposals(blocking)),
        "left_behind": [_left_behind(host, left_behind.store) for host in left_behind.hosts],
        "retired_clients": list(_retired_clients(_callers(known, outcomes, consoles))),
    }


def _retired_clients(callers: Mapping[str, Sequence[str]]) -> Iterator[dict[str, Any]]:
    """Yield each management console with the FortiGates of which it is a trusted host."""
    for console in sorted({name for names in callers.values() for name in names}):
        yield {"host": console, "fortigates": [each for each, names in callers.items() if console in names]}


def _left_behind(host: str, store: str) -> dict[str, str]:
    """Return a host that is missing from the inventory, and the command that cleans up once it is back."""
    return {"host": host, "secrets": f"{store}/{host}", "command": f"{DECOMMISSION} --limit {quote(host)}"}


def _blocks(appliances: Iterable[Appliance], blocking: Blocking) -> Iterator[dict[str, Any]]:
    """Yield each entry of each block list that the run has read or changed, the first to end first."""
    for each in appliances:
        entries = blocking.entries.get(each.name, ())
        for entry in sorted(entries, key=lambda entry: (entry["until"], entry["address"])):
            yield {
                "site": each.site,
                "appliance": each.name,
                **{name: entry.get(name) or "" for name in BLOCK_FIELDS},
            }


def _proposals(blocking: Blocking) -> Iterator[dict[str, Any]]:
    """Yield what was decided, but not done."""
    for site, rows in sorted(blocking.proposals.items()):
        for row in rows:
            if row["decision"] in PROPOSED:
                yield {
                    "site": site,
                    **{name: row[name] for name in ("decision", "address", "sensor", "reason")},
                }


def _verified(appliances: Sequence[Appliance], verdicts: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the verdict on each appliance's integration, for a sensor the worst of several."""
    found: dict[str, list[str]] = {}
    for each in appliances:
        for name in (each.name, each.asks):
            if name and each.name in verdicts:
                found.setdefault(name, []).append(_verdict_state(verdicts[each.name]))
        for name, verdict in verdicts.get(each.name, {}).get("sensors", {}).items():
            found.setdefault(name, []).append(_verdict_state(verdict))
    return {name: min(states, key=VERDICTS.index) for name, states in found.items()}


def _verdict_state(verdict: Mapping[str, Any]) -> str:
    """Return the state of a verdict: not provable if no interface can show a call."""
    return "not_provable" if verdict.get("outcome") == "not_provable" else str(verdict["state"])


def _row(appliance: Appliance, outcomes: Sequence[Outcome], verification: str | None) -> dict[str, Any]:
    """Return an appliance with the state and message of its worst outcome."""
    worst = max(outcomes, key=lambda each: STATES.index(each.state), default=None)
    return {
        "appliance": appliance.name,
        "site": appliance.site,
        "kind": appliance.kind,
        "state": worst.state if worst else "not_done",
        "message": worst.message if worst else NEVER_REACHED,
        "verification": verification,
    }


def _objects(row: Mapping[str, Any], outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Return each object once, with all its steps merged. A change made outranks a predicted one."""
    steps: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for outcome in sorted(outcomes, key=lambda each: not each.acts):
        for entry in outcome.objects:
            taken = steps.setdefault((entry["kind"], entry["name"]), [])
            if not taken or taken[0]["acts"] == outcome.acts:
                taken.append({**entry, "provenance": outcome.provenance, "acts": outcome.acts})
    return [_object(row, entries) for entries in steps.values()]


def _object(row: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge the steps with one object, for example creating a token and deleting the old one."""
    changes = [step for step in steps if step["action"] in CHANGES]
    entry = changes[0] if changes else steps[-1]
    gone = bool(changes) and changes[-1]["action"] == "delete"
    return {
        "site": row["site"],
        "appliance": row["appliance"],
        "kind": entry["kind"],
        "name": entry["name"],
        "action": "delete" if gone else _action(entry),
        "fields": fields(changes[0]["before"], changes[-1]["after"]) if changes else [],
        "previewable": entry.get("previewable", True),
        "provenance": entry["provenance"],
        "message": entry.get("reason"),
        "verification": row["verification"],
    }


def _with_verdict(entry: dict[str, Any], policies: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object. A policy of a Forescout platform has a verdict of its own."""
    verdict = policies.get(entry["name"]) if entry["kind"] == "policy" else None
    return {**entry, "verification": _verdict_state(verdict)} if verdict else entry


def _action(entry: Mapping[str, Any]) -> str:
    """Return the action of an object, which is not provable if no interface can read the object."""
    is_unreadable = entry["action"] == "unknown" and not entry.get("previewable", True)
    return "not_provable" if is_unreadable else str(entry["action"])


def _unknown(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return an object that represents an unchecked appliance; a checked one without objects has none."""
    if row["state"] == "checked":
        return []
    return [
        {
            "site": row["site"],
            "appliance": row["appliance"],
            "kind": row["kind"],
            "name": row["appliance"],
            "action": "unknown",
            "fields": [],
            "previewable": True,
            "provenance": None,
            "message": row["message"],
            "verification": row["verification"],
        }
    ]


def _state(mode: str, rows: Sequence[Mapping[str, Any]], objects: Sequence[Mapping[str, Any]]) -> str:
    """Return the state of the run. It is never clean if an appliance was not checked, or there is none."""
    if not rows or any(row["state"] != "checked" for row in rows):
        return "unknown"
    if any(each["action"] in CHANGES for each in objects):
        return "drift" if mode == "check" else "changed"
    return "clean"


def fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the fields that differ. The name of a nested field is a path with dots."""
    was, will_be = dict(_flat(before)), dict(_flat(after))
    names = sorted(was.keys() | will_be.keys())
    rows = [{"field": name, "before": was.get(name), "after": will_be.get(name)} for name in names]
    return [row for row in rows if row["before"] != row["after"]]


def by_appliance(report: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the objects of each appliance of a report."""
    found: dict[str, list[dict[str, Any]]] = {row["appliance"]: [] for row in report["appliances"]}
    for each in report["objects"]:
        found[each["appliance"]].append(each)
    return found


def _flat(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{path}{name}.")
        else:
            yield f"{path}{name}", inner


def _callers(
    appliances: Sequence[Appliance], outcomes: Iterable[Outcome], clients: Sequence[Appliance]
) -> dict[str, list[str]]:
    """Return the clients that are trusted hosts of each FortiGate.

    If no task has said which hosts a FortiGate trusts, the inventory decides.
    """
    declared: dict[str, set[str]] = {}
    for outcome in outcomes:
        if outcome.trusted is not None:
            declared.setdefault(outcome.appliance, set()).update(outcome.trusted)
    addresses = {client.name: _address(client) for client in clients}
    # Most FortiGates of a fleet trust the same hosts.
    among = cache(partial(_among, addresses=addresses))

    def trusts(fortigate: Appliance, client: Appliance) -> bool:
        if fortigate.name in declared:
            return client.name in among(frozenset(declared[fortigate.name]))
        return fortigate.trust == "all" or client.site == fortigate.site

    fortigates = [each for each in appliances if each.kind == "fortigate"]
    return {each.name: [client.name for client in clients if trusts(each, client)] for each in fortigates}


def _address(client: Appliance) -> IPv4Address | IPv6Address | None:
    try:
        return ipaddress.ip_address(client.address)
    except ValueError:
        return None


def _among(hosts: frozenset[str], addresses: Mapping[str, IPv4Address | IPv6Address | None]) -> set[str]:
    """Return the names of the addresses that are among trusted hosts."""
    networks = [ipaddress.ip_network(each) for each in hosts]
    single = {each.network_address for each in networks if each.num_addresses == 1}
    wider = [each for each in networks if each.num_addresses > 1]
    return {
        name
        for name, address in addresses.items()
        if address and (address in single or any(address in each for each in wider))
    }


def _edges(
    appliances: Sequence[Appliance],
    mode: str,
    objects: Sequence[Mapping[str, Any]],
    verdicts: Mapping[str, Mapping[str, Any]],
    callers: Mapping[str, Sequence[str]],
) -> Iterator[dict[str, Any]]:
    """Yield who is expected to call whom: its trusted sensors a FortiGate, a platform its sensor.

    An edge has all callers of an appliance that share a verdict: a FortiGate may have hundreds.

    Sensors send alerts to a FortiSIEM: those of its verdict, or all.
    """
    drifting = {each["appliance"] for each in objects if mode == "check" and each["action"] in CHANGES}
    sensors = [each for each in appliances if each.kind == "sensor"]
    for each in appliances:
        verdict = verdicts.get(each.name)
        if each.kind == "fortigate":
            if callers[each.name]:
                yield _edge("fortinet", callers[each.name], each.name, verdict, each.name in drifting)
        elif each.kind == "forescout" and each.asks:
            drifts = bool({each.name, each.asks} & drifting)
            yield _edge("forescout", [each.name], each.asks, verdict, drifts)
        elif each.kind == "fortisiem":
            senders = (verdict or {}).get("sensors") or dict.fromkeys(sensor.name for sensor in sensors)
            for name, about in senders.items():
                yield _edge("fortisiem", [name], each.name, about or verdict, False)


def _edge(
    integration: str, callers: Sequence[str], called: str, verdict: Mapping[str, Any] | None, drifts: bool
) -> dict[str, Any]:
    found = verdict or {"state": "no_verdict", "since": None, "level": None, "evidence": NOT_VERIFIED}
    return {
        "from": callers,
        "to": called,
        "integration": integration,
        "state": "drift" if drifts else _verdict_state(found),
        "since": found["since"],
        "level": found["level"],
        "evidence": found["evidence"],
    }
