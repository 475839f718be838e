#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: sensor_alert_info
short_description: Read the alerts of a Defender for IoT sensor
version_added: 0.1.0
description:
  - Returns the alerts of a Microsoft Defender for IoT OT sensor, or of a management console, by its
    documented API.
  - State, time and type are filtered by the sensor, severity and engine by the module.
extends_documentation_fragment:
  - otsec.defender_iot.sensor_api
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.info_module
  - otsec.defender_iot.attributes.actiongroup_sensor
options:
  state:
    description:
      - Return only alerts that are handled, or that are not.
    type: str
    choices: [handled, unhandled]
  since:
    description:
      - Return only alerts from this time on, such as V(2026-11-02T10:15:00Z). Without an offset it is UTC.
    type: str
  until:
    description:
      - Return only alerts up to this time.
    type: str
  type:
    description:
      - Return only alerts of this type. The API has no others.
    type: str
    choices: [disconnections, unexpected_new_devices]
  severities:
    description:
      - Return only alerts with one of these severities.
    type: list
    elements: str
    choices: [critical, major, minor, warning]
  engines:
    description:
      - Return only alerts of these engines.
    type: list
    elements: str
    choices: [protocol_violation, policy_violation, malware, anomaly, operational]
  api_version:
    description:
      - Version of the API. V(v2) adds addresses, names and remediation steps; it needs
        O(api=management_console).
    type: str
    choices: [v1, v2]
    default: v1
seealso:
  - module: otsec.defender_iot.sensor_device_info
  - module: otsec.defender_iot.sensor_connection_check
  - name: Microsoft's reference
    description: The calls that these modules make.
    link: https://learn.microsoft.com/en-us/azure/defender-for-iot/organizations/api/sensor-alert-apis
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
- name: Read what is open and serious
  otsec.defender_iot.sensor_alert_info:
    url: https://192.0.2.20
    token: "{{ sensor_token }}"
    state: unhandled
    severities: [critical, major]
  register: result

- name: Show it
  ansible.builtin.debug:
    msg: "{{ result.alerts | map(attribute='title') }}"

- name: Read what the engine for policy violations found since a maintenance window
  otsec.defender_iot.sensor_alert_info:
    url: https://192.0.2.20
    token: "{{ sensor_token }}"
    since: "2026-11-02T10:15:00Z"
    engines: [policy_violation]
"""

RETURN = r"""
alerts:
  description: The alerts, in the order of the sensor. What an answer leaves out is V(null) or empty.
  type: list
  elements: dict
  returned: success
  contains:
      id:
        description: Number of the alert.
        type: raw
        returned: always
      time:
        description: When it was raised, in UTC, to the millisecond.
        type: str
        returned: always
      title:
        description: Title.
        type: str
        returned: always
      message:
        description: Message.
        type: str
        returned: always
      severity:
        description: One of V(critical), V(major), V(minor) and V(warning).
        type: str
        returned: always
      engine:
        description: Engine that raised it, such as V(policy_violation).
        type: str
        returned: always
      source_device:
        description: Number of the device that caused it.
        type: int
        returned: always
      destination_device:
        description: Number of the other device.
        type: int
        returned: always
      additional_information:
        description: What else is known, with C(description) and C(information).
        type: dict
        returned: always
      handled:
        description: Whether it is handled, from a management console only.
        type: bool
        returned: always
      source_device_address:
        description: Address of the first device, with O(api_version=v2).
        type: str
        returned: always
      destination_device_address:
        description: Address of the other device, with O(api_version=v2).
        type: str
        returned: always
      remediation_steps:
        description: What to do, with O(api_version=v2).
        type: list
        elements: str
        returned: always
      sensor_name:
        description: Name of the sensor, with O(api_version=v2).
        type: str
        returned: always
      zone_name:
        description: Name of its zone, with O(api_version=v2).
        type: str
        returned: always
      site_name:
        description: Name of its site, with O(api_version=v2).
        type: str
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
    ALERT,
    ENGINES,
    SEVERITIES,
    TYPES,
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
