# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..modules import forescout_policy_info
from ..plugin_utils._action.appliance import ApplianceAction


class ActionModule(ApplianceAction):
    """Runs the module of the same name."""

    module = forescout_policy_info.MODULE
