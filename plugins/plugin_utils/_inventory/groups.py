# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory groups that the playbooks work on."""

from __future__ import annotations

KINDS = {
    "fortigates": "fortigate",
    "sensors": "sensor",
    "forescouts": "forescout",
    "fortisiems": "fortisiem",
}
"""The group of each kind of appliance. The names of its modules and roles begin with the kind."""

CONSOLES = "management_consoles"
"""The on-premises management consoles, which no module manages, but whose addresses may be trusted."""

DECOMMISSIONED = "decommissioned"
"""The appliances that are no longer to be used. They are in the group of their kind too."""
