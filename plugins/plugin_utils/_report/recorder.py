# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records a run for the report, and writes the files at the end.

Everything here runs in Ansible's main process. An action runs in a fork of it, and sees the state recorded
before its task started.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.template import Templar

from ...module_utils._engine.files import overwrite_regular
from ...module_utils._engine.moment import as_text, now
from ...module_utils._module.untagged import plain
from .._inventory.groups import CONSOLES, DECOMMISSIONED, KINDS
from .document import Appliance, Blocking, LeftBehind, Origin, Outcome, document
from .junit import render as junit
from .markdown import render as markdown
from .page import render as page

COLLECTION = "otsec.defender_iot"
FOLDER = "defender_iot_report"
OF_APPLIANCE = ("defender_iot_site", "forescout_module_sensor", "ansible_host", "fortigate_access_trust")
VERDICTS = {"fortigate_access_verdict", "forescout_module_verdict", "fortisiem_events_verdict"}
POLICY_VERDICT = "forescout_policies_verdict"
UNUSED = "sensor_tokens_unused"
LEFT_BEHIND = "defender_iot_left_behind"
HIDDEN = "no_log hides the result of its task, so its state is unknown"
OUTCOME = f"{COLLECTION}.report_outcome"
BLOCK_LISTS = (f"{COLLECTION}.fortigate_block_list", f"{COLLECTION}.fortigate_block_list_info")
DECIDE = f"{COLLECTION}.respond_decide"
READS = ("_info", "_check")
FAILURES = ("unreachable", "failed")


def as_json(report: Mapping[str, Any]) -> str:
    """Return a report as JSON."""
    return json.dumps(report, indent=2) + "\n"


def as_limit(report: Mapping[str, Any]) -> str:
    """Return the names of all unchecked appliances, for `ansible-playbook --limit @FILE`."""
    rows = (row for row in report["appliances"] if row["state"] != "checked")
    return "".join(f"{row['appliance']}\n" for row in rows)


FILES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "report.json": as_json,
    "report.md": markdown,
    "junit.xml": junit,
    "retry": as_limit,
    "report.html": page,
}


class Recorder:
    """Records a playbook while its plays have a folder for the report."""

    current: Recorder | None = None

    def __init__(self) -> None:
        self.default_folder = ""
        self.folder = ""
        self.playbook = ""
        self.plays: list[Any] = []
        self.play: Any = None
        self.has_run = False
        self._forget()

    def _forget(self) -> None:
        self.appliances: dict[str, Appliance] = {}
        self.outcomes: list[Outcome] = []
        self.verdicts: dict[str, Mapping[str, Any]] = {}
        self.policies: dict[str, Mapping[str, Any]] = {}
        self.blocks: dict[str, list[Mapping[str, Any]]] = {}
        self.proposals: dict[str, list[Mapping[str, Any]]] = {}
        self.left_behind = LeftBehind()
        self.consoles: list[Appliance] = []

    def start(self, playbook: Any) -> None:
        """Record the start of a playbook."""
        self.playbook = Path(playbook._file_name).stem
        self.plays = playbook.get_plays()

    def leaves(self, play: Any) -> bool:
        """Return whether a play has another report folder than the plays before."""
        return self._folder_of(play) != self.folder

    def enter(self, play: Any) -> None:
        """Record the appliances of all plays with the same folder, also of plays that may never start.

        Some hosts of later plays are known only when these start.
        """
        self.play = play
        before, self.folder = self.folder, self._folder_of(play)
        if self.folder:
            self._expect(play)
        if self.folder and self.folder != before:
            for each in self.plays:
                if self._folder_of(each) == self.folder:
                    self._expect(each)

    def plays_follow(self) -> bool:
        """Return whether the current play is not the last one of the playbook."""
        return bool(self.plays) and self.play._uuid != self.plays[-1]._uuid

    def end(self) -> None:
        """Reset after the report is written."""
        self.folder = ""
        self._forget()

    def _folder_of(self, play: Any) -> str:
        variables = play.get_variable_manager().get_vars(play=play)
        named = Templar(loader=play._loader, variables=variables).template(variables.get(FOLDER))
        return str(named or self.default_folder)

    @staticmethod
    def _pattern(play: Any) -> Any:
        """Return the hosts of a play that may not have started. Some are known only when it does."""
        if "{{" not in str(play.hosts):
            return play.hosts
        variables = play.get_variable_manager().get_vars(play=play)
        try:
            return Templar(loader=play._loader, variables=variables).template(play.hosts)
        except AnsibleError:
            return []

    def _expect(self, play: Any) -> None:
        kinds = list(_kinds(play))
        if not kinds:
            return
        manager = play.get_variable_manager()
        for host in manager._inventory.get_hosts(self._pattern(play), ignore_restrictions=True):
            if host.name not in self.appliances:
                self.appliances[host.name] = _appliance(host, kinds[0], manager, play._loader)
        self.consoles = [
            _appliance(host, CONSOLES, manager, play._loader) for host in _consoles(manager._inventory.groups)
        ]

    def note(self, result: Any, event: str, *, ignored: bool = False) -> None:
        """Record the outcome of a task on one of the appliances.

        ``event`` is ok, failed, unreachable or skipped, because Ansible removes that from the result.
        """
        host, task = result._host.get_name(), result._task
        self.has_run = self.has_run or "always" not in task.tags
        action = str(task.resolved_action or task.action)
        # Ansible converts a result for each callback that reads it, which takes long for thousands of alerts.
        if not self.folder and _product(action):
            return
        data = result._result
        if LEFT_BEHIND in data.get("ansible_facts", {}):
            self.left_behind = LeftBehind(**plain(data["ansible_facts"][LEFT_BEHIND]))
        if not self.folder or host not in self.appliances:
            return
        self._note_facts(host, data)
        self._note_blocking(host, action, data)
        if _product(action):
            acts = not task.check_mode and not action.endswith(READS)
            self.outcomes += [
                _outcome(host, plain(dict(item)), happened, acts)
                for item, happened in _items(task, data, event)
            ]
        elif event in FAILURES and action != OUTCOME and not (ignored and not _is_of_role(task)):
            # A failure before the first request to the appliance leaves it undone.
            tried = any(each.appliance == host for each in self.outcomes)
            self.outcomes.append(_outcome(host, plain(dict(data)), event if tried else "not_done", False))

    def _note_facts(self, host: str, data: Mapping[str, Any]) -> None:
        facts = data.get("ansible_facts", {})
        kept = [_kept(token) for token in plain(facts.get(UNUSED, [])) if token["reason"]]
        if kept:
            self.outcomes.append(Outcome(host, "checked", objects=kept))
        for name in facts.keys() & VERDICTS:
            self.verdicts[host] = plain(facts[name]["verdict"])
        if POLICY_VERDICT in facts:
            self.policies[host] = plain(facts[POLICY_VERDICT]["verdict"]["policies"])

    def _note_blocking(self, host: str, action: str, data: Mapping[str, Any]) -> None:
        """Record the entries of a block list, or the decisions of a run that only proposes."""
        if action in BLOCK_LISTS and "entries" in data:
            self.blocks[host] = plain(data["entries"])
        elif action == DECIDE and data.get("mode") == "propose":
            self.proposals[str(data["site"])] = plain(data["decisions"])

    def document(self) -> dict[str, Any]:
        """Return the current report."""
        origin = Origin(self.playbook, f"{COLLECTION} {version()}", as_text(now()))
        blocking = Blocking(self.blocks, self.proposals)
        return document(
            origin,
            self.appliances.values(),
            self.outcomes,
            self.verdicts,
            blocking,
            self.policies,
            self.left_behind,
            self.consoles,
        )

    def write(self, report: Mapping[str, Any]) -> Path:
        """Write all files and return their folder. Raises OSError."""
        folder = Path(self.folder).expanduser().absolute()
        folder.mkdir(parents=True, exist_ok=True)
        for name, render in FILES.items():
            # Ansible keeps bytes that are not UTF-8 as surrogates, which no file can contain.
            overwrite_regular(folder / name, render(report).encode("utf-8", "replace"))
        return folder


def version() -> str:
    """Return the version of the collection, installed or in a clone."""
    root = Path(__file__).parents[3]
    manifest = root / "MANIFEST.json"
    if manifest.exists():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    return str(yaml.safe_load((root / "galaxy.yml").read_text(encoding="utf-8"))["version"])


def _kinds(play: Any) -> Iterator[str]:
    """Yield the kind of appliance of every role and module of this collection in a play."""
    names = [role.get_name() for role in play.get_roles()]
    for block in play.compile():
        for task in block.get_tasks():
            names += [task.resolved_action or task.action, getattr(task, "_role_name", None)]
    yield from filter(None, map(_product, names))


def _product(name: str | None) -> str | None:
    """Return the kind of appliance of a role or module, None if it is not of this collection."""
    namespace, _dot, own = str(name).rpartition(".")
    kind = own.partition("_")[0]
    return kind if namespace == COLLECTION and kind in KINDS.values() else None


def _appliance(host: Any, kind: str, manager: Any, loader: Any) -> Appliance:
    """Return an appliance from the inventory. Its group outranks the kind of the play's first task."""
    groups = {group.name for group in host.get_groups()}
    variables = manager.get_vars(host=host, include_hostvars=False)
    templar = Templar(loader=loader, variables=variables)
    known = [str(templar.template(variables.get(name)) or "") for name in OF_APPLIANCE]
    site, asks, address, trust = known
    kind = next((kind for group, kind in KINDS.items() if group in groups), kind)
    return Appliance(str(host.name), kind, site, asks or None, address or str(host.name), trust or "all")


def _consoles(groups: Mapping[str, Any]) -> list[Any]:
    """Return the management consoles of the inventory. A pattern would warn of groups that do not exist."""
    named = groups[CONSOLES].get_hosts() if CONSOLES in groups else []
    return [host for host in named if DECOMMISSIONED not in {group.name for group in host.get_groups()}]


def _is_of_role(task: Any) -> bool:
    """Return whether a task is in a role of this collection. Its ignored failures are reported too."""
    return task._role is not None and _product(task._role.get_name()) is not None


def _kept(token: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object of an unused token that is kept."""
    return {
        "kind": "token",
        "name": token["description"],
        "action": "none",
        "reason": f"kept: {token['reason']}",
    }


def _items(task: Any, data: Mapping[str, Any], event: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the result and event of a task, or of each item of its loop."""
    items = data.get("results", []) if task.loop is not None else []
    for item in items:
        yield item, next((each for each in (*FAILURES, "skipped") if item.get(each)), "ok")
    if not items:
        yield data, event


def _outcome(host: str, data: Mapping[str, Any], event: str, acts: bool) -> Outcome:
    if "censored" in data:
        return Outcome(host, "failed", HIDDEN, acts=acts)
    went_wrong = event in (*FAILURES, "not_done")
    return Outcome(
        host,
        event if went_wrong else "checked",
        str(data.get("msg", "the task gave no message")) if went_wrong else None,
        data.get("objects", ()),
        data.get("provenance"),
        acts and event != "skipped",
        data.get("trusted_hosts"),
    )
