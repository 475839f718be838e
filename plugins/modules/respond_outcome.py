# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documents the action plugin of the same name, for ansible-doc.

from __future__ import annotations

DOCUMENTATION = r"""
module: respond_outcome
short_description: Log what a run has changed at a site, and set the exit code
version_added: 0.1.0
description:
  - The last step of the role C(respond). It appends a line to C(respond.jsonl) for each entry that the run
    has blocked, renewed or released on a FortiGate, and then releases the lock of the site.
  - If a cap has stopped new blocks, the task fails. With the callback plugin
    P(otsec.defender_iot.respond#callback), C(ansible-playbook) then exits with 3, unless another host has
    failed. If alerts or devices could not be read, the result is unreachable, and the exit code is 4.
options:
  decided:
    description:
      - Result of M(otsec.defender_iot.respond_decide).
    type: dict
    required: true
  fortigates:
    description:
      - The FortiGates of the site.
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - otsec.defender_iot.attributes.about_site
seealso:
  - module: otsec.defender_iot.respond_decide
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
- name: Log the changes and set the exit code
  otsec.defender_iot.respond_outcome:
    decided: "{{ result }}"
    fortigates: [fgt-north-01, fgt-north-02]
"""

RETURN = r"""
outcome:
  description: Outcome of the run at the site.
  type: str
  returned: always
  sample: decided
exit_code:
  description: The exit code for the outcome.
  type: int
  returned: always
  sample: 0
lock:
  description: Path of the lock, which is now released.
  type: str
  returned: always
  sample: /srv/ot/respond/north/.respond.lock
"""
