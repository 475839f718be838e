# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Enables the report in the playbooks of this collection, and in those that import one, without a setting."""

from __future__ import annotations

from ansible_collections.otsec.defender_iot.plugins.callback.report import DOCUMENTATION
from ansible_collections.otsec.defender_iot.plugins.callback.report import CallbackModule as Report

__all__ = ["DOCUMENTATION", "CallbackModule"]


class CallbackModule(Report):
    """A class of its own, because Ansible stores the plugin name in the class."""
