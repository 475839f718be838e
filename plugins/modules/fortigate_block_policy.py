#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: fortigate_block_policy
short_description: Manage the deny policy of a block list of a FortiGate
version_added: 0.1.0
description:
  - Keeps a firewall policy that denies every packet whose source is in the groups of
    M(otsec.defender_iot.fortigate_block_list), at the top of the list or directly before a named policy. It
    logs all packets and also matches those to virtual IPs.
  - The module reads fields and places back after a change, and states whether the policy takes effect.
  - It changes only policies that it created, which it recognises by their comments. It refuses a policy of
    the same name that others created.
extends_documentation_fragment:
  - otsec.defender_iot.fortigate
  - otsec.defender_iot.state
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.actiongroup_fortigate
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description:
      - Name of the policy, at most 35 characters.
    type: str
    default: defender-iot-blocked
  group:
    description:
      - Name of the address groups. Both must exist.
    type: str
    default: defender-iot-blocked
  before:
    description:
      - Name of the policy directly before which the policy belongs. It must exist.
      - If it is not set, the policy belongs at the top. Other policies that the module created may be before
        it.
    type: str
  towards:
    description:
      - Whether there is a second policy, with the name of the first and C(-towards), that denies sessions
        that are opened towards a blocked host. Without it, other hosts can open sessions to a blocked host,
        and the replies pass.
      - If it is not set, a second policy is neither created nor deleted while O(state=present).
    type: bool
  proof:
    description:
      - The packet whose policy the FortiGate looks up for RV(verdict). Its source is a host in the group. If
        it is not set, no packet is looked up, and the verdict is never V(effective).
    type: dict
    suboptions:
      interface:
        description: Interface at which packets of blocked hosts arrive.
        type: str
        required: true
      destination:
        description: IP address behind the FortiGate to which the packet is sent.
        type: str
        required: true
      destination_interface:
        description: Interface at which packets of the destination arrive. Required with O(towards=true).
        type: str
notes:
  - Of the access permission group C(firewall), the account needs C(address) V(read), and C(policy) V(read),
    or V(read-write) to change a policy. Whether references to C(ALL), C(always) and C(any) need further
    permissions is not known.
  - In sync, the module sends three requests. With O(proof) it sends up to three more, with O(towards=true) up
    to five.
  - After a change, and with O(proof), the module warns if the FortiGate says that FortiManager manages it and
    the account may read that.
  - If the policies are as desired and nevertheless ineffective, the module warns.
  - The module does not support NGFW policy-based mode. In this mode firewall policies have no action. Only
    security policies can deny, which the module does not manage.
  - Documented are the fields, their defaults and the lookup. Observed are that the list is in the order of
    evaluation, that a new policy is the last one, and that a move is requested by query parameters. How the
    lookup answers in every release is not known.
seealso:
  - module: otsec.defender_iot.fortigate_block_list
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The tasks read the connection from FORTIGATE_URL and FORTIGATE_TOKEN.

- name: Create the groups, and block a host
  otsec.defender_iot.fortigate_block_list:
    entries:
      - address: 192.0.2.7
        until: "2099-01-01T00:00:00Z"

- name: Deny all packets of blocked hosts, and all sessions towards them
  otsec.defender_iot.fortigate_block_policy:
    towards: true

- name: Check that the policy takes effect
  otsec.defender_iot.fortigate_block_policy:
    proof:
      interface: lan
      destination: 198.51.100.10
  register: result

- name: Fail if it does not
  ansible.builtin.assert:
    that: result.verdict == 'effective'
    fail_msg: "{{ result.reason }}"
"""

RETURN = r"""
verdict:
  description:
    - Whether the policies take effect now, also in check mode, one of V(effective), V(ineffective) and
      V(unknown). With two policies, it is the worse verdict.
    - V(effective) needs O(proof).
    - A group with exclusions is V(ineffective), because it may not block all of its members.
    - V(unknown) if the account may not read the policies or the groups, or sees only a part of them. An empty
      list of policies is no proof that there is none.
  type: str
  returned: success, and on failure after the first request
  sample: effective
reason:
  description: The reason for RV(verdict), as a sentence without a period. With V(effective), it also names
    the traffic that no firewall policy stops.
  type: str
  returned: as RV(verdict)
  sample: no packet was looked up, because proof is not set, but nothing before "defender-iot-blocked" permits
objects:
  description:
    - The policies and the actions taken.
  type: list
  elements: dict
  returned: success, and on failure with the steps taken before
  sample:
    - kind: policy
      name: defender-iot-blocked
      action: update
      changed: true
      before: {action: deny, status: disable}
      after: {action: deny, status: enable}
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
      description: The action taken, or predicted in check mode, one of V(create), V(update), V(delete) and
        V(none). A move is an update.
      type: str
      returned: always
    changed:
      description: Whether the object changes.
      type: bool
      returned: always
    before:
      description: The policy before the task. Empty if it did not exist.
      type: dict
      returned: when the object changes
    after:
      description: The policy after the task, with C(moved_before) if it was moved. Empty if it was deleted.
      type: dict
      returned: when the object changes
provenance:
  description:
    - Source of the knowledge about the interface.
    - Always V(documented), because the vendor documents the interface.
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
    status: 403
    code: -37
    path: /api/v2/cmdb/firewall/policy
  contains:
    status:
      description: HTTP status. V(null) if there was no response.
      type: int
      returned: always
    code:
      description: Error number of the appliance. V(null) if it returned none.
      type: int
      returned: always
    path:
      description: Requested path. V(null) if no request was sent.
      type: str
      returned: always
"""

from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api import connect
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.block_policy import (
    keep_block_policy,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.blocking import TABLES
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.options import fortigate
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.policy import (
    CENTRAL_MANAGEMENT,
    LOOKUP,
    POLICY,
    POLICY_OPTIONS,
    prepare_block_policy,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module

MODULE = Module(
    arguments=fortigate(POLICY_OPTIONS),
    resource=POLICY,
    also=(LOOKUP, CENTRAL_MANAGEMENT, *TABLES),
    connect=connect,
    work=keep_block_policy,
    prepare=prepare_block_policy,
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
