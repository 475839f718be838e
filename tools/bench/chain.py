# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures the whole chain on a fleet with one failing site: `make bench-chain`.

`tools/run python -m tools.bench.chain 9` is a trial with nine sites. It writes its results to
.cache/bench-chain. With fewer sites, the failing site would be a separate batch and end the rollout.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..lab import ROOT, Lab
from .contestants import FORKS, OWN, PLAYBOOKS
from .machine import surroundings
from .measure import Cost, UnexpectedExit, cost
from .report import inserted, number, table

SITES = 20
FORTIGATES, SENSORS = 50, 15
"""Numbers for each site, which also has one Forescout platform."""
FOLDER = ROOT / ".cache/bench-chain"
DOCUMENT = ROOT / "docs/performance.md"
FLOOR = str(PLAYBOOKS / "chain_floor.yml")
MOST_CPU, MOST_MEMORY = 2.5, 300
"""The targets in sync: CPU time as a multiple of an empty task for each appliance, and memory in MB."""

ROLLOUT = {"canary": ["site_01"], "serial": [1, "25%"], "max_fail_percentage": 50}
COUNTED = ("requests", "connections", "writes")
HEADINGS = ("run", "wall s", "CPU s", "memory MB", "requests", "TLS handshakes", "writes", "result")
UNREACHABLE = 4
Row = list[str]


def main() -> None:
    """Run all steps and write the results."""
    sites = int(sys.argv[1]) if sys.argv[1:] else SITES
    load = os.getloadavg()[0]
    chain = Chain(FOLDER, sites)
    print(f"==> a lab of {len(chain.appliances):,} appliances at {sites} sites", flush=True)
    chain.lab.start()
    try:
        chain.lab.ask("/reset", "POST")
        rows = list(steps(chain))
    except UnexpectedExit as error:
        sys.exit(str(error))
    finally:
        chain.lab.stop()
    text = "\n\n".join(["\n".join(surroundings(load)), chain.described(), table(HEADINGS, rows)])
    place = DOCUMENT if sites == SITES else FOLDER / DOCUMENT.name
    place.write_text(inserted(DOCUMENT.read_text(), text, "make bench-chain"))
    print(f"==> {place.relative_to(ROOT)}", flush=True)


@dataclass(frozen=True)
class Appliance:
    """One inventory host."""

    name: str
    group: str
    site: str
    variables: dict[str, str]


class Chain:
    """A fleet, its lab, and the playbook runs."""

    def __init__(self, folder: Path, sites: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.sites = [f"site_{site:02}" for site in range(1, sites + 1)]
        self.appliances = [each for site in range(sites) for each in _site(site)]
        self.inventory = folder / "inventory.json"
        self.inventory.write_text(json.dumps(_inventory(self.appliances)))
        self.lab = Lab(folder, self.inventory)

    @property
    def failing(self) -> list[str]:
        """The appliances of the site in the middle."""
        middle = self.sites[len(self.sites) // 2]
        return [each.name for each in self.appliances if each.site == middle]

    def described(self) -> str:
        """Return a description of the fleet."""
        groups = Counter(each.group for each in self.appliances)
        kinds = ", ".join(f"{count:,} {group}" for group, count in groups.items())
        return (
            f"{len(self.sites)} sites with {kinds}; {FORKS} forks; at one site in the middle, with "
            f"{len(self.failing)} appliances, every connection is cut."
        )

    def play(self, playbook: str, *arguments: str, expected: int = 0) -> Cost:
        """Run a playbook and return its cost. Raises UnexpectedExit."""
        self.lab.ask("/calls", "DELETE")
        name = playbook if playbook == FLOOR else f"otsec.defender_iot.{playbook}"
        command = [str(OWN / "ansible-playbook"), name, "--forks", str(FORKS)]
        command += ["-i", str(self.inventory), "-i", str(self.folder / "lab/inventory.yml")]
        command += ["--vault-password-file", str(self.folder / "vault-password")]
        environment = {**os.environ, "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false"}
        return cost([*command, *arguments], environment, self.folder / f"{Path(playbook).stem}.log", expected)

    def counted(self) -> list[int]:
        """Return the total requests, TLS handshakes and writes of all appliances."""
        counters = self.lab.ask("/counters").values()
        return [sum(counter[key] for counter in counters) for key in COUNTED]

    def fail(self) -> None:
        """Cut every connection of the site in the middle."""
        for name in self.failing:
            self.lab.ask("/faults", "POST", {"appliance": name, "times": None, "fault": {"kind": "drop"}})

    def repair(self) -> None:
        """Remove the fault: all appliances answer again."""
        self.lab.ask("/faults", "DELETE")


def steps(chain: Chain) -> Iterator[Row]:
    """Yield a row for each run, in the order of a real rollout."""
    folder = chain.folder / "report"
    rollout = json.dumps({"rollout": ROLLOUT, "defender_iot_report": str(folder)})
    reported = ("--extra-vars", rollout)

    def row(title: str, spent: Cost, result: str) -> Row:
        numbers = [number(each) for each in (spent.wall, spent.cpu, spent.memory)]
        print(f"    {title}: {numbers}, {result}", flush=True)
        return [title, *numbers, *(f"{count:,}" for count in chain.counted()), result]

    spent = chain.play("site", "--check", *reported)
    predicted = _actions(folder)
    yield row("predict (`site --check`)", spent, _shown(predicted))

    chain.fail()
    spent = chain.play("site", *reported, expected=UNREACHABLE)
    left = set((folder / "retry").read_text().split())
    _require(
        left == set(chain.failing),
        f"`retry` differs from the failing hosts: {sorted(left ^ set(chain.failing))}",
    )
    done = _actions(folder)
    yield row("roll out while a site fails", spent, f"{_shown(done)}; {len(left)} left for `retry`")

    chain.repair()
    spent = chain.play("site", "--limit", f"@{folder}/retry", *reported)
    rest = _actions(folder)
    _require(done + rest == predicted, f"{_shown(predicted)} predicted, {_shown(done + rest)} done")
    yield row("the site again (`--limit @retry`)", spent, _shown(rest))

    spent = chain.play("site", *reported)
    _require(not _actions(folder) and chain.counted()[-1] == 0, "the second run has changed an appliance")
    yield row("roll out again", spent, "nothing changed, as predicted")

    yield from in_sync(chain, folder, row)

    chain.lab.ask("/poll", "POST")
    verdicts = chain.folder / "verdicts.json"
    spent = chain.play("verify", "--extra-vars", json.dumps({"defender_iot_verdict_file": str(verdicts)}))
    judged = json.loads(verdicts.read_text())
    states = Counter(f"{each['integration']} {each['verdict']['state']}" for each in judged)
    # FortiOS has no time of last use of a key.
    expected = {"forescout working": len(chain.sites), "fortinet unknown": len(chain.sites) * FORTIGATES}
    _require(states == expected, f"the verdicts are {_shown(states)}")
    yield row("verify", spent, _shown(states))


def in_sync(chain: Chain, folder: Path, row: Callable[[str, Cost, str], Row]) -> Iterator[Row]:
    """Yield a row for each run on appliances in sync, compared with an empty task for each appliance."""
    floor = chain.play(FLOOR)
    yield row("one empty task for each appliance", floor, "the floor")
    reported = ("--extra-vars", json.dumps({"defender_iot_report": str(folder)}))
    for title, arguments in (
        ("`site`", ("site",)),
        ("`site --check`", ("site", "--check")),
        ("`drift`", ("drift",)),
    ):
        spent = chain.play(*arguments, *reported)
        _require(not _actions(folder), f"{title} found a difference in sync")
        met = spent.cpu <= MOST_CPU * floor.cpu and spent.memory <= MOST_MEMORY
        times = f"{spent.cpu / floor.cpu:.1f} floors, goal {MOST_CPU} and {MOST_MEMORY} MB"
        yield row(f"{title} in sync", spent, f"{times}: {'met' if met else '**missed**'}")


def _site(site: int) -> Iterator[Appliance]:
    name = f"site_{site + 1:02}"
    for kind, count in (("fortigate", FORTIGATES), ("sensor", SENSORS), ("forescout", 1)):
        for each in range(1, count + 1):
            last = each + {"fortigate": 0, "sensor": 100, "forescout": 200}[kind]
            variables = {"ansible_host": f"10.{site}.0.{last}", "defender_iot_site": name}
            if kind == "forescout":
                variables["forescout_module_sensor"] = f"sensor-{site + 1:02}-01"
            yield Appliance(f"{kind}-{site + 1:02}-{each:02}", f"{kind}s", name, variables)


def _inventory(appliances: list[Appliance]) -> dict[str, Any]:
    """Return the inventory. Every sensor gets a token, even if no platform uses it."""
    groups: dict[str, Any] = {"sensors": {"vars": {"sensor_tokens_tokens": [{"description": "forescout"}]}}}
    for each in appliances:
        groups.setdefault(each.group, {}).setdefault("hosts", {})[each.name] = each.variables
        groups.setdefault(each.site, {}).setdefault("hosts", {})[each.name] = {}
    return groups


def _actions(folder: Path) -> Counter[str]:
    """Return the numbers of done or predicted actions in a report."""
    report = json.loads((folder / "report.json").read_text())
    actions = (f"{each['kind']} {each['action']}" for each in report["objects"])
    return Counter(action for action in actions if not action.endswith((" none", " unknown")))


def _shown(actions: Counter[str]) -> str:
    return ", ".join(f"{count:,} {action}" for action, count in sorted(actions.items())) or "nothing changed"


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise UnexpectedExit(otherwise)


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"    after {(time.monotonic() - started) / 60:.1f} minutes")
