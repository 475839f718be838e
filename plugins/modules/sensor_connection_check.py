#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: sensor_connection_check
short_description: Check that the documented API of a Defender for IoT sensor can be used
version_added: 0.1.0
description:
  - Tries an access token, or the password of an account, exactly once, and fails unless the sensor clearly
    accepts it. For a token that is status 200 with a JSON array, and nothing less.
  - A token is tried by asking for the alerts of this very moment, the smallest documented answer.
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
      - With V(token), O(token) must be given.
      - With V(credentials), O(username) and O(password) must be given. A wrong password may count towards the
        number of failed logins after which the sensor blocks the source address for every user. That the
        sensor accepts the password says nothing about the account's role, and opens no session.
    type: str
    choices: [token, credentials]
    default: token
  negative_control:
    description:
      - Whether to also try a token that does not exist, which has to be refused. It proves that the call is
        authenticated at all.
      - Whether a wrong token counts as a failed login is not documented.
    type: bool
    default: false
seealso:
  - module: otsec.defender_iot.sensor_access_token
  - module: otsec.defender_iot.sensor_device_info
  - name: Microsoft's reference
    description: The calls that these modules make.
    link: https://learn.microsoft.com/en-us/azure/defender-for-iot/organizations/api/sensor-auth-apis
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
- name: Insist that the sensor accepts the token
  otsec.defender_iot.sensor_connection_check:
    url: https://192.0.2.20
    token: "{{ sensor_token }}"

- name: Insist besides that it accepts no other
  otsec.defender_iot.sensor_connection_check:
    url: https://192.0.2.20
    token: "{{ sensor_token }}"
    negative_control: true
"""

RETURN = r"""
accepted:
  description: Always V(true), for the module fails otherwise.
  type: bool
  returned: success
  sample: true
status:
  description: The HTTP status of the answer.
  type: int
  returned: success
  sample: 200
checked_at:
  description:
    - When this was tried, in UTC. The token's I(Used) time is not older; a later one is from another call.
  type: str
  returned: success
  sample: "2026-11-02T10:15:00Z"
provenance:
  description: What the knowledge of the interface rests on, always V(documented).
  type: str
  returned: success
  sample: documented
failure:
  description:
    - What went wrong on the appliance, for machines. The message says it in a sentence.
    - Options that cannot be right fail without it, before the first request.
  type: dict
  returned: failure, and when the appliance cannot be reached
  sample:
    status: 401
    code: null
    path: /api/v1/alerts
  contains:
    status:
      description: The HTTP status, V(null) where there was no answer.
      type: int
      returned: always
    code:
      description: An error number of the appliance's own, which only a FortiGate gives.
      type: int
      returned: always
    path:
      description: The path that was called, V(null) where none is known.
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
