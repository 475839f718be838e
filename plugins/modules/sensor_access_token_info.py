#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: sensor_access_token_info
short_description: Read the access tokens of a Defender for IoT sensor
version_added: 0.1.0
description:
  - Returns the access tokens of a Microsoft Defender for IoT OT sensor, all or some, with their description
    and the time when they were last used. Values are never returned, for a sensor shows them only once.
  - No vendor documents an interface that lists tokens, so an endpoint map, which the operator supplies,
    says how the sensor's own web interface does it.
extends_documentation_fragment:
  - otsec.defender_iot.sensor
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.info_module
  - otsec.defender_iot.attributes.actiongroup_sensor
options:
  descriptions:
    description:
      - Descriptions of the tokens to return. Left out, all are returned. A description that no token has is
        passed over, and one that several have returns them all.
    type: list
    elements: str
  endpoints:
    description:
      - An endpoint map, a YAML file on the control node that says how the web interface of this version of
        the sensor lists tokens, and how one logs in to it. A relative path starts at the playbook's folder.
      - According to the map's login, O(token), or O(username) and O(password), must be given too.
      - The guide C(docs/endpoint_maps.md) of this collection says how to write one. Only the lab's own map
        comes with the collection.
    type: path
    required: true
seealso:
  - module: otsec.defender_iot.sensor_access_token
  - name: Endpoint maps
    description: How to write one, and what the collection checks in it.
    link: https://github.com/otsec/defender_iot/blob/main/docs/endpoint_maps.md
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The tasks take the connection from SENSOR_URL, SENSOR_USERNAME and SENSOR_PASSWORD.

- name: Read every access token
  otsec.defender_iot.sensor_access_token_info:
    endpoints: endpoint_maps/sensor.yml

- name: Read the token of Forescout
  otsec.defender_iot.sensor_access_token_info:
    descriptions:
      - Forescout
    endpoints: endpoint_maps/sensor.yml
  register: result

- name: Insist that Forescout has called the sensor
  ansible.builtin.assert:
    that: result.tokens[0].used is not none
    fail_msg: No call with the token was ever received, so the connection from Forescout does not work.
"""

RETURN = r"""
tokens:
  description: The tokens, in the order of the sensor.
  type: list
  elements: dict
  returned: success
  sample:
    - description: Forescout
      id: 4
      used: "2026-11-02T10:15:00Z"
  contains:
    description:
      description: The token's description.
      type: str
      returned: always
    id:
      description: The token's id, as the sensor gives it.
      type: raw
      returned: always
    used:
      description:
        - When a call with the token was last received, as the sensor gives it. V(null) if never, where the
          endpoint map says how the sensor puts that.
      type: raw
      returned: always
provenance:
  description:
    - What the knowledge of the interface rests on, as the endpoint map says of itself, V(documented),
      V(observed), V(captured) or V(lab).
  type: str
  returned: success
  sample: captured
failure:
  description:
    - What went wrong on the appliance or in the secret store, for machines. The message says it in a
      sentence.
    - Options that cannot be right fail without it, before the first request.
  type: dict
  returned: failure, and when the appliance cannot be reached
  sample:
    status: 403
    code: null
    path: /login
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
      description: The path that was called, V(null) where none was.
      type: str
      returned: always
"""

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import list_objects
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.access_token import (
    TOKEN,
    prepare_access_token,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.options import sensor
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.web import connect

MODULE = Module(
    arguments=sensor(
        {
            "descriptions": {"type": "list", "elements": "str"},
            "endpoints": {"type": "path", "required": True},
        },
    ),
    resource=TOKEN,
    connect=connect,
    work=list_objects,
    prepare=prepare_access_token,
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
