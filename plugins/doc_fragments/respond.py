# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The site, the rules and the approvals of the role respond."""

    DOCUMENTATION = r"""
options:
  site:
    description:
      - Name of the site. Its files are in a folder of this name.
    type: str
    default: ""
  mode:
    description:
      - Whether to only propose, or also to block and release. The action itself changes no appliance.
    type: str
    choices: [propose, enforce]
    default: propose
  folder:
    description:
      - Folder of the files of all sites.
    type: path
    required: true
  match:
    description:
      - The alerts that lead to a block, each item with C(engine), C(titles), C(except) and C(offender), as in
        C(respond_match) of the role C(respond).
    type: list
    elements: dict
    default:
      - engine: malware
  expire:
    description:
      - Whether an alert blocks while it is unhandled, or for O(ttl) only.
    type: str
    choices: [while_unhandled, fixed]
    default: while_unhandled
  ttl:
    description:
      - Duration of a block in minutes.
    type: int
    default: 240
  dynamic_ttl:
    description:
      - Duration of a block in minutes for a dynamic address.
    type: int
    default: 60
  max_duration:
    description:
      - Time in minutes since an alert after which it blocks only with an approval.
    type: int
    default: 10080
  allowed_types:
    description:
      - Types of devices that may be blocked.
    type: list
    elements: str
    default:
      - Workstation
      - Server
      - Printer
      - IP Camera
      - Smart TV
      - Game console
      - DVR
      - IP Telephone
      - Smart Phone
      - Tablet
      - Wifi Pineapple
  allow_public:
    description:
      - Whether public addresses may be blocked.
    type: bool
    default: false
  protected:
    description:
      - Addresses and networks that are never blocked.
    type: list
    elements: str
    default: []
  cells:
    description:
      - The networks of each cell by its name.
    type: dict
    default: {}
  max_new:
    description:
      - Maximum number of hosts that one run blocks.
    type: int
    default: 5
  max_per_hour:
    description:
      - Maximum number of hosts that are blocked within an hour.
    type: int
    default: 10
  max_entries:
    description:
      - Maximum number of blocked hosts of the site, of all owners.
    type: int
    default: 50
  max_cell_share:
    description:
      - Maximum share of the devices of a cell that may be blocked.
    type: float
    default: 0.1
  approvals:
    description:
      - File with the decisions of persons about single addresses. If it is set, it must exist. If it is not
        set, there are none.
    type: path
"""
