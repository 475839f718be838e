# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documents the action plugin of the same name, for ansible-doc.

from __future__ import annotations

DOCUMENTATION = r"""
module: report_outcome
short_description: Set the exit code of a run from its report or its verdicts
version_added: 0.1.0
description:
  - The last task of a run that only reads, such as the playbook C(otsec.defender_iot.drift). It sets the exit
    code of C(ansible-playbook) to that of the report.
  - If every appliance is in the desired state, the task succeeds, and C(ansible-playbook) exits with 0. If
    something would change, the task fails, and the exit code is 2. If any appliance failed, was unreachable
    or was not done, the result of the task is unreachable, and the exit code is 4, whatever else was found.
  - The result covers the whole run, so use C(run_once=true). Use the tag C(always), or C(--tags) would skip
    the task. C(--limit) excludes C(localhost), so use all hosts of the limit instead.
  - Without a report the result is unreachable, because nothing is known.
  - With O(verification) the verdicts are used instead of the report, as in the playbook
    C(otsec.defender_iot.verify). The exit code is 0 if every FortiSIEM and the module of every Forescout
    platform work, every Forescout policy is current, and every FortiGate is in the desired state. It is 2 if
    one of these is not verified. It is 4 if an appliance could not be read, or if there is no verdict.
options:
  verification:
    description:
      - Result of P(otsec.defender_iot.verification#filter). If it is set, no report is needed. If it is not
        set, the report of the run is required.
    type: dict
extends_documentation_fragment:
  - otsec.defender_iot.attributes.about_run
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
  hosts: "{{ 'all' if ansible_limit is defined else 'localhost' }}"
  gather_facts: false
  vars:
    defender_iot_report: defender_iot_report
  tasks:
    - name: Set the exit code from the report
      otsec.defender_iot.report_outcome:
      run_once: true
      tags: always
"""

RETURN = r"""
state:
  description:
    - State of the report, V(clean), V(drift) or V(unknown), or V(changed) if the run was not in check mode.
    - With O(verification) it is V(verified), V(not_verified) or V(unknown).
  type: str
  returned: always
  sample: drift
"""
