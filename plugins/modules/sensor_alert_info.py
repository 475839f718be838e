#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: sensor_alert_info
short_description: Get the alerts of a Defender for IoT sensor
version_added: 0.1.0
description:
  - Returns the alerts of a Microsoft Defender for IoT OT sensor or a management console, through its
    documented API.
  - The sensor filters by state, time and type. The module filters by severity and engine.
extends_documentation_fragment:
  - otsec.defender_iot.sensor_api
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.info_module
  - otsec.defender_iot.attributes.actiongroup_sensor
options:
  state:
    description:
      - Return only handled or only unhandled alerts. If it is not set, both are returned.
    type: str
    choices: [handled, unhandled]
  since:
    description:
      - Return only alerts from this time on, such as V(2026-11-02T10:15:00Z). A time without an offset is in
        UTC. If it is not set, there is no earliest time.
    type: str
  until:
    description:
      - Return only alerts up to this time. If it is not set, there is no latest time.
    type: str
  type:
    description:
      - Return only alerts of this type. The API supports no other types. If it is not set, alerts of all
        types are returned.
    type: str
    choices: [disconnections, unexpected_new_devices]
  severities:
    description:
      - Return only alerts with one of these severities. If it is not set, alerts of all severities are
        returned.
    type: list
    elements: str
    choices: [critical, major, minor, warning]
  engines:
    description:
      - Return only alerts from these engines. If it is not set, alerts of all engines are returned.
    type: list
    elements: str
    choices: [protocol_violation, policy_violation, malware, anomaly, operational]
  api_version:
    description:
      - Version of the API. V(v2) adds addresses and remediation steps, and on a management console also
        names.
      - That a sensor has V(v2) is assumed, because its documents imply the path but do not state it. If the
        sensor answers with 404 or without alerts, the module warns and reads V(v1), which has no addresses.
        M(otsec.defender_iot.sensor_device_info) has those of the devices.
    type: str
    choices: [v1, v2]
    default: v1
  fields:
    description:
      - Return only these fields of each alert, to keep a large result small. By default, all are returned.
    type: list
    elements: str
    choices: [id, time, title, message, severity, engine, source_device, destination_device,
      additional_information, handled, source_device_address, destination_device_address, remediation_steps,
      sensor_name, zone_name, site_name, sensor_id, zone_id, site_id]
seealso:
  - module: otsec.defender_iot.sensor_device_info
  - module: otsec.defender_iot.sensor_connection_check
  - name: Microsoft's reference
    description: The API calls that these modules use.
    link: https://learn.microsoft.com/en-us/azure/defender-for-iot/organizations/api/sensor-alert-apis
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
- name: Get the unhandled alerts of high severity
  otsec.defender_iot.sensor_alert_info:
    url: https://192.0.2.20
    token: "{{ sensor_token }}"
    state: unhandled
    severities: [critical, major]
  register: result

- name: Show their titles
  ansible.builtin.debug:
    msg: "{{ result.alerts | map(attribute='title') }}"

- name: Get the policy violations since a maintenance window
  otsec.defender_iot.sensor_alert_info:
    url: https://192.0.2.20
    token: "{{ sensor_token }}"
    since: "2026-11-02T10:15:00Z"
    engines: [policy_violation]
"""

RETURN = r"""
alerts:
  description: The alerts, in the order in which the sensor lists them. Fields that the response omits are
    V(null) or empty.
  type: list
  elements: dict
  returned: success
  contains:
      id:
        description: Id of the alert.
        type: raw
        returned: always
      time:
        description: Time of the alert in UTC, in milliseconds precision.
        type: str
        returned: always
      title:
        description: Title of the alert.
        type: str
        returned: always
      message:
        description: Message of the alert.
        type: str
        returned: always
      severity:
        description: One of V(critical), V(major), V(minor) and V(warning).
        type: str
        returned: always
      engine:
        description: Engine that raised the alert, such as V(policy_violation).
        type: str
        returned: always
      source_device:
        description: Id of the device that caused the alert.
        type: int
        returned: always
      destination_device:
        description: Id of the other device.
        type: int
        returned: always
      additional_information:
        description: Additional information, with C(description) and C(information).
        type: dict
        returned: always
      handled:
        description: Whether the alert is handled. Only a management console returns it.
        type: bool
        returned: always
      source_device_address:
        description: Address of the device that caused the alert, with O(api_version=v2).
        type: str
        returned: always
      destination_device_address:
        description: Address of the other device, with O(api_version=v2).
        type: str
        returned: always
      remediation_steps:
        description: Remediation steps, with O(api_version=v2).
        type: list
        elements: str
        returned: always
      sensor_name:
        description: Name of the sensor, with O(api_version=v2) of a management console.
        type: str
        returned: always
      zone_name:
        description: Name of the sensor's zone, with O(api_version=v2) of a management console.
        type: str
        returned: always
      site_name:
        description: Name of the sensor's site, with O(api_version=v2) of a management console.
        type: str
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
clock_skew:
  description:
    - By how many seconds the sensor's clock is ahead of the control node's, by the date of the response.
    - V(null) if the sensor states none.
  type: int
  returned: success
  sample: 0
provenance:
  description: Source of the knowledge about the interface. V(assumed) for O(api_version=v2) of a sensor,
    otherwise V(documented).
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
    ALERT,
    ENGINES,
    SEVERITIES,
    TYPES,
    fields_of,
    prepare_alert_info,
    read_alerts,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.options import sensor_api

MODULE = Module(
    arguments=sensor_api(
        {
            "state": {"type": "str", "choices": ["handled", "unhandled"]},
            "since": {"type": "str"},
            "until": {"type": "str"},
            "type": {"type": "str", "choices": list(TYPES)},
            "severities": {"type": "list", "elements": "str", "choices": SEVERITIES},
            "engines": {"type": "list", "elements": "str", "choices": ENGINES},
            **fields_of(ALERT),
            "api_version": {"type": "str", "choices": ["v1", "v2"], "default": "v1"},
        }
    ),
    resource=ALERT,
    connect=connect,
    work=read_alerts,
    prepare=prepare_alert_info,
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
