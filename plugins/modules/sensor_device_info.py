#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: sensor_device_info
short_description: Read the devices that a Defender for IoT sensor has detected
version_added: 0.1.0
description:
  - Returns the devices of a Microsoft Defender for IoT OT sensor, or of a management console, by its
    documented API, with every documented field.
  - Where the documents disagree about a name, both are understood, and what some of them give as V(N/A) is
    V(null).
  - The API has no pages, so all devices come at once.
extends_documentation_fragment:
  - otsec.defender_iot.sensor_api
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.info_module
  - otsec.defender_iot.attributes.actiongroup_sensor
options:
  authorized:
    description:
      - Return only devices that are, or are not, authorized. Left out, all are returned.
    type: bool
  security_scores:
    description:
      - Also read the vulnerability report, for the security score of each device. Devices without a
        vulnerability have none.
      - The report holds passwords that the sensor has seen. Nothing of it but the scores is kept.
    type: bool
    default: false
seealso:
  - module: otsec.defender_iot.sensor_alert_info
  - module: otsec.defender_iot.sensor_connection_check
  - name: Microsoft's reference
    description: The calls that these modules make.
    link: https://learn.microsoft.com/en-us/azure/defender-for-iot/organizations/api/sensor-inventory-apis
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
- name: Read every device
  otsec.defender_iot.sensor_device_info:
    url: https://192.0.2.20
    token: "{{ sensor_token }}"
  register: result

- name: Show what Forescout would show of them
  ansible.builtin.debug:
    msg: "{{ result.devices | map(attribute='forescout') }}"

- name: Read devices that nobody has authorized, with their security score
  otsec.defender_iot.sensor_device_info:
    url: https://192.0.2.20
    token: "{{ sensor_token }}"
    authorized: false
    security_scores: true
"""

RETURN = r"""
devices:
  description: The devices, in the order of the sensor. What an answer leaves out is V(null) or empty.
  type: list
  elements: dict
  returned: success
  contains:
      id:
        description: Number of the device on its sensor.
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
        description: Operating system.
        type: str
        returned: always
      ip_addresses:
        description: IP addresses.
        type: list
        elements: str
        returned: always
      mac_addresses:
        description: MAC addresses.
        type: list
        elements: str
        returned: always
      authorized:
        description: Whether the device is authorized.
        type: bool
        returned: always
      scanner:
        description: Whether it is marked as a scanner.
        type: bool
        returned: always
      engineering_station:
        description: Whether it is an engineering station.
        type: bool
        returned: always
      has_dynamic_address:
        description: Whether its address changes.
        type: bool
        returned: always
      protocols:
        description: Protocols that were detected, each with C(id), C(name) and C(addresses).
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
        description: Score of the vulnerability report, with O(security_scores=true).
        type: int
        returned: always
      sensor_id:
        description: Id of the sensor, from a management console only.
        type: int
        returned: always
      zone_id:
        description: Id of its zone, from a management console only.
        type: int
        returned: always
      site_id:
        description: Id of its site, from a management console only.
        type: int
        returned: always
      forescout:
        description:
          - The eight properties that Forescout's module shows of a device, as far as the device has them,
            C(authorized), C(firmware), C(name), C(operating_system), C(type), C(vendor), C(risk_level) and
            C(protocols).
          - C(risk_level) is always V(null), for no field of a device is the risk level, and nobody documents
            where Forescout takes it from.
        type: dict
        returned: always
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
    path: /api/v1/devices
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
    DEVICE,
    prepare_device_info,
    read_devices,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.options import sensor_api

MODULE = Module(
    arguments=sensor_api(
        {"authorized": {"type": "bool"}, "security_scores": {"type": "bool", "default": False}},
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
