#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: fortigate_api_admin_info
short_description: Get the REST API administrators of a FortiGate
version_added: 0.1.0
description:
  - Returns all or some REST API administrators of a FortiGate, with the option names of
    M(otsec.defender_iot.fortigate_api_admin). That module reports no change for an administrator that is
    passed back to it.
  - API keys are never returned. FortiOS shows a key only once, when it is generated.
  - The module uses the C(system/api-user) table of the FortiOS REST API, whose fields are documented and the
    same from FortiOS 6.0 to 7.6.
extends_documentation_fragment:
  - otsec.defender_iot.fortigate
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.info_module
  - otsec.defender_iot.attributes.actiongroup_fortigate
options:
  names:
    description:
      - Names of the administrators to return. If it is not set, all are returned. Unknown names are ignored.
    type: list
    elements: str
notes:
  - FortiOS returns only objects that the account can see. An account without the profile C(super_admin) may
    get only some administrators, or none, without an error.
  - An administrator without trusted hosts, or with the trusted host V(0.0.0.0/0), is returned unchanged, but
    M(otsec.defender_iot.fortigate_api_admin) refuses these values.
seealso:
  - module: otsec.defender_iot.fortigate_api_admin
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The tasks read the connection from FORTIGATE_URL and FORTIGATE_TOKEN.

- name: Get all REST API administrators
  otsec.defender_iot.fortigate_api_admin_info:
  register: result

- name: List the administrators without trusted hosts
  ansible.builtin.debug:
    msg: "{{ result.admins | rejectattr('trusted_hosts') | map(attribute='name') | list }}"

- name: Get one REST API administrator
  otsec.defender_iot.fortigate_api_admin_info:
    names:
      - defender-iot
"""

RETURN = r"""
admins:
  description:
    - The administrators, in the order in which the FortiGate lists them. Each has the options of
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
