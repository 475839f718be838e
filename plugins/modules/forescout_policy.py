#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: forescout_policy
short_description: Make a Forescout policy from your own export, and deliver it
version_added: 0.1.0
description:
  - Reads the export of one policy, sets the values in which your platforms differ, and writes a file to
    import. No other byte of the export changes.
  - The names of the properties of the Defender for IoT module are not published. So an operator creates the
    policy once in the Console and exports it. The module writes no condition of its own.
  - The file is refused if it does not begin with the element C(RULES), if it has an action that is not in
    O(allowed_actions), if it has more than one policy, or if it is no plain XML document in UTF-8 of at most
    4 MiB.
  - The description of the policy begins with a digest of its contents, such as
    V([defender_iot:3f9a5c0d12e4b678]). By it, a platform shows which file was imported last.
  - It never deletes a policy that it did not import.
extends_documentation_fragment:
  - otsec.defender_iot.forescout
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.actiongroup_forescout
attributes:
  check_mode:
    support: full
    details:
      - With O(transport=fstool), check mode reads the policies by the Web API and imports nothing.
  diff_mode:
    support: partial
    details:
      - It shows name, description, scope, conditions and actions, with mail addresses and texts. What else
        an export has changes the digest only.
      - Before the task means the file that was written or imported last. No interface shows the conditions
        and actions of the policy on the platform.
  idempotent:
    support: full
    details:
      - An export that was made again of the same policy is no difference.
      - A change in the Console is not noticed, because no interface shows it.
options:
  url:
    description:
      - Address of the Forescout platform, such as V(https://192.0.2.30). The scheme V(https) is added if it
        is missing. Other schemes are refused.
      - Required with O(transport=fstool).
      - If it is not set, the environment variable E(FORESCOUT_URL) is read.
  token:
    description:
      - Not used. The Web API is logged in to with O(username) and O(password).
      - If it is not set, the environment variable E(FORESCOUT_TOKEN) is read.
  username:
    description:
      - User name of a Web API account. The Web API has its own accounts, in the Console under Options > Web
        API.
      - Required with O(transport=fstool).
      - If it is not set, the environment variable E(FORESCOUT_USERNAME) is read.
  token_form:
    description:
      - How to send the token that a login to the Web API returns. The form differs between versions of the
        platform.
      - V(auto) sends the bare token as in the vendor's samples. If the platform refuses that, it sends the
        token with the prefix C(Bearer).
    type: str
    choices: [auto, bare, bearer]
    default: auto
  transport:
    description:
      - How the policy reaches the platform.
      - V(manual) writes the file and returns the steps with which an operator imports it in the Console. It
        contacts no platform.
      - V(fstool) imports the file with C(fstool cliapi policy import) on the Enterprise Manager. One third
        party observed this command, on version 8.5.2. A policy that this module imported before is removed
        first. Both together are not atomic. If the import is refused, the module imports the old file again.
    type: str
    choices: [manual, fstool]
    default: manual
  src:
    description:
      - Absolute path of the export, a file on the control node.
    type: path
    required: true
  dest:
    description:
      - Absolute path of the file to write on the control node. Missing folders are created.
      - With O(transport=fstool) the file is written after its import. It must still be there when the policy
        is replaced, because a refused import is undone with it. The file before is kept with the suffix
        C(.previous).
    type: path
    required: true
  name:
    description:
      - Name of the policy. If it is not set, it is the name in the export.
    type: str
  description:
    description:
      - Description of the policy, after the digest. If it is not set, it is the description in the export.
    type: str
  conditions:
    description:
      - New texts of conditions that compare with one text. Conditions that are not set keep the text of the
        export.
    type: list
    elements: dict
    suboptions:
      label:
        description: Label of the property in the Console, such as V(Firmware).
        type: str
        required: true
      rule:
        description: Name of the policy or sub-rule that has the condition. Required if several have one with
          this label.
        type: str
      value:
        description: The text to compare with, such as V("2.10"). Numbers are refused, because YAML reads
          V(2.10) without quotes as 2.1.
        type: str
        required: true
  mail:
    description:
      - New values of the only C(sendmail) action. What is not set stays as in the export.
    type: dict
    suboptions:
      to:
        description: One mail address.
        type: str
      subject:
        description: Subject, with tags such as C({ip}).
        type: str
      text:
        description: Text of the mail. Line breaks are kept.
        type: str
  group:
    description:
      - New group of the only C(add-to-group) action. No interface shows the ids of groups, and an import does
        not create one.
      - If it is not set, the group of the export is used.
    type: dict
    suboptions:
      id:
        description: Id of the group on this platform, from an export made there.
        type: str
        required: true
      name:
        description: Name of the group.
        type: str
        required: true
  ranges:
    description:
      - New IPv4 scope of the policy, as networks or ranges such as V(192.0.2.10-192.0.2.20). IPv6 networks
        stay as in the export. If it is not set, the scope stays.
    type: list
    elements: str
  enabled:
    description:
      - Whether the policy is enabled when it arrives. An import enables it again, or disables it, whatever an
        operator has set in the Console.
    type: bool
    default: false
  actions:
    description:
      - Whether to disable all actions, or to leave each as in the export. With O(enabled=true) and disabled
        actions, a policy only counts hosts.
    type: str
    choices: [disabled, as_exported]
    default: disabled
  allowed_actions:
    description:
      - The actions that the export may have, enabled or not.
    type: list
    elements: str
    default: [add-to-group, sendmail]
  wait:
    description:
      - Time limit in seconds until the Web API lists the imported policy, from 1 to 3600.
    type: int
    default: 60
  fstool_path:
    description:
      - The command C(fstool), with its path if it is not in C(PATH).
    type: str
    default: fstool
notes:
  - With O(transport=fstool) the task also runs commands over the Ansible connection of the host, as root. The
    notes about HTTPS requests do not apply to these commands. The platform needs only a POSIX shell,
    C(mktemp) and C(timeout). O(timeout) is the time limit for each command. C(delegate_to) another host is
    refused.
seealso:
  - module: otsec.defender_iot.forescout_policy_info
  - name: Policies from your own export
    description: How to create, export and deliver the policies.
    link: https://github.com/otsec/defender_iot/blob/main/docs/forescout_policies.md
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
- name: Write a policy that mails the SOC when a firmware version is seen
  otsec.defender_iot.forescout_policy:
    src: "{{ playbook_dir }}/policies/firmware.xml"
    dest: "{{ playbook_dir }}/to_import/{{ inventory_hostname }}/firmware.xml"
    conditions:
      - label: Firmware
        value: "2.9"
    mail:
      to: soc@example.com
      subject: Old firmware on {ip}
  register: result

- name: Show the steps
  ansible.builtin.debug:
    var: result.steps
"""

RETURN = r"""
policy:
  description: The policy in the file.
  type: dict
  returned: success
  contains:
      name:
        description: Name of the policy.
        type: str
        returned: always
      digest:
        description: Digest of the contents, as in the description.
        type: str
        returned: always
        sample: 3f9a5c0d12e4b678
      enabled:
        description: Whether the policy arrives enabled.
        type: bool
        returned: always
      rules:
        description: The names of the policy and its sub-rules.
        type: list
        elements: str
        returned: always
conditions:
  description:
    - The conditions in the file. Each has C(rule), C(label), C(property), C(module), C(type) and C(values).
      C(module) is the short name of the module that owns the property, empty for a built-in one.
  type: list
  elements: dict
  returned: success
actions:
  description: The actions in the file. Each has C(rule), C(name) and C(enabled).
  type: list
  elements: dict
  returned: success
steps:
  description: The manual steps in the Forescout Console, in order.
  type: list
  elements: str
  returned: success, with O(transport=manual)
objects:
  description: The policy and the action taken, as a list with one entry. Other modules may return several.
  type: list
  elements: dict
  returned: success
  sample:
    - kind: policy
      name: OT firmware alert
      action: update
      changed: true
      before: {digest: 8d1e0c4e9a725b1d}
      after: {digest: 3f9a5c0d12e4b678}
  contains:
    kind:
      description: Kind of the object, always V(policy).
      type: str
      returned: always
    name:
      description: Name of the policy.
      type: str
      returned: always
    action:
      description:
        - The action taken, or predicted in check mode, V(create), V(update) or V(none).
        - V(unknown) with O(transport=manual), which reports show as C(not_provable).
      type: str
      returned: always
    changed:
      description: Whether the policy on the platform changes. V(false) with O(transport=manual).
      type: bool
      returned: always
    before:
      description: The digest before the task. Empty if the policy did not exist.
      type: dict
      returned: when the policy changes
    after:
      description: The digest after the task.
      type: dict
      returned: when the policy changes
    previewable:
      description: V(false), because the task does not read the platform.
      type: bool
      returned: with O(transport=manual)
    reason:
      description: Why the state of the policy is unknown.
      type: str
      returned: with O(transport=manual)
provenance:
  description:
    - Source of the knowledge about the interface, V(documented) with O(transport=manual) and V(observed) with
      O(transport=fstool).
  type: str
  returned: success
  sample: documented
failure:
  description:
    - Details of a failure on the appliance, for programs. C(msg) describes it in a sentence.
    - Invalid options fail without this value, before the first request.
  type: dict
  returned: on failure, and if the appliance is unreachable
  sample:
    status: 401
    code: null
    path: /api/login
  contains:
    status:
      description: HTTP status. V(null) if there was no response.
      type: int
      returned: always
    code:
      description: Error number of the appliance. Only FortiGates return one.
      type: int
      returned: always
    path:
      description: Requested path. V(null) if no request was sent.
      type: str
      returned: always
"""

from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.hosts import PROPERTY
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.options import forescout
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.policies import POLICY
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.policy_delivery import (
    OPTIONS,
    TEXTS,
    connect_policies,
    deliver,
    prepare_policy,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module

MODULE = Module(
    arguments=forescout(
        {
            "token_form": {"type": "str", "choices": ["auto", "bare", "bearer"], "default": "auto"},
            "transport": {"type": "str", "choices": ["manual", "fstool"], "default": "manual"},
            **OPTIONS,
        },
        texts=TEXTS,
    ),
    resource=POLICY,
    connect=connect_policies,
    work=deliver,
    prepare=prepare_policy,
    also=(PROPERTY,),
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
