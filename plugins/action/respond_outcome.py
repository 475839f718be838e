# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logs what a run has changed at a site, and sets the exit code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..module_utils._engine.errors import InvalidOptions
from ..module_utils._engine.moment import as_text, now
from ..module_utils._module.arguments import Arguments
from ..plugin_utils._respond_run import log
from ..plugin_utils._respond_run.action import RespondAction
from ..plugin_utils._respond_run.locks import NAME
from ..plugin_utils._respond_run.results import changes_of

HOSTS = {"type": "list", "elements": "str", "required": True}
DECIDED = ("folder", "mode", "outcome", "exit_code", "counts", "exceeded", "unread", "decisions")
FLAGS = {"capped": "failed", "unreadable": "unreachable"}


class ActionModule(RespondAction):
    """Fails if a cap was exceeded, and is unreachable if not everything could be read."""

    attempt = "logging the changes"
    arguments = Arguments({"decided": {"type": "dict", "required": True}, "fortigates": HOSTS})

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the outcome as the state of the task, after what has changed is on the disk."""
        decided = options["decided"]
        missing = [name for name in DECIDED if name not in decided]
        if missing:
            raise InvalidOptions(
                f"the option decided has no {missing[0]}, so it is not the registered result of a task of "
                "respond_decide that succeeded",
                "set it to the registered result of respond_decide, and correct what that task reported",
            )
        self.require_hosts("fortigates", options["fortigates"])
        folder, site, outcome = Path(decided["folder"]), decided.get("site", ""), decided["outcome"]
        if not self.is_predicted:
            changes = changes_of(self.variables["hostvars"], options["fortigates"])
            lines = log.changed_lines(as_text(now()), site, changes, decided["decisions"])
            log.append(folder / log.NAME, lines)
        flag = {FLAGS[outcome]: True} if outcome in FLAGS else {}
        return {
            "changed": False,
            "outcome": outcome,
            "exit_code": decided["exit_code"],
            "msg": f"{self.host}: {'; '.join(_sentences(decided))}",
            "lock": str(folder / NAME),
            # A success is shown without -v too.
            "_ansible_verbose_always": True,
            **flag,
        }


def _sentences(decided: Mapping[str, Any]) -> Iterator[str]:
    """Yield the parts of the message: what went wrong, the numbers, and where to read more."""
    counts, site = decided["counts"], decided.get("site", "")
    if decided["unread"]:
        answers = ", ".join(f"{each['answer']} of {each['sensor']}" for each in decided["unread"])
        yield (
            f'deciding about the site "{site}" failed in part: could not read {answers}, or they are empty, '
            "so nothing new is blocked; correct what the tasks about these sensors reported"
        )
    if decided["exceeded"]:
        yield (
            f'blocking at the site "{site}" was stopped by a cap: {", ".join(decided["exceeded"])}; check '
            "the alerts; close the false ones on the sensor, or raise the cap"
        )
    numbers = ", ".join(f"{counts[each]} to {each}" for each in ("block", "renew", "keep", "release"))
    yield f'site "{site}", mode {decided["mode"]}: {numbers}; see {decided["folder"]}/proposal.md'
