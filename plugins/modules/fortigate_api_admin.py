#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: fortigate_api_admin
short_description: Manage the REST API admins of a FortiGate
version_added: 0.1.0
description:
  - Creates, changes and deletes a REST API admin, the account by which a Defender for IoT sensor or
    management console reaches a FortiGate. Its key is made by M(otsec.defender_iot.fortigate_api_key).
  - What is not said is not touched, with one exception. O(pki_group) left out means that no client
    certificate is asked for, as Microsoft's Fortinet tutorial wants it.
  - The module reads the admin, compares every option given, and sends only what differs. After writing it
    reads the admin again, and fails if the FortiGate kept something else.
  - It uses the C(system/api-user) table of the FortiOS REST API, whose fields are documented and the same
    from FortiOS 6.0 to 7.6. In which form FortiOS gives trusted hosts back is observed in part, and where
    it is not, they are compared by what they mean.
extends_documentation_fragment:
  - otsec.defender_iot.fortigate
  - otsec.defender_iot.fortigate.self_change
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
      - Name of the admin, at most 35 characters. It is the admin's identity, so another name is another
        admin.
    type: str
    required: true
  comments:
    description:
      - A remark on the admin, at most 255 characters.
    type: str
  profile:
    description:
      - Name of the admin profile that says what the admin may do, see
        M(otsec.defender_iot.fortigate_admin_profile).
      - Must be given to create the admin.
    type: str
  trusted_hosts:
    description:
      - The hosts and networks that may use the admin's key, which are the sensors and management consoles.
        Each is an address such as V(192.0.2.20), a network such as V(198.51.100.0/24) or V(2001:db8::/64),
        or an address and a mask with a space between.
      - It is the whole list, so hosts that it does not name are removed. Order, repetition and notation do
        not matter.
      - Must be given to create the admin. An empty list is refused before any request, and so are
        V(0.0.0.0/0), V(::/0) and networks that together are one of these, because they would open the admin
        to every source.
      - What can mean a host or its network is refused too. That is an address with bits below its mask, such
        as V(192.0.2.77/24), and a wildcard mask, such as V(192.0.2.1 0.0.0.255). An address with a zone, such
        as V(fe80::1%eth0), is refused because the zone is the name of an interface of one machine.
    type: list
    elements: str
  vdoms:
    description:
      - Names of the VDOMs that the admin may manage. It is the whole list, and its order does not matter.
      - A FortiGate with several VDOMs expects at least one, unless the profile is for the whole device.
      - FortiOS handles requests that name no VDOM in the management VDOM, which is V(root) by default, and
        refuses an admin without access to it. The task warns if the list lacks that VDOM.
    type: list
    elements: str
  cors_allow_origin:
    description:
      - The origin whose web pages may call the API with this admin's key, which the GUI's I(CORS Allow
        Origin) switches on. An empty text switches it off.
      - FortiOS advises against V(*).
    type: str
  pki_group:
    description:
      - Name of the PKI user group whose client certificate is needed besides the key, which the GUI's
        I(PKI Group) switches on. Left out or empty, it is switched off.
    type: str
    default: ""
  schedule:
    description:
      - Name of the firewall schedule that limits when the admin may be used. An empty text sets no limit.
    type: str
notes:
  - FortiOS lets only C(super_admin) create REST API admins. A profile of one's own that has every right is
    not enough.
  - From FortiOS 7.6.5 on such writes were seen to need the calling administrator's own password in a header
    of its own. It is sent where O(password) is given, beside O(token) too. Without it FortiOS answers -8102.
  - Once every administrator of a FortiGate has trusted hosts, FortiOS drops connections from all other
    sources before its API sees them. A sensor that is only listed here is then not answered at all, unless
    the trusted hosts of some administrator cover it too.
  - FortiOS gives the same answer to a wrong key and to a source that is not a trusted host, and counts both
    towards the lock-out of that source.
  - Documented are the fields and their limits. Observed is that FortiOS gives IPv4 trusted hosts back as
    address and mask. Assumed are that bits below the mask mean nothing, and that of the two families in an
    entry only the one that its type names counts.
seealso:
  - module: otsec.defender_iot.fortigate_api_admin_info
  - module: otsec.defender_iot.fortigate_admin_profile
  - module: otsec.defender_iot.fortigate_api_key
  - name: Microsoft's tutorial on Fortinet
    description: The steps in the consoles that this module takes over in part.
    link: https://learn.microsoft.com/en-us/azure/defender-for-iot/organizations/tutorial-fortinet
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The tasks take the connection from FORTIGATE_URL and FORTIGATE_TOKEN.

- name: Have a REST API admin that only the sensors and their management console can use
  otsec.defender_iot.fortigate_api_admin:
    name: defender-iot
    comments: Forwarding rule block-sources, minor alerts and above
    profile: defender-iot
    trusted_hosts:
      - 192.0.2.20
      - 198.51.100.0/28
      - 2001:db8::20
    cors_allow_origin: https://fgt-north-01.example.com

- name: Trust every sensor of the inventory, and nobody else
  otsec.defender_iot.fortigate_api_admin:
    name: defender-iot
    trusted_hosts: "{{ groups['sensors'] | map('extract', hostvars, 'ansible_host') | list }}"

- name: Have no such REST API admin
  otsec.defender_iot.fortigate_api_admin:
    name: defender-iot
    state: absent
"""

RETURN = r"""
admin:
  description:
    - The admin as it is after the task, or in check mode as it would be, in the words of the options.
    - An admin that the task creates is shown by what was asked for. One that it deletes is shown as it was.
    - Empty if O(state=absent) finds no such admin.
  type: dict
  returned: success
  sample:
    name: defender-iot
    comments: Forwarding rule block-sources, minor alerts and above
    profile: defender-iot
    trusted_hosts:
      - 192.0.2.20/32
      - 198.51.100.0/28
      - 2001:db8::20/128
    vdoms:
      - root
    cors_allow_origin: https://fgt-north-01.example.com
    pki_group: ""
    schedule: ""
objects:
  description: What became of the object, as a list of one; in other modules it may hold more.
  type: list
  elements: dict
  returned: success
  sample:
    - kind: admin
      name: defender-iot
      action: update
      changed: true
      before: {comments: ""}
      after: {comments: Microsoft Defender for IoT}
  contains:
    kind:
      description: What it is, V(admin).
      type: str
      returned: always
    name:
      description: Its name.
      type: str
      returned: always
    action:
      description: What was done to it, or in check mode would be, V(create), V(update), V(delete) or V(none).
      type: str
      returned: always
    changed:
      description: Whether that is a change.
      type: bool
      returned: always
    before:
      description: What there was, empty where there was nothing.
      type: dict
      returned: where it changes
    after:
      description: What there is afterwards, empty where it is gone.
      type: dict
      returned: where it changes
provenance:
  description:
    - What the knowledge of the interface rests on.
    - Always V(documented) here, for the vendor documents the interface.
  type: str
  returned: success
  sample: documented
failure:
  description:
    - What went wrong on the appliance or in the secret store, for machines. The message says it in a
      sentence.
    - Options that cannot be right fail without it, before the first request.
  type: dict
  returned: failure, and when the appliance cannot be reached
  sample:
    status: 403
    code: -37
    path: /api/v2/cmdb/system/api-user
  contains:
    status:
      description: The HTTP status, V(null) where there was no answer.
      type: int
      returned: always
    code:
      description: The appliance's own error number, V(null) where it gave none.
      type: int
      returned: always
    path:
      description: The path that was called, V(null) where none was.
      type: str
      returned: always
"""

from ..module_utils._engine.apply import converge
from ..module_utils._fortigate.admin_profile import PROFILE
from ..module_utils._fortigate.api import connect
from ..module_utils._fortigate.api_admin import ADMIN, VDOM
from ..module_utils._fortigate.options import fortigate
from ..module_utils._module.arguments import SELF_CHANGE, STATE
from ..module_utils._module.remote import serve
from ..module_utils._module.run import Module

MODULE = Module(
    arguments=fortigate({**STATE, **SELF_CHANGE, **ADMIN.argument_spec()}),
    resource=ADMIN,
    also=(PROFILE, VDOM),
    connect=connect,
    work=converge,
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
