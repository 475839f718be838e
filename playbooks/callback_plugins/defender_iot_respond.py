# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Enables the locks and the exit code of the role respond in the playbooks of this collection."""

from __future__ import annotations

from ansible_collections.otsec.defender_iot.plugins.callback.respond import DOCUMENTATION
from ansible_collections.otsec.defender_iot.plugins.callback.respond import CallbackModule as Respond

__all__ = ["DOCUMENTATION", "CallbackModule"]


class CallbackModule(Respond):
    """A class of its own, because Ansible stores the plugin name in the class."""
