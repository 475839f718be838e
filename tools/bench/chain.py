# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures the whole chain on a fleet with one failing site: `make bench-chain`.

A run is stored in tools/bench/runs, and the published pages are written from all stored runs.
`tools/run python -m tools.bench.chain 9` is a trial with nine sites. It writes to .cache/bench-chain. With
fewer sites, the failing site would be a separate batch and end the rollout.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import yaml

from ..lab import ROOT, Lab
from .contestants import OWN, PLAYBOOKS
from .fleet import fresh
from .measure import UnexpectedExit, cost, end_on_signals
from .publish import print_targets, publish
from .runs import RUNS, Record
from .targets import CHAIN

SITES, FEW_SITES = 20, 3
FORTIGATES, SENSORS = 50, 15
"""Numbers for each site, which also has one Forescout platform."""
FOLDER = ROOT / ".cache/bench-chain"
FLOOR = str(PLAYBOOKS / "chain_floor.yml")

ROLLOUT = {"canary": ["site_01"], "serial": [1, "25%"], "max_fail_percentage": 50}
COUNTED = ("requests", "connections", "writes")
UNREACHABLE = 4
Figures = dict[str, float]


def main() -> None:
    """Run all steps, store the figures, and write the pages."""
    end_on_signals()
    sites = int(sys.argv[1]) if sys.argv[1:] else SITES
    chain = Chain(FOLDER, sites)
    record = Record("chain", [len(chain.few), len(chain.appliances)])
    print(f"==> a lab of {len(chain.appliances):,} appliances at {sites} sites", flush=True)
    try:
        fresh(chain.lab)
        figures = dict(steps(chain))
    except UnexpectedExit as error:
        sys.exit(str(error))
    finally:
        chain.lab.stop()
        chain.forget_secrets()
    place = ROOT if sites == SITES else FOLDER
    stored = record.store(figures, RUNS if place == ROOT else FOLDER / "runs")
    print_targets(CHAIN, json.loads(stored.read_text()))
    publish(stored.parent, place)


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
    def few(self) -> list[Appliance]:
        """The appliances of the first sites, a small fleet."""
        return [each for each in self.appliances if each.site in self.sites[:FEW_SITES]]

    @property
    def failing(self) -> list[str]:
        """The appliances of the site in the middle."""
        middle = self.sites[len(self.sites) // 2]
        return [each.name for each in self.appliances if each.site == middle]

    def reset(self) -> None:
        """Give all appliances their initial state."""
        self.lab.ask("/reset", "POST")
        self.forget_secrets()

    def forget_secrets(self) -> None:
        """Remove the stored keys and tokens, which a reset of the lab makes invalid."""
        shutil.rmtree(self.folder / "lab/secrets", ignore_errors=True)

    def play(self, playbook: str, *arguments: str, expected: int = 0, few: bool = False) -> Figures:
        """Run a playbook and return its figures. Raises UnexpectedExit."""
        self.lab.ask("/calls", "DELETE")
        name = playbook if playbook == FLOOR else f"otsec.defender_iot.{playbook}"
        command = [str(OWN / "ansible-playbook"), name]
        for inventory in self._few_inventories() if few else (self.inventory, self._of_lab):
            command += ["-i", str(inventory)]
        command += ["--vault-password-file", str(self.folder / "vault-password")]
        environment = {**os.environ, "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false"}
        log = self.folder / f"{Path(playbook).stem}.log"
        spent = cost([*command, *arguments], environment, log, expected)
        return {**asdict(spent), **dict(zip(COUNTED, self.counted(), strict=True))}

    @property
    def _of_lab(self) -> Path:
        """The inventory that directs the appliances to the lab."""
        return self.folder / "lab/inventory.yml"

    def _few_inventories(self) -> tuple[Path, Path]:
        """Write the inventories of the small fleet."""
        own, of_lab = self.folder / "few.json", self._of_lab.with_name("few.yml")
        own.write_text(json.dumps(_inventory(self.few)))
        names = {each.name for each in self.few}
        groups = yaml.safe_load(self._of_lab.read_text())
        for group in groups.values():
            hosts = group.get("hosts", {})
            group["hosts"] = {name: hosts[name] for name in hosts if name in names}
        of_lab.write_text(yaml.safe_dump(groups))
        return own, of_lab

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


def steps(chain: Chain) -> Iterator[tuple[str, Figures]]:
    """Yield the name and the figures of each run: a small fleet in sync, then a real rollout."""
    folder = chain.folder / "report"
    rollout = json.dumps({"rollout": ROLLOUT, "defender_iot_report": str(folder)})
    reported = ("--extra-vars", rollout)

    chain.reset()
    chain.play("site", few=True)
    yield shown("few", in_sync(chain, folder, "site", few=True))

    chain.reset()
    spent = chain.play("site", "--check", *reported)
    predicted = _actions(folder)
    yield shown("predict", spent, predicted)

    chain.fail()
    spent = chain.play("site", *reported, expected=UNREACHABLE)
    left = set((folder / "retry").read_text().split())
    _require(
        left == set(chain.failing),
        f"`retry` differs from the failing hosts: {sorted(left ^ set(chain.failing))}",
    )
    done = _actions(folder)
    yield shown("rollout", spent, done)

    chain.repair()
    spent = chain.play("site", "--limit", f"@{folder}/retry", *reported)
    rest = _actions(folder)
    _require(done + rest == predicted, f"{_listed(predicted)} predicted, {_listed(done + rest)} done")
    yield shown("retry", spent, rest)

    # Before and after the runs that are compared with it, because the machine may change meanwhile.
    floors = [chain.play(FLOOR)]
    yield shown("site", in_sync(chain, folder, "site"))
    yield shown("check", in_sync(chain, folder, "site", "--check"))
    yield shown("drift", in_sync(chain, folder, "drift"))
    floors.append(chain.play(FLOOR))
    yield shown("floor", {quantity: mean(floor[quantity] for floor in floors) for quantity in floors[0]})

    chain.lab.ask("/poll", "POST")
    verdicts = chain.folder / "verdicts.json"
    spent = chain.play("verify", "--extra-vars", json.dumps({"defender_iot_verdict_file": str(verdicts)}))
    judged = json.loads(verdicts.read_text())
    states = Counter(f"{each['integration']} {each['verdict']['state']}" for each in judged)
    # FortiOS has no time of last use of a key.
    expected = {"forescout working": len(chain.sites), "fortinet unknown": len(chain.sites) * FORTIGATES}
    _require(states == expected, f"the verdicts are {_listed(states)}")
    yield shown("verify", spent, states)


def in_sync(chain: Chain, folder: Path, *arguments: str, few: bool = False) -> Figures:
    """Run a playbook on appliances in sync. Raises UnexpectedExit if it finds a difference or writes."""
    reported = ("--extra-vars", json.dumps({"defender_iot_report": str(folder)}))
    spent = chain.play(*arguments, *reported, few=few)
    found = _actions(folder)
    _require(not found and not spent["writes"], f"{' '.join(arguments)} in sync: {_listed(found)}")
    return spent


def shown(name: str, figures: Figures, result: Counter[str] | None = None) -> tuple[str, Figures]:
    """Print a run."""
    numbers = f"{figures['cpu']:8.1f} CPU s{figures['wall']:8.1f} s{figures['memory']:8.0f} MB"
    print(f"    {name:8}{numbers}  {_listed(result) if result else ''}", flush=True)
    return name, figures


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


def _listed(actions: Counter[str]) -> str:
    return ", ".join(f"{count:,} {action}" for action, count in sorted(actions.items())) or "nothing changed"


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise UnexpectedExit(otherwise)


if __name__ == "__main__":
    main()
