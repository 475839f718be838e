# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides which hosts of a site are blocked, and writes the decisions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..module_utils._engine.errors import Conflict
from ..module_utils._engine.moment import as_text, moment_or_none, now
from ..module_utils._module.arguments import Arguments
from ..plugin_utils._report.recorder import COLLECTION, version
from ..plugin_utils._respond.candidates import Reference
from ..plugin_utils._respond.decide import Decided, decide
from ..plugin_utils._respond.document import Origin, document
from ..plugin_utils._respond.proposal import as_yaml
from ..plugin_utils._respond_run import log
from ..plugin_utils._respond_run.action import RespondAction
from ..plugin_utils._respond_run.files import Publication, folder_of
from ..plugin_utils._respond_run.infrastructure import infrastructure
from ..plugin_utils._respond_run.locks import NAME, SiteLocks
from ..plugin_utils._respond_run.options import PLACE, RULES, read_approvals_file, read_rules
from ..plugin_utils._respond_run.results import entries_of, readings_of

HOSTS = {"type": "list", "elements": "str", "required": True}
APPLIANCES = {"type": "dict", "default": {}}
NO_CALLBACK = (
    "the callback plugin otsec.defender_iot.respond is not loaded, so nothing keeps two runs apart",
    "add it to callbacks_enabled, or import the playbook otsec.defender_iot.respond",
)


class ActionModule(RespondAction):
    """Reads what the role has registered on the hosts of the site."""

    attempt = "deciding which hosts are blocked"
    arguments = Arguments({**PLACE, **RULES, "sensors": HOSTS, "fortigates": HOSTS, "appliances": APPLIANCES})

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the decisions that concern a block. In check mode, write no file."""
        for name in ("sensors", "fortigates"):
            self.require_hosts(name, options[name])
        folder = folder_of(options["folder"], options["site"])
        began = "" if self.is_predicted else _require_lock(folder / NAME, options["site"])
        moment = now()
        publication = Publication(folder)
        found = self._decide(options, moment, publication.ended())
        origin = Origin(f"{COLLECTION} {version()}", options["site"], options["mode"], as_text(moment))
        decisions = document(origin, found)
        is_current = publication.is_current(decisions, moment)
        unfinished = _log_unfinished(folder, decisions, began) if began else {}
        if not is_current and not self.is_predicted:
            _write(publication, decisions)
        result = {**_result(decisions, folder), **unfinished, "changed": not is_current}
        return {**result, **_diff(publication, decisions)}

    def _decide(self, options: Mapping[str, Any], moment: Any, ended: set[Reference]) -> Decided:
        hostvars = self.variables["hostvars"]
        sensors, fortigates = options["sensors"], options["fortigates"]
        own = entries_of(hostvars, fortigates, options["site"])
        protected = infrastructure(options["appliances"], hostvars, [*sensors, *fortigates])
        rules = read_rules(options, protected)
        approvals = read_approvals_file(options["approvals"])
        return decide(readings_of(hostvars, sensors), own, rules, approvals, moment, ended)


def _require_lock(path: Path, site: str) -> str:
    """Return the mark of a killed run. Raises Conflict if this run does not have the lock of the site."""
    if SiteLocks.current is None:
        raise Conflict(*NO_CALLBACK)
    if not SiteLocks.current.holds(str(path)):
        raise Conflict(
            f'another run works on the site "{site}", or {path} cannot be opened',
            "wait until the other run ends, and run again",
        )
    return SiteLocks.current.unfinished(str(path))


def _log_unfinished(folder: Path, decisions: Mapping[str, Any], began: str) -> dict[str, list[str]]:
    """Log that an earlier run was killed, and return the warning about it."""
    when = f"began at {began}" if moment_or_none(began) else "came before"
    reason = (
        f"the run that {when} did not finish, so {log.NAME} may lack what it has changed; the comments of "
        "the entries on the FortiGates have it"
    )
    line = log.line(decisions["generated_at"], decisions["site"], "unfinished", reason=reason)
    log.append(folder / log.NAME, [line])
    return {"warnings": [reason]}


def _write(publication: Publication, decisions: Mapping[str, Any]) -> None:
    """Write the log and then the files: what is not blocked is logged again rather than never."""
    caps, refusals = publication.new_caps(decisions), publication.new_refusals(decisions)
    lines = log.decided_lines(decisions["generated_at"], decisions["site"], caps, refusals)
    log.append(publication.folder / log.NAME, lines)
    publication.write(decisions)


def _result(decisions: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the result, without the many alerts that lead to no block."""
    same = ("site", "mode", "outcome", "exit_code", "counts", "exceeded", "unread")
    entries = [{k: v for k, v in each.items() if k != "owner"} for each in decisions["entries"]]
    return {
        # An empty text would not be an option of the task that takes this result.
        **{name: decisions[name] for name in same if decisions[name] != ""},
        "folder": str(folder),
        "entries": entries,
        "decisions": [row for row in decisions["decisions"] if row["decision"] != "none"],
        "ansible_stats": {
            "data": {"respond_outcome": {decisions["site"]: decisions["outcome"]}},
            "per_host": False,
            "aggregate": True,
        },
    }


def _diff(publication: Publication, decisions: Mapping[str, Any]) -> dict[str, Any]:
    before = as_yaml(publication.previous) if publication.previous else ""
    path = str(publication.folder / "proposal.yml")
    return {
        "diff": {"before": before, "after": as_yaml(decisions), "before_header": path, "after_header": path}
    }
