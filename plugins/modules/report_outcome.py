# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documents the action plugin of the same name, for ansible-doc.

from __future__ import annotations

DOCUMENTATION = r"""
module: report_outcome
short_description: Set the exit code of a run from its report
version_added: 0.1.0
description:
  - The last task of a run that only reads, such as the playbook C(otsec.defender_iot.drift). It sets the exit
    code of C(ansible-playbook) to that of the report.
  - If every appliance is in the desired state, the task succeeds, and C(ansible-playbook) exits with 0. If
    something would change, the task fails, and the exit code is 2. If any appliance failed, was unreachable
    or was not done, the result of the task is unreachable, and the exit code is 4, whatever else was found.
  - The result covers the whole run, so use C(run_once=true). C(--limit) excludes C(localhost). Add the
    appliances to the hosts of the play too, or the exit code would be 0.
  - Without a report the result is unreachable, because nothing is known.
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
seealso:
  - plugin: otsec.defender_iot.report
    plugin_type: callback
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
- name: Compare the FortiGates
  hosts: fortigates
  gather_facts: false
  check_mode: true
  ignore_errors: true
  ignore_unreachable: true
  vars:
    defender_iot_report: defender_iot_report
  tasks:
    - name: Compare the FortiGates with the desired state
      ansible.builtin.include_role:
        name: otsec.defender_iot.fortigate_access

- name: Set the exit code
  hosts: localhost:fortigates
  gather_facts: false
  vars:
    defender_iot_report: defender_iot_report
  tasks:
    - name: Set the exit code from the report
      otsec.defender_iot.report_outcome:
      run_once: true
"""

RETURN = r"""
state:
  description:
    - State of the report, V(clean), V(drift) or V(unknown), or V(changed) if the run was not in check mode.
  type: str
  returned: always
  sample: drift
"""
