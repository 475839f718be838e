#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: fortigate_admin_profile_info
short_description: Get the admin profiles of a FortiGate
version_added: 0.1.0
description:
  - Returns all or some admin profiles of a FortiGate, with the option names of
    M(otsec.defender_iot.fortigate_admin_profile). That module reports no change for a profile that is passed
    back to it.
  - The module uses the C(system/accprofile) table of the FortiOS REST API, whose fields are documented for
    FortiOS 6.4 to 7.6.
extends_documentation_fragment:
  - otsec.defender_iot.fortigate
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.info_module
  - otsec.defender_iot.attributes.actiongroup_fortigate
options:
  names:
    description:
      - Names of the profiles to return. If it is not set, all profiles are returned. Unknown names are
        ignored.
    type: list
    elements: str
notes:
  - FortiOS returns only objects that the account can see. Only an account with the profile C(super_admin)
    sees that profile.
seealso:
  - module: otsec.defender_iot.fortigate_admin_profile
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The tasks read the connection from FORTIGATE_URL and FORTIGATE_TOKEN.

- name: Get all admin profiles
  otsec.defender_iot.fortigate_admin_profile_info:
  register: result

- name: Get one admin profile
  otsec.defender_iot.fortigate_admin_profile_info:
    names:
      - defender-iot
  register: result

- name: Check that the profile has no permission for the group System
  ansible.builtin.assert:
    that: result.profiles[0].system == 'none'
"""

RETURN = r"""
profiles:
  description:
    - The profiles, in the order in which the FortiGate lists them.
    - Each profile has the options of M(otsec.defender_iot.fortigate_admin_profile). It includes the
      permissions of a group only if the group is V(custom).
  type: list
  elements: dict
  returned: success
  sample:
    - name: network-readers
      comments: ""
      security_fabric: none
      fortiview: none
      user_device: none
      firewall: none
      log_report: none
      network: custom
      system: none
      security_profile: none
      vpn: none
      wan_opt_cache: none
      wifi_switch: none
      network_permissions:
        cfg: read
        packet_capture: none
        route_cfg: read
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
    path: /api/v2/cmdb/system/accprofile
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
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.admin_profile import PROFILE
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api import connect
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.options import fortigate
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module

MODULE = Module(
    arguments=fortigate({"names": {"type": "list", "elements": "str"}}),
    resource=PROFILE,
    connect=connect,
    work=list_objects,
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
