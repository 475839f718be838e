#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: fortisiem_event_info
short_description: Check whether alerts of sensors arrive in a FortiSIEM
version_added: 0.1.0
description:
  - Returns the events that a FortiSIEM has received from Microsoft Defender for IoT sensors in a time window,
    and which of them look like alerts.
  - It runs event queries, which only read. It supports the XML interface of FortiSIEM 5.1 to 7.x, whose
    answers have two forms, and the JSON interface in the specification of FortiSIEM 7.5.1.
  - Events that FortiSIEM writes itself, with V(PH_) in their type, never count.
  - If a source has no events, a control query determines whether the account sees any events at all.
extends_documentation_fragment:
  - otsec.defender_iot.fortisiem
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.info_module
  - otsec.defender_iot.attributes.actiongroup_fortisiem
options:
  sources:
    description:
      - The sensors to look for. Each needs O(sources[].addresses) or O(sources[].names).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the source in the result and in messages, such as its inventory name.
        type: str
        required: true
      addresses:
        description:
          - Reporting IP addresses of the sensor in FortiSIEM. Behind NAT or a syslog relay, this is not the
            sensor's own address. Required if O(sources[].names) is not set.
        type: list
        elements: str
      names:
        description:
          - Names of the sensor as a reporting device in FortiSIEM. Required if O(sources[].addresses) is not
            set.
        type: list
        elements: str
  since:
    description:
      - Start of the window, such as V(2026-11-02T10:15:00Z) or V(2026-11-02T12:15:00+02:00). A time without a
        time zone is refused. FortiSIEM compares it with the time at which it received an event.
      - If it is not set, the window starts O(max_age) seconds before the task.
    type: str
  max_age:
    description:
      - Length of the window in seconds, from 1, if O(since) is not set.
    type: int
    default: 86400
  until:
    description:
      - End of the window, in the form of O(since). If it is not set, it is five minutes after the current
        time, because FortiSIEM's clock may be ahead.
    type: str
  limit:
    description:
      - Number of the newest events to read for each source, from 1 to 1000.
    type: int
    default: 100
  markers:
    description:
      - An event is an alert if its raw text contains one of these texts, not case-sensitive. The event type
        of today's alerts is not known, so it is not used.
    type: list
    elements: str
    default: [Defender for IoT, CyberX]
  text:
    description:
      - Also count the alerts whose raw text contains this text, such as the title of a test alert, not
        case-sensitive. If it is not set, nothing is compared.
    type: str
  raw:
    description:
      - Return the raw text of every event. Such texts name hosts and may contain credentials.
    type: bool
    default: false
  api:
    description:
      - Interface for the queries. V(auto) uses V(json) if the FortiSIEM has it, otherwise V(xml).
    type: str
    choices: [auto, xml, json]
    default: auto
  query_timeout:
    description:
      - Time limit in seconds for one query, from 1 to 3600.
    type: int
    default: 60
  wait:
    description:
      - Time limit in seconds to wait until every source has an alert, with O(text) if that is set.
    type: int
    default: 0
  interval:
    description:
      - Seconds between two readings while waiting, from 5 to 3600.
    type: int
    default: 10
requirements:
  - lxml >= 5.0 (on the host that sends the requests, for the XML interface)
notes:
  - No document states what a sensor's test message contains. If FortiSIEM shows it but the module does not
    count it as an alert, set O(markers).
seealso:
  - module: otsec.defender_iot.sensor_alert_info
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The task takes the connection from FORTISIEM_URL, FORTISIEM_USERNAME and FORTISIEM_PASSWORD.

- name: Wait up to five minutes for an alert of a sensor
  otsec.defender_iot.fortisiem_event_info:
    sources:
      - name: sensor-north-01
        addresses: [192.0.2.11]
    since: "2026-11-02T10:15:00Z"
    wait: 300
  register: result

- name: Check that it arrived
  ansible.builtin.assert:
    that: result.sources[0].alerts > 0
"""

RETURN = r"""
sources:
  description: The sources in the order of O(sources), with the newest events of each.
  type: list
  elements: dict
  returned: success
  contains:
      name:
        description: Name of the source.
        type: str
        returned: always
      addresses:
        description: Its reporting addresses, as in the option.
        type: list
        elements: str
        returned: always
      names:
        description: Its reporting names, as in the option.
        type: list
        elements: str
        returned: always
      total:
        description: Number of its events in the window. V(null) if FortiSIEM does not state it.
        type: int
        returned: always
      complete:
        description: Whether every event in the window was read. If not, raise O(limit).
        type: bool
        returned: always
      alerts:
        description: Number of alerts among the events.
        type: int
        returned: always
      matching_alerts:
        description: Number of alerts that contain O(text). V(null) if O(text) is not set.
        type: int
        returned: always
      other_events:
        description: Number of events that are not alerts.
        type: int
        returned: always
      unparsed_events:
        description: Number of those that FortiSIEM did not parse, or returned without their raw text. They
          may be alerts in an unknown form.
        type: int
        returned: always
      event_types:
        description: Number of events of each type.
        type: dict
        returned: always
        sample: {CyberX-Policy-Violation: 2}
      newest_alert:
        description: Time in UTC at which FortiSIEM received the newest alert. V(null) without an alert, and
          if the answer does not state the time zone.
        type: str
        returned: always
        sample: "2026-11-02T10:15:04Z"
      events:
        description: The events, newest first. Each has C(receive_time) in UTC or V(null), C(event_type),
          C(event_name), C(parser), C(reporting_address), C(reporting_name), C(collector), C(alert), and
          C(raw), which is V(null) unless O(raw=true).
        type: list
        elements: dict
        returned: always
window:
  description: The window that was searched, in UTC, from C(low) to C(high).
  type: dict
  returned: success
  sample: {low: "2026-11-02T10:15:00Z", high: "2026-11-02T10:25:00Z"}
sees_events:
  description: Whether the account sees any event of any device in the last 15 minutes of the window. V(null)
    if every source has events.
  type: bool
  returned: success
api:
  description: The interface that was used, V(xml) or V(json).
  type: str
  returned: success
  sample: xml
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
    path: /phoenix/rest/query/eventQuery
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

from ansible_collections.otsec.defender_iot.plugins.module_utils._fortisiem.api import connect
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortisiem.events import (
    EVENT,
    MARKERS,
    SOURCE,
    prepare_event_info,
    read_events,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortisiem.options import fortisiem
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module

MODULE = Module(
    arguments=fortisiem(
        {
            "sources": {"type": "list", "elements": "dict", "required": True, "options": SOURCE},
            "since": {"type": "str"},
            "max_age": {"type": "int", "default": 86400},
            "until": {"type": "str"},
            "limit": {"type": "int", "default": 100},
            "markers": {"type": "list", "elements": "str", "default": MARKERS},
            "text": {"type": "str"},
            "raw": {"type": "bool", "default": False},
            "api": {"type": "str", "choices": ["auto", "xml", "json"], "default": "auto"},
            "query_timeout": {"type": "int", "default": 60},
            "wait": {"type": "int", "default": 0},
            "interval": {"type": "int", "default": 10},
        },
        texts=("markers", "text"),
    ),
    resource=EVENT,
    connect=connect,
    work=read_events,
    prepare=prepare_event_info,
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
