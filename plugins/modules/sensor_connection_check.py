#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: sensor_connection_check
short_description: Check access to the documented API of a Defender for IoT sensor
version_added: 0.1.0
description:
  - Tries an access token, or the password of an account, exactly once, and fails unless the sensor clearly
    accepts it. For a token, only status 200 with a JSON array counts as accepted.
  - To try a token, the module requests the alerts of the current moment, which is the smallest documented
    response.
extends_documentation_fragment:
  - otsec.defender_iot.sensor_api
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.info_module
  - otsec.defender_iot.attributes.actiongroup_sensor
options:
  check:
    description:
      - What to try.
      - V(token) requires O(token).
      - V(credentials) requires O(username) and O(password). A wrong password may count towards the number of
        failed logins after which the sensor blocks the source address for all users. An accepted password
        proves nothing about the role of the account, and opens no session.
    type: str
    choices: [token, credentials]
    default: token
  negative_control:
    description:
      - Whether to also try a token that does not exist, which the sensor must refuse. This proves that the
        sensor authenticates the call.
      - Whether a wrong token counts as a failed login is not documented.
    type: bool
    default: false
seealso:
  - module: otsec.defender_iot.sensor_access_token
  - module: otsec.defender_iot.sensor_device_info
  - name: Microsoft's reference
    description: The API calls that these modules use.
    link: https://learn.microsoft.com/en-us/azure/defender-for-iot/organizations/api/sensor-auth-apis
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
- name: Check that the sensor accepts the token
  otsec.defender_iot.sensor_connection_check:
    url: https://192.0.2.20
    token: "{{ sensor_token }}"

- name: Check that the sensor accepts the token and refuses another
  otsec.defender_iot.sensor_connection_check:
    url: https://192.0.2.20
    token: "{{ sensor_token }}"
    negative_control: true
"""

RETURN = r"""
accepted:
  description: Always V(true), because the module fails otherwise.
  type: bool
  returned: success
  sample: true
status:
  description: HTTP status of the response.
  type: int
  returned: success
  sample: 200
checked_at:
  description:
    - Time of the check in UTC. After the check, the token's I(Used) time is not older than this time. If it
      is newer, another call has used the token.
  type: str
  returned: success
  sample: "2026-11-02T10:15:00Z"
provenance:
  description: Source of the knowledge about the interface, always V(documented).
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
    path: /api/v1/alerts
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
      description: Requested path. V(null) if it is unknown.
      type: str
      returned: always
"""

from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.api import connect
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.data import (
    CONNECTION,
    check_connection,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.options import sensor_api

MODULE = Module(
    arguments=sensor_api(
        {
            "check": {"type": "str", "choices": ["token", "credentials"], "default": "token"},
            "negative_control": {"type": "bool", "default": False},
        },
        required_if=[("check", "token", ["token"]), ("check", "credentials", ["username", "password"])],
    ),
    resource=CONNECTION,
    connect=connect,
    work=check_connection,
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
