# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The attributes of the modules. Each module documents its own level of support."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: In check mode the module predicts its changes without making them.
  diff_mode:
    description: In diff mode the module shows the changed fields before and after the change.
  idempotent:
    description:
      - A second run with the same options reports no change, unless the appliance was changed by other means
        between the runs.
"""

    # For modules that only read, together with DOCUMENTATION above.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module only reads.
  diff_mode:
    support: N/A
    details:
      - This module only reads.
  idempotent:
    support: full
    details:
      - This module only reads.
"""

    # For modules about the run itself, which need no appliance.
    ABOUT_RUN = r"""
options: {}
attributes:
  check_mode:
    description: Behaviour in check mode.
    support: full
    details:
      - The module changes nothing.
  diff_mode:
    description: Support of diff mode.
    support: none
  platform:
    description: Supported platforms.
    platforms: all
    support: full
"""

    # For the steps of the role respond, which run on the control node.
    ABOUT_SITE = r"""
options: {}
attributes:
  check_mode:
    description: Behaviour in check mode.
    support: full
    details:
      - The step takes no lock and writes no file.
  diff_mode:
    description: Support of diff mode.
    support: partial
    details:
      - M(otsec.defender_iot.respond_decide) shows the entries before and after.
  platform:
    description: Supported platforms.
    platforms: posix
    support: full
"""

    ACTIONGROUP_FORTIGATE = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/otsec.defender_iot.fortigate) in C(module_defaults) to set the connection options once for
        all FortiGate modules.
    support: full
    membership:
      - otsec.defender_iot.fortigate
      - otsec.defender_iot.all
"""

    ACTIONGROUP_SENSOR = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/otsec.defender_iot.sensor) in C(module_defaults) to set the connection options once for
        all sensor modules.
    support: full
    membership:
      - otsec.defender_iot.sensor
      - otsec.defender_iot.all
"""

    ACTIONGROUP_FORESCOUT = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/otsec.defender_iot.forescout) in C(module_defaults) to set the connection options once for
        all Forescout modules.
    support: full
    membership:
      - otsec.defender_iot.forescout
      - otsec.defender_iot.all
"""

    ACTIONGROUP_FORTISIEM = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/otsec.defender_iot.fortisiem) in C(module_defaults) to set the connection options once for
        all FortiSIEM modules.
    support: full
    membership:
      - otsec.defender_iot.fortisiem
      - otsec.defender_iot.all
"""
