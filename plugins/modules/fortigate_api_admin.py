#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: fortigate_api_admin
short_description: Manage REST API administrators of a FortiGate
version_added: 0.1.0
description:
  - Creates, updates and deletes a REST API administrator, the account of an API client on a FortiGate,
    such as the control node or a sensor. M(otsec.defender_iot.fortigate_api_key) manages its API key.
  - Options that are not set keep their value on the FortiGate, except O(pki_group). If O(pki_group) is not
    set, no client certificate is required, as in Microsoft's Fortinet tutorial.
  - The module reads the administrator, compares all options that are set, and sends only the differences.
    After a write it reads the administrator again, and fails if the FortiGate has other values.
  - The module uses the C(system/api-user) table of the FortiOS REST API, whose fields are documented and the
    same from FortiOS 6.0 to 7.6. The form in which FortiOS returns trusted hosts is observed in part. The
    module compares them by meaning.
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
      - Name of the administrator, at most 35 characters. The name identifies the administrator. The module
        cannot rename an administrator.
    type: str
    required: true
  comments:
    description:
      - Comment, at most 255 characters. If it is not set, it is not changed.
    type: str
  profile:
    description:
      - Name of the admin profile of the administrator, see M(otsec.defender_iot.fortigate_admin_profile).
      - Required to create the administrator.
    type: str
  trusted_hosts:
    description:
      - Hosts and networks from which the API key is accepted, such as control nodes or sensors.
        Each entry is an address such as V(192.0.2.20), a network such as V(198.51.100.0/24) or
        V(2001:db8::/64), or an address and a mask with a space between them.
      - The list is complete. Other trusted hosts are removed. Order, duplicates and notation do not matter.
      - Required to create the administrator. An empty list, V(0.0.0.0/0), V(::/0), and networks that together
        cover one of these, are refused before the first request, because they would allow every source.
      - Ambiguous entries are refused too, which are an address with bits below its mask, such as
        V(192.0.2.77/24), and a wildcard mask, such as V(192.0.2.1 0.0.0.255). An address with a zone, such as
        V(fe80::1%eth0), is refused because a zone is an interface name of one host.
    type: list
    elements: str
  vdoms:
    description:
      - Names of the VDOMs that the administrator can manage. The list is complete. Its order does not matter.
      - A FortiGate with multiple VDOMs expects at least one, unless the scope of the profile is global.
      - If a request names no VDOM, FortiOS handles it in the management VDOM, which is V(root) by default.
        It refuses an administrator without access to that VDOM. The task warns if the list lacks it.
      - If it is not set, it is not changed.
    type: list
    elements: str
  cors_allow_origin:
    description:
      - Origin of web pages that may call the API with this administrator's key, I(CORS Allow Origin) in the
        GUI. An empty string disables it.
      - FortiOS warns against V(*).
      - If it is not set, it is not changed.
    type: str
  pki_group:
    description:
      - Name of the PKI user group whose client certificate is required in addition to the key, I(PKI Group)
        in the GUI. An empty string disables it. Which table of groups it refers to is not documented.
    type: str
    default: ""
  schedule:
    description:
      - Name of the schedule during which the administrator can log in. An empty string removes the limit.
        Which table of schedules it refers to is not documented. If it is not set, it is not changed.
    type: str
  secret_ref:
    description:
      - Where M(otsec.defender_iot.fortigate_api_key) keeps the administrator's key, as C(BACKEND:LOCATION).
      - If the administrator was deleted, its stored key is void. With this option, the task records that in
        the store before it creates the administrator again. The next run of
        M(otsec.defender_iot.fortigate_api_key) then replaces the stored key, unless the FortiGate accepts it.
        If the store cannot be written, the administrator is not created.
      - If it is not set, M(otsec.defender_iot.fortigate_api_key) cannot detect that the administrator was
        deleted and created again. FortiOS documents no attribute that distinguishes an administrator from an
        earlier one of the same name.
      - Nothing is written to the store if the administrator exists, and with O(state=absent).
    type: str
notes:
  - Only an account with the profile C(super_admin) can create REST API administrators. A custom profile with
    all permissions is not sufficient.
  - FortiOS 7.6.5 and later was observed to require the password of the calling administrator in a separate
    header for such writes. The module sends the header if O(password) is set, with O(token) too. Without the
    header FortiOS returns error -8102.
  - If every administrator in C(system admin) has trusted hosts, FortiOS drops connections from all other
    sources before they reach the API. Then add the sensors to the trusted hosts of one of those
    administrators too.
  - FortiOS returns the same response to a wrong key and to a source that is not a trusted host. Both count
    towards the lockout of the source address.
  - Documented are the fields and their limits. Observed is that FortiOS returns IPv4 trusted hosts as address
    and mask. Assumed are that bits below the mask have no effect, and that only the address of the entry's
    type applies if an entry has an IPv4 and an IPv6 address.
seealso:
  - module: otsec.defender_iot.fortigate_api_admin_info
  - module: otsec.defender_iot.fortigate_admin_profile
  - module: otsec.defender_iot.fortigate_api_key
  - name: Microsoft's tutorial on Fortinet
    description: The manual steps that this module partly replaces.
    link: https://learn.microsoft.com/en-us/azure/defender-for-iot/organizations/tutorial-fortinet
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The tasks read the connection from FORTIGATE_URL and FORTIGATE_TOKEN.

- name: Create a REST API administrator for the sensors
  otsec.defender_iot.fortigate_api_admin:
    name: defender-iot
    comments: Microsoft Defender for IoT sensors
    profile: defender-iot
    trusted_hosts:
      - 192.0.2.20
      - 198.51.100.0/28
      - 2001:db8::20

- name: Set all sensors of the inventory as the trusted hosts
  otsec.defender_iot.fortigate_api_admin:
    name: defender-iot
    trusted_hosts: "{{ groups['sensors'] | map('extract', hostvars, 'ansible_host') | list }}"

- name: Create the REST API administrator, and first mark a key stored for an earlier one as void
  otsec.defender_iot.fortigate_api_admin:
    name: defender-iot
    profile: defender-iot
    trusted_hosts: [192.0.2.20]
    secret_ref: vault_file:/srv/secrets/fgt-north-01/defender-iot

- name: Generate its API key, or keep the stored one
  otsec.defender_iot.fortigate_api_key:
    name: defender-iot
    secret_ref: vault_file:/srv/secrets/fgt-north-01/defender-iot

- name: Delete the REST API administrator
  otsec.defender_iot.fortigate_api_admin:
    name: defender-iot
    state: absent
"""

RETURN = r"""
admin:
  description:
    - The administrator after the task, or as predicted in check mode, with the names of the options.
    - A created administrator has the values of the task. A deleted administrator has its last values.
    - Empty with O(state=absent) if the administrator does not exist.
  type: dict
  returned: success
  sample:
    name: defender-iot
    comments: Microsoft Defender for IoT sensors
    profile: defender-iot
    trusted_hosts:
      - 192.0.2.20/32
      - 198.51.100.0/28
      - 2001:db8::20/128
    vdoms:
      - root
    cors_allow_origin: ""
    pki_group: ""
    schedule: ""
objects:
  description: The object and the action taken, as a list with one entry. Other modules may return several.
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
      description: Kind of the object, always V(admin).
      type: str
      returned: always
    name:
      description: Name of the object.
      type: str
      returned: always
    action:
      description: The action taken, or predicted in check mode, one of V(create), V(update), V(delete) and
        V(none).
      type: str
      returned: always
    changed:
      description: Whether the object changes.
      type: bool
      returned: always
    before:
      description: The changed fields before the task. Empty if the object did not exist.
      type: dict
      returned: when the object changes
    after:
      description: The changed fields after the task. Empty if the object was deleted.
      type: dict
      returned: when the object changes
provenance:
  description:
    - Source of the knowledge about the interface.
    - Always V(documented), because the vendor documents most of the interface. The notes name the rest.
  type: str
  returned: success
  sample: documented
failure:
  description:
    - Details of a failure on the appliance or in the secret store, for programs. C(msg) describes it in a
      sentence.
    - Invalid options fail without this value, before the first request.
  type: dict
  returned: on failure, and if the appliance is unreachable
  sample:
    status: 403
    code: -37
    path: /api/v2/cmdb/system/api-user
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

from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.admin_profile import PROFILE
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api import connect
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_admin import ADMIN, VDOM
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_key import SECRET_REF
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.options import fortigate
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.mint import converge_parent
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.arguments import SELF_CHANGE, STATE
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module

MODULE = Module(
    arguments=fortigate({**STATE, **SELF_CHANGE, **ADMIN.argument_spec(), **SECRET_REF}),
    resource=ADMIN,
    also=(PROFILE, VDOM),
    connect=connect,
    work=converge_parent,
    secret_refs=("secret_ref",),
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
