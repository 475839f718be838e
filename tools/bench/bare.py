# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limit: the same work with `requests` in threads, without Ansible.

Run as a program, it does this work on every FortiGate of an inventory.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from .objects import DRIFT, GROUP, OBJECTS, PROFILE, TABLES

Variables = Mapping[str, Any]
CMDB = "/api/v2/cmdb/"


def declare(variables: Variables) -> int:
    """Declare both objects on one FortiGate. Return the number of writes."""
    with _session(variables) as session:
        return sum(
            _declare(session, variables["fortigate_access_url"] + CMDB + table, wanted)
            for table, wanted in OBJECTS.items()
        )


def drift(variables: Variables) -> None:
    """Change one field of one object."""
    with _session(variables) as session:
        url = f"{variables['fortigate_access_url']}{CMDB}{TABLES[0]}/{PROFILE['name']}"
        session.put(url, json=DRIFT, timeout=60).raise_for_status()


def on_each(work: Callable[[Variables], Any], fleet: Iterable[Variables], threads: int) -> list[Any]:
    """Call a function for many FortiGates in parallel. Return the results in order."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, fleet))


def compare(variables: Variables) -> int:
    """Read the tables of the block list on one FortiGate. Return the number of differences."""
    with _session(variables) as session:
        return sum(
            _differences(session, variables["fortigate_access_url"] + CMDB + table, wanted)
            for table, wanted in variables["block_tables"].items()
        )


def fill(variables: Variables) -> None:
    """Create the objects of the block list on one FortiGate."""
    with _session(variables) as session:
        for table, wanted in variables["block_tables"].items():
            for each in wanted.values():
                url = variables["fortigate_access_url"] + CMDB + table
                session.post(url, json=each, timeout=60).raise_for_status()


def _differences(session: requests.Session, url: str, wanted: Mapping[str, Any]) -> int:
    answer = session.get(url, params={"filter": f"name=@{GROUP}"}, timeout=60)
    answer.raise_for_status()
    rows = [each for each in answer.json()["results"] if each["name"].startswith(GROUP)]
    found = {each["name"]: each for each in rows}
    return len(found.keys() ^ wanted.keys()) + sum(
        not _includes(found[name], each) for name, each in wanted.items() if name in found
    )


def _session(variables: Variables) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.verify = variables["fortigate_access_ca_path"]
    session.headers["Authorization"] = f"Bearer {variables['fortigate_access_token']}"
    return session


def _declare(session: requests.Session, table: str, wanted: Mapping[str, Any]) -> bool:
    answer = session.get(f"{table}/{wanted['name']}", timeout=60)
    if answer.status_code == 404:
        session.post(table, json=wanted, timeout=60).raise_for_status()
        return True
    answer.raise_for_status()
    differs = not _includes(answer.json()["results"][0], wanted)
    if differs:
        session.put(f"{table}/{wanted['name']}", json=wanted, timeout=60).raise_for_status()
    return differs


def _includes(found: Any, wanted: Any) -> bool:
    """Return whether a found value has all wanted values. It may have more."""
    if isinstance(wanted, dict):
        return all(_includes(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(_includes, found, wanted))
    return bool(found == wanted)


WORK = {"bare": declare, "bare_block": compare}

if __name__ == "__main__":
    key, inventory, forks = sys.argv[1:]
    group = json.loads(Path(inventory).read_text())["fortigates"]
    fortigates = [{**group["vars"], **variables} for variables in group["hosts"].values()]
    print(sum(on_each(WORK[key], fortigates, int(forks))), "differences")
