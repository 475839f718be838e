# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documents the action plugin of the same name, for ansible-doc.

from __future__ import annotations

DOCUMENTATION = r"""
module: respond_decide
short_description: Decide which hosts of a site are blocked
version_added: 0.1.0
description:
  - A step of the role C(respond). It uses what the role has registered on the sensors and FortiGates of the
    site, so it is of no use without the role. It contacts no appliance.
  - Writes C(decisions.json), C(proposal.md) and C(proposal.yml), and appends exceeded caps and refused alerts
    to C(respond.jsonl). If the decisions are those of an earlier run, it writes nothing.
  - Fails if no FortiGate of the site was read. A sensor that was not read, in whole or in part, leads to no
    new block, and to no release before the time of an entry.
options:
  sensors:
    description:
      - The sensors of the site.
    type: list
    elements: str
    required: true
  fortigates:
    description:
      - The FortiGates of the site.
    type: list
    elements: str
    required: true
  appliances:
    description:
      - What each address or name of an appliance is, from P(otsec.defender_iot.respond_sites#filter). Their
        addresses are never blocked.
    type: dict
    default: {}
extends_documentation_fragment:
  - otsec.defender_iot.respond
  - otsec.defender_iot.attributes.about_site
seealso:
  - module: otsec.defender_iot.respond_lock
  - module: otsec.defender_iot.respond_outcome
  - module: otsec.defender_iot.fortigate_block_list
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
- name: Decide which hosts are blocked
  otsec.defender_iot.respond_decide:
    site: north
    folder: /srv/ot/respond
    sensors: [sensor-north-01]
    fortigates: [fgt-north-01, fgt-north-02]
  register: result
"""

RETURN = r"""
outcome:
  description:
    - V(decided), V(capped) if a cap stopped every new block, or V(unreadable) if alerts or devices could not
      be read. V(unreadable) outranks V(capped).
  type: str
  returned: success
  sample: decided
exit_code:
  description: The exit code for the outcome, 0, 3 or 4.
  type: int
  returned: success
  sample: 0
counts:
  description: The number of addresses for each decision, and of alerts for C(none).
  type: dict
  returned: success
  sample: {block: 1, renew: 0, keep: 2, release: 0, none: 7}
exceeded:
  description: A sentence for each exceeded cap.
  type: list
  elements: str
  returned: success
unread:
  description: Each C(sensor) with an C(answer) that could not be used.
  type: list
  elements: dict
  returned: success
entries:
  description: All wanted entries of the owner V(respond), as M(otsec.defender_iot.fortigate_block_list) takes
    them.
  type: list
  elements: dict
  returned: success
decisions:
  description: The decisions about entries, without the alerts that lead to none. C(decisions.json) has all.
  type: list
  elements: dict
  returned: success
  sample:
    - sensor: sensor-north-01
      alert: 104
      device: 501
      address: 192.0.2.51
      decision: block
      reason: 'until 2026-11-27T16:00:00Z: "Suspicion of Conficker Malware" from "ws-51" (type "Workstation")'
      matched: true
site:
  description: Name of the site.
  type: str
  returned: if the site has a name
  sample: north
mode:
  description: Mode of the run.
  type: str
  returned: success
  sample: propose
folder:
  description: Folder of the files of the site.
  type: str
  returned: success
  sample: /srv/ot/respond/north
"""
