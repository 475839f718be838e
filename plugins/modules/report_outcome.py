# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What the action of this name does, for ansible-doc.

from __future__ import annotations

DOCUMENTATION = r"""
module: report_outcome
short_description: End a run as its report says
version_added: 0.1.0
description:
  - The last task of a run that only looks, such as the playbook C(otsec.defender_iot.drift). It makes the
    exit code of C(ansible-playbook) say what the report says.
  - It succeeds if everything is as declared, fails if something would change, and is unreachable if any
    appliance failed, could not be reached or was not done, whatever else was found. C(ansible-playbook) then
    ends with 0, 2 or 4.
  - It speaks of the whole run, so once is enough. C(--limit) leaves out C(localhost), and the playbook would
    end with 0, so name the appliances too and say C(run_once=true).
  - Where no report is being made it is unreachable, for then nothing is known.
attributes:
  check_mode:
    description: What happens in check mode.
    support: full
    details:
      - It changes nothing.
  diff_mode:
    description: Whether it shows differences.
    support: none
  platform:
    description: Where it runs.
    platforms: all
    support: full
seealso:
  - plugin: otsec.defender_iot.report
    plugin_type: callback
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
- name: Look at the FortiGates
  hosts: fortigates
  gather_facts: false
  check_mode: true
  ignore_errors: true
  ignore_unreachable: true
  vars:
    defender_iot_report: defender_iot_report
  tasks:
    - name: Compare the FortiGates with what is declared
      ansible.builtin.include_role:
        name: otsec.defender_iot.fortigate_access

- name: Say by the exit code what was found
  hosts: localhost:fortigates
  gather_facts: false
  vars:
    defender_iot_report: defender_iot_report
  tasks:
    - name: End as the report says
      otsec.defender_iot.report_outcome:
      run_once: true
"""

RETURN = r"""
state:
  description:
    - V(clean), V(drift) or V(unknown), and V(changed) if the run was not one in check mode.
  type: str
  returned: always
  sample: drift
"""
