#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: fortigate_api_admin_info
short_description: Read the REST API admins of a FortiGate
version_added: 0.1.0
description:
  - Returns the REST API admins of a FortiGate, all or some, in the words of the options of
    M(otsec.defender_iot.fortigate_api_admin). Given back to that module, an admin is unchanged.
  - Keys are never returned. FortiOS shows a key once, when it is made.
  - It uses the C(system/api-user) table of the FortiOS REST API, whose fields are documented and the same
    from FortiOS 6.0 to 7.6.
extends_documentation_fragment:
  - otsec.defender_iot.fortigate
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.info_module
  - otsec.defender_iot.attributes.actiongroup_fortigate
options:
  names:
    description:
      - Names of the admins to return. Left out, all are returned. A name that no admin has is passed over.
    type: list
    elements: str
notes:
  - FortiOS shows an account only what it may see. An account that is not C(super_admin) may get a part of the
    admins, or none, without any error.
  - An admin without trusted hosts, or with V(0.0.0.0/0) among them, is shown as it is, but
    M(otsec.defender_iot.fortigate_api_admin) refuses to set that.
seealso:
  - module: otsec.defender_iot.fortigate_api_admin
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The tasks take the connection from FORTIGATE_URL and FORTIGATE_TOKEN.

- name: Read every REST API admin
  otsec.defender_iot.fortigate_api_admin_info:
  register: result

- name: Name the admins that every source can use
  ansible.builtin.debug:
    msg: "{{ result.admins | rejectattr('trusted_hosts') | map(attribute='name') | list }}"

- name: Read one REST API admin
  otsec.defender_iot.fortigate_api_admin_info:
    names:
      - defender-iot
"""

RETURN = r"""
admins:
  description:
    - The admins, in the order of the FortiGate. Each holds the options of
      M(otsec.defender_iot.fortigate_api_admin).
  type: list
  elements: dict
  returned: success
  sample:
    - name: defender-iot
      comments: ""
      profile: defender-iot
      trusted_hosts:
        - 192.0.2.20/32
      vdoms:
        - root
      cors_allow_origin: ""
      pki_group: ""
      schedule: ""
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

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import list_objects
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api import connect
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_admin import ADMIN
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.options import fortigate
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module

MODULE = Module(
    arguments=fortigate({"names": {"type": "list", "elements": "str"}}),
    resource=ADMIN,
    connect=connect,
    work=list_objects,
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
