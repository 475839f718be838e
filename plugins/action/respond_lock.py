# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the rules of a site, and asks the main process for its lock."""

from __future__ import annotations

from typing import Any

from ..module_utils._engine.moment import as_text, now
from ..module_utils._module.arguments import Arguments
from ..plugin_utils._respond_run.action import RespondAction
from ..plugin_utils._respond_run.files import folder_of
from ..plugin_utils._respond_run.locks import NAME
from ..plugin_utils._respond_run.options import PLACE, RULES, read_approvals_file, read_rules


class ActionModule(RespondAction):
    """Returns the path of the lock, which the callback plugin respond then takes."""

    attempt = "checking the rules"
    arguments = Arguments({**PLACE, **RULES, "lock_timeout": {"type": "int", "default": 60}})

    def work(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the lock to take, none in check mode. Raises InvalidOptions."""
        read_rules(options, {})
        read_approvals_file(options["approvals"])
        lock = folder_of(options["folder"], options["site"]) / NAME
        found = {"changed": False, "seconds": options["lock_timeout"]}
        if self.is_predicted:
            return found
        # A run that changes no FortiGate loses nothing when it is killed.
        mark = as_text(now()) if options["mode"] == "enforce" else ""
        return {**found, "lock": str(lock), "mark": mark}
