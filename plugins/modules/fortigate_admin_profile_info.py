#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: fortigate_admin_profile_info
short_description: Read the admin profiles of a FortiGate
version_added: 0.1.0
description:
  - Returns the admin profiles of a FortiGate, all or some, in the words of the options of
    M(otsec.defender_iot.fortigate_admin_profile). Given back to that module, a profile is unchanged.
  - It uses the C(system/accprofile) table of the FortiOS REST API, whose fields are documented for FortiOS
    6.4 to 7.6.
extends_documentation_fragment:
  - otsec.defender_iot.fortigate
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.info_module
  - otsec.defender_iot.attributes.actiongroup_fortigate
options:
  names:
    description:
      - Names of the profiles to return. Left out, all are returned. A name that no profile has is passed
        over.
    type: list
    elements: str
notes:
  - FortiOS shows an account only what it may see. An account that is not C(super_admin) does not see that
    profile.
  - From FortiOS 7.6.5 on the row I(Security Fabric) may be V(custom), a value that
    M(otsec.defender_iot.fortigate_admin_profile) does not take.
seealso:
  - module: otsec.defender_iot.fortigate_admin_profile
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The tasks take the connection from FORTIGATE_URL and FORTIGATE_TOKEN.

- name: Read every admin profile
  otsec.defender_iot.fortigate_admin_profile_info:
  register: result

- name: Read one admin profile
  otsec.defender_iot.fortigate_admin_profile_info:
    names:
      - defender-iot
  register: result

- name: Insist that the profile gives no right to the system
  ansible.builtin.assert:
    that: result.profiles[0].system == 'none'
"""

RETURN = r"""
profiles:
  description:
    - The profiles, in the order of the FortiGate.
    - Each holds the options of M(otsec.defender_iot.fortigate_admin_profile). The permissions of a row are
      there only if the row is V(custom).
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
    path: /api/v2/cmdb/system/accprofile
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
