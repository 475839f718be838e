# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documents the action plugin of the same name, for ansible-doc.

from __future__ import annotations

DOCUMENTATION = r"""
module: selection_check
short_description: Fail if the tags and the limit of a run select nothing
version_added: 0.1.0
description:
  - The last task of a playbook. It fails if no other task of the run has run on any host, for example because
    C(--tags) or C(--limit) select nothing. Without it, C(ansible-playbook) exits with 0.
  - Tasks with the tag C(always) do not count.
  - If other plays follow in the same playbook, the task succeeds. Give it to the last play.
  - Use it with C(run_once=true) and the tag C(always), in a play for C(localhost), or for C(all) hosts with
    C(--limit), which excludes C(localhost).
  - It needs the callback plugin P(otsec.defender_iot.report#callback), which the playbooks of this collection
    include. It does not need a report.
extends_documentation_fragment:
  - otsec.defender_iot.attributes.about_run
seealso:
  - module: otsec.defender_iot.report_outcome
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
- name: Check that the run selected an appliance
  hosts: "{{ 'all' if ansible_limit is defined else 'localhost' }}"
  gather_facts: false
  tags: always
  tasks:
    - name: Check the tags and the limit
      otsec.defender_iot.selection_check:
      run_once: true
"""

RETURN = r"""
selected:
  description: Whether a task has run. V(null) if it cannot be known yet, because other plays follow.
  type: bool
  returned: success
  sample: true
"""
