#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: sensor_device_info
short_description: Get the devices that a Defender for IoT sensor has detected
version_added: 0.1.0
description:
  - Returns the devices of a Microsoft Defender for IoT OT sensor or a management console, through its
    documented API, with all documented fields.
  - If the documents disagree about the name of a field, the module accepts both names. It returns V(N/A) as
    V(null).
  - The API has no pagination. One response contains all devices.
extends_documentation_fragment:
  - otsec.defender_iot.sensor_api
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.info_module
  - otsec.defender_iot.attributes.actiongroup_sensor
options:
  authorized:
    description:
      - Return only authorized (V(true)) or only unauthorized (V(false)) devices. If it is not set, all
        devices are returned.
    type: bool
  security_scores:
    description:
      - Also read the vulnerability report, to return the security score of each device. Devices without a
        vulnerability have no score.
      - The report contains passwords that the sensor has detected. The module keeps only the scores.
    type: bool
    default: false
  fields:
    description:
      - Return only these fields of each device, to keep a large result small. By default, all are returned.
        C(forescout) is then omitted.
    type: list
    elements: str
    choices: [id, name, type, vendor, operating_system, ip_addresses, mac_addresses, authorized, scanner,
      engineering_station, has_dynamic_address, protocols, firmware, security_score, sensor_id, zone_id,
      site_id]
seealso:
  - module: otsec.defender_iot.sensor_alert_info
  - module: otsec.defender_iot.sensor_connection_check
  - name: Microsoft's reference
    description: The API calls that these modules use.
    link: https://learn.microsoft.com/en-us/azure/defender-for-iot/organizations/api/sensor-inventory-apis
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
- name: Get all devices
  otsec.defender_iot.sensor_device_info:
    url: https://192.0.2.20
    token: "{{ sensor_token }}"
  register: result

- name: Show the properties that Forescout would show
  ansible.builtin.debug:
    msg: "{{ result.devices | map(attribute='forescout') }}"

- name: Get the unauthorized devices with their security scores
  otsec.defender_iot.sensor_device_info:
    url: https://192.0.2.20
    token: "{{ sensor_token }}"
    authorized: false
    security_scores: true
"""

RETURN = r"""
devices:
  description: The devices, in the order in which the sensor lists them. Fields that the response omits are
    V(null) or empty.
  type: list
  elements: dict
  returned: success
  contains:
      id:
        description: Id of the device on its sensor.
        type: int
        returned: always
      name:
        description: Name of the device.
        type: str
        returned: always
      type:
        description: Type of the device, such as V(PLC).
        type: str
        returned: always
      vendor:
        description: Vendor of the device.
        type: str
        returned: always
      operating_system:
        description: Operating system of the device.
        type: str
        returned: always
      ip_addresses:
        description: IP addresses of the device.
        type: list
        elements: str
        returned: always
      mac_addresses:
        description: MAC addresses of the device.
        type: list
        elements: str
        returned: always
      authorized:
        description: Whether the device is authorized.
        type: bool
        returned: always
      scanner:
        description: Whether the device is marked as a scanner.
        type: bool
        returned: always
      engineering_station:
        description: Whether the device is an engineering station.
        type: bool
        returned: always
      has_dynamic_address:
        description: Whether the device has a dynamic address.
        type: bool
        returned: always
      protocols:
        description: Detected protocols, each with C(id), C(name) and C(addresses).
        type: list
        elements: dict
        returned: always
      firmware:
        description: Firmware details, each with C(address), C(module_address), C(serial), C(model),
          C(firmware_version), C(additional_data), C(rack) and C(slot).
        type: list
        elements: dict
        returned: always
      security_score:
        description: Security score in the vulnerability report, with O(security_scores=true).
        type: int
        returned: always
      sensor_id:
        description: Id of the sensor. Only a management console returns it.
        type: int
        returned: always
      zone_id:
        description: Id of the sensor's zone. Only a management console returns it.
        type: int
        returned: always
      site_id:
        description: Id of the sensor's site. Only a management console returns it.
        type: int
        returned: always
      forescout:
        description:
          - The eight properties that Forescout's module shows of a device, if the device has them. They are
            C(authorized), C(firmware), C(name), C(operating_system), C(type), C(vendor), C(risk_level) and
            C(protocols).
          - C(risk_level) is always V(null), because a device has no field for the risk level. The source that
            Forescout uses for it is not documented.
        type: dict
        returned: always
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
    path: /api/v1/devices
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
    DEVICE,
    fields_of,
    prepare_device_info,
    read_devices,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.options import sensor_api

MODULE = Module(
    arguments=sensor_api(
        {
            "authorized": {"type": "bool"},
            "security_scores": {"type": "bool", "default": False},
            **fields_of(DEVICE),
        },
    ),
    resource=DEVICE,
    connect=connect,
    work=read_devices,
    prepare=prepare_device_info,
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
