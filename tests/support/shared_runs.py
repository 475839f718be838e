# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests that share their runs, because most of the time of a run is the start of ansible-playbook.

Each test has its own host, with its own appliance. It is a generator: it prepares the appliance, yields the
step that is to be run, and gets the part of the run on its host. All tests of a file go from step to step
together. A failed assertion ends only its own test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from .workspace import COLLECTION, Run, Task, Workspace, play, task

Steps = Generator[Any, Run, None]
Test = Callable[..., None]


class SharedRuns:
    """The tests of a file that share their runs. The file has the fixture `outcomes`, which calls `go`."""

    def __init__(self) -> None:
        self._tests: dict[str, Callable[[Any], Steps]] = {}

    def test(self, steps: Callable[[Any], Steps]) -> Test:
        """Make a test of a generator, which gets its place."""
        self._tests[steps.__name__] = steps

        def test(outcomes: Outcomes) -> None:
            outcomes.check(steps.__name__)

        return _named(test, steps)

    def each(self, cases: Iterable[str]) -> Callable[[Callable[[Any, str], Steps]], Test]:
        """Make a test of each case. The generator gets its place and the case."""
        names = list(cases)

        def decorate(steps: Callable[[Any, str], Steps]) -> Test:
            self._tests |= {f"{steps.__name__}-{name}": partial(steps, case=name) for name in names}

            def test(outcomes: Outcomes, case: str) -> None:
                outcomes.check(f"{steps.__name__}-{case}")

            return pytest.mark.parametrize("case", names)(_named(test, steps))

        return decorate

    def __len__(self) -> int:
        """Return the number of tests."""
        return len(self._tests)

    def go(
        self,
        make_place: Callable[[int], Any],
        advance: Callable[[dict[str, Any]], dict[str, Run]],
    ) -> Outcomes:
        """Run all tests. `make_place` makes the place of the test with this number, from 1 on.

        `advance` runs the next steps by host, and returns the parts of the runs by host. The attribute
        `name` of a place is that of its host.
        """
        going: dict[str, tuple[str, Steps]] = {}
        for number, (name, start) in enumerate(self._tests.items(), 1):
            place = make_place(number)
            going[name] = (place.name, start(place))
        outcomes = Outcomes()
        runs: dict[str, Any] = {}
        while going:
            wanted = {}
            for name, (host, steps) in list(going.items()):
                try:
                    wanted[host] = steps.send(runs.get(host))
                except Exception as error:
                    outcomes.errors[name] = error
                    del going[name]
            runs = advance(wanted) if wanted else {}
        return outcomes


@dataclass(frozen=True)
class Step:
    """The next tasks of a host, of which none stops the run, and the arguments of that run."""

    tasks: tuple[Task, ...]
    arguments: tuple[str, ...] = ()


class TaskRuns:
    """Runs the tasks of many hosts."""

    def __init__(self, node: Workspace) -> None:
        self.node = node
        self.hosts: dict[str, dict[str, Any]] = {}
        """The variables of each host."""

    def advance(self, steps: dict[str, Step]) -> dict[str, Run]:
        """Run the next step of each host. Return the run of each host."""
        self.node.lab.forget_calls()
        runs = {}
        for arguments in dict.fromkeys(step.arguments for step in steps.values()):
            tasks = {host: step.tasks for host, step in steps.items() if step.arguments == arguments}
            lists = {host: [_as_variable(each) for each in wanted] for host, wanted in tasks.items()}
            hosts = {host: {**self.hosts[host], "steps": each} for host, each in lists.items()}
            # Not in YAML, whose writer would sort the options.
            (self.node.inputs / "inventory.yml").write_text(json.dumps({"all": {"hosts": hosts}}))
            # Otherwise Ansible warns of options from a variable in the results of the modules.
            without = {"ANSIBLE_INJECT_FACT_VARS": "False"}
            run = self.node.run(play(*_common_tasks(lists)), arguments=arguments, **without)
            runs |= {host: run.on(host) for host in lists}
        return runs


class Place:
    """One appliance for one test, as a host of the same name."""

    def __init__(self, runs: TaskRuns, name: str) -> None:
        self.runs, self.node, self.lab, self.name = runs, runs.node, runs.node.lab, name
        self.set(**self.node.host(name))

    def set(self, **variables: Any) -> None:
        """Set variables of the host. None unsets one."""
        given = {**self.runs.hosts.get(self.name, {}), **variables}
        self.runs.hosts[self.name] = {name: value for name, value in given.items() if value is not None}

    def step(self, *tasks: Task, arguments: tuple[str, ...] = ()) -> Step:
        """Return the step that runs tasks in order, even if one fails."""
        return Step(tasks, arguments)

    def cmdb(self, method: str, path: str, body: Any = None) -> Any:
        """Read or write the configuration of the FortiGate. Return the results."""
        return self.lab.cmdb(self.name, method, path, body)

    def ref(self, entry: str = "entry") -> str:
        """Return the reference to a secret of this test in the store."""
        return self.node.ref(f"{self.name}/{entry}")

    def keep(self, value: str) -> None:
        """Write the secret of this test to the store, like an operator."""
        (self.node.store / self.name).mkdir(parents=True, exist_ok=True)
        self.node.keep(f"{self.name}/entry", value=value)

    def kept(self, entry: str = "entry") -> dict[str, Any]:
        """Read the record of a secret of this test."""
        return self.node.kept(f"{self.name}/{entry}")

    def calls(self) -> list[dict[str, Any]]:
        """Return the calls since the begin of the last step."""
        return self.lab.calls(self.name)


def _as_variable(wanted: Task) -> dict[str, Any]:
    """Return a task as an entry of the variable `steps`."""
    (name,) = (each for each in wanted if each.startswith(COLLECTION))
    module, check = name.removeprefix(COLLECTION), wanted.get("check_mode", False)
    return {"module": module, "options": wanted[name], "check": check}


def _common_tasks(lists: dict[str, list[dict[str, Any]]]) -> list[Task]:
    """Return tasks, each for the hosts whose variable `steps` has its module at this place."""
    found = {(place, each["module"]): 0 for steps in lists.values() for place, each in enumerate(steps)}
    return [
        {
            **task(module),
            "args": f"{{{{ steps[{place}].options }}}}",
            "check_mode": f"{{{{ steps[{place}].check or ansible_check_mode }}}}",
            "when": f"steps | length > {place} and steps[{place}].module == '{module}'",
            "ignore_errors": True,
            "ignore_unreachable": True,
        }
        for place, module in sorted(found)
    ]


class Outcomes:
    """The exceptions that have ended the tests. At the end of its steps, a generator raises StopIteration."""

    def __init__(self) -> None:
        self.errors: dict[str, Exception] = {}

    def check(self, name: str) -> None:
        """Fail like the test."""
        if not isinstance(self.errors[name], StopIteration):
            raise self.errors[name]


def _named(test: Test, steps: Callable[..., Steps]) -> Test:
    """Return the test under the name, and with the documentation, of its generator."""
    test.__name__, test.__doc__, test.__module__ = steps.__name__, steps.__doc__, steps.__module__
    return test
