#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: fortigate_block_list_info
short_description: Get the block list of a FortiGate
version_added: 0.1.0
description:
  - Returns the entries of a block list with the option names of M(otsec.defender_iot.fortigate_block_list),
    which reports no change for entries that are passed back to it.
  - Returns separately what else is in the group, or has its name.
extends_documentation_fragment:
  - otsec.defender_iot.fortigate
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.info_module
  - otsec.defender_iot.attributes.actiongroup_fortigate
options:
  group:
    description:
      - Name of the address groups.
    type: str
    default: defender-iot-blocked
notes:
  - The account needs the permission C(address) V(read) of the access permission group C(firewall).
  - The owner and the approval in a comment prove nothing. Any administrator with the permission can write
    them.
seealso:
  - module: otsec.defender_iot.fortigate_block_list
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The tasks read the connection from FORTIGATE_URL and FORTIGATE_TOKEN.

- name: Get the blocked hosts
  otsec.defender_iot.fortigate_block_list_info:
  register: result

- name: Show them with their reasons
  ansible.builtin.debug:
    msg: "{{ result.entries | items2dict(key_name='address', value_name='reason') }}"
"""

RETURN = r"""
exists:
  description: Whether the group exists, for IPv4 or for IPv6.
  type: bool
  returned: success
  sample: true
entries:
  description:
    - The entries in the group, sorted by address. An expired one is there until the next run releases it.
    - Each entry has the option names of M(otsec.defender_iot.fortigate_block_list).
  type: list
  elements: dict
  returned: success
  sample:
    - address: 192.0.2.7
      until: "2026-12-01T06:00:00Z"
      since: "2026-11-27T19:40:00Z"
      owner: manual
      approved_by: j.doe
      source: "1834"
      reason: Suspicion of Conficker Malware
  contains:
    address:
      description: Address of the host.
      type: str
      returned: always
    until:
      description: Time until which the host is blocked, in UTC.
      type: str
      returned: always
    since:
      description: Time at which the host was added, in UTC.
      type: str
      returned: always
    owner:
      description: V(manual) or V(respond).
      type: str
      returned: always
    approved_by:
      description: Who approved the entry. Empty if unknown.
      type: str
      returned: always
    source:
      description: The alert that led to the entry. Empty if unknown.
      type: str
      returned: always
    reason:
      description: Why the host is blocked. Empty if unknown.
      type: str
      returned: always
foreign:
  description:
    - Members of the group, and address objects whose names begin with that of the group, that are no entries.
      This collection does not change them.
  type: list
  elements: dict
  returned: success
  sample:
    - name: printer-3
      family: IPv4
      reason: a member that was not made by this collection
  contains:
    name:
      description: Name of the object.
      type: str
      returned: always
    family:
      description: V(IPv4) or V(IPv6).
      type: str
      returned: always
    reason:
      description: What it is.
      type: str
      returned: always
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
    path: /api/v2/cmdb/firewall/addrgrp
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
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.block_listing import (
    list_block_list,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.block_options import (
    BLOCK_LIST,
    prepare_group,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.blocking import TABLES
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.options import fortigate
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module

MODULE = Module(
    arguments=fortigate(BLOCK_LIST.argument_spec()),
    resource=BLOCK_LIST,
    also=TABLES,
    connect=connect,
    work=list_block_list,
    prepare=prepare_group,
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
