#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: sensor_access_token_info
short_description: Get the access tokens of a Defender for IoT sensor
version_added: 0.1.0
description:
  - Returns all or some access tokens of a Microsoft Defender for IoT OT sensor, with their descriptions and
    times of last use. Values are never returned, because a sensor shows them only once.
  - No vendor documents an interface that lists tokens. An endpoint map, supplied by the operator, describes
    how the sensor's own web interface lists them.
extends_documentation_fragment:
  - otsec.defender_iot.sensor
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.info_module
  - otsec.defender_iot.attributes.actiongroup_sensor
options:
  descriptions:
    description:
      - Descriptions of the tokens to return. If it is not set, all tokens are returned. Unknown descriptions
        are ignored. If several tokens have the same description, all of them are returned.
    type: list
    elements: str
  endpoints:
    description:
      - Endpoint map, a YAML file on the control node. It describes how to log in to the web interface of this
        version of the sensor, and how to list tokens there. A relative path starts at the playbook's folder.
      - The map's login requires either O(token), or O(username) and O(password).
      - The guide C(docs/endpoint_maps.md) of this collection describes how to write one. The collection
        includes a map for the lab only.
    type: path
    required: true
seealso:
  - module: otsec.defender_iot.sensor_access_token
  - name: Endpoint maps
    description: How to write an endpoint map, and what the collection checks in it.
    link: https://github.com/otsec/defender_iot/blob/main/docs/endpoint_maps.md
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The tasks read the connection from SENSOR_URL, SENSOR_USERNAME and SENSOR_PASSWORD.

- name: Get all access tokens
  otsec.defender_iot.sensor_access_token_info:
    endpoints: endpoint_maps/sensor.yml

- name: Get the access token of Forescout
  otsec.defender_iot.sensor_access_token_info:
    descriptions:
      - Forescout
    endpoints: endpoint_maps/sensor.yml
  register: result

- name: Check that Forescout has used the token
  ansible.builtin.assert:
    that: result.tokens[0].used is not none
    fail_msg: No call with the token was ever received, so the connection from Forescout does not work.
"""

RETURN = r"""
tokens:
  description: The tokens, in the order in which the sensor lists them.
  type: list
  elements: dict
  returned: success
  sample:
    - description: Forescout
      id: 4
      used: "2026-11-02T10:15:00Z"
  contains:
    description:
      description: Description of the token.
      type: str
      returned: always
    id:
      description: Id of the token, as the sensor returns it.
      type: raw
      returned: always
    used:
      description:
        - Time of the last call with the token, as the sensor returns it. V(null) if there was none and the
          endpoint map defines how the sensor shows that.
      type: raw
      returned: always
provenance:
  description:
    - Source of the knowledge about the interface, as the endpoint map declares it, V(documented),
      V(observed), V(captured), V(assumed) or V(lab).
  type: str
  returned: success
  sample: captured
failure:
  description:
    - Details of a failure on the appliance or in the secret store, for programs. C(msg) describes it in a
      sentence.
    - Invalid options fail without this value, before the first request.
  type: dict
  returned: on failure, and if the appliance is unreachable
  sample:
    status: 403
    code: null
    path: /login
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
      description: Requested path. V(null) if no request was sent.
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
