#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: forescout_host_info
short_description: Get the Defender for IoT properties of a host from a Forescout platform
version_added: 0.1.0
description:
  - Returns which of the eight host properties of the Forescout eyeExtend module for Defender for IoT exist on
    a platform, and their values for one host. It uses Forescout's Web API, which only reads.
  - The names of the properties are not published, so the module finds them by their labels. If several
    properties share a label, none of them is returned, because another module may own it.
extends_documentation_fragment:
  - otsec.defender_iot.forescout
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.info_module
  - otsec.defender_iot.attributes.actiongroup_forescout
options:
  url:
    description:
      - Address of the Forescout platform, such as V(https://192.0.2.30). The scheme V(https) is added if it
        is missing. Other schemes are refused.
      - Required for this module.
      - If it is not set, the environment variable E(FORESCOUT_URL) is read.
  token:
    description:
      - Not used. The module logs in with O(username) and O(password).
      - If it is not set, the environment variable E(FORESCOUT_TOKEN) is read.
  username:
    description:
      - User name of a Web API account. The Web API has its own accounts, in the Console under Options > Web
        API. The source address of the task must be listed there too.
      - Required for this module.
      - If it is not set, the environment variable E(FORESCOUT_USERNAME) is read.
  token_form:
    description:
      - How to send the token that a login returns. The form differs between versions of the platform.
      - V(auto) sends the bare token as in the vendor's samples. If the platform refuses that, it sends the
        token with the prefix C(Bearer).
    type: str
    choices: [auto, bare, bearer]
    default: auto
  labels:
    description:
      - Labels of the properties, not case-sensitive. V(Authorized by CyberX) also finds its newer names.
    type: list
    elements: str
    default: [Authorized by CyberX, Firmware, Name, Operating System, Type, Vendor, Risk Level, Protocols]
  host:
    description:
      - IP address, MAC address or id of the host to read. If it is not set, only the labels are looked up.
    type: str
  newer_than:
    description:
      - Also check whether the host has a value that is not older than this time, such as
        V(2026-11-02T10:15:00Z). A time without an offset is in UTC. If it is not set, the age of the values
        is not checked.
    type: str
  wait:
    description:
      - Time limit in seconds to wait for such a value. How often a platform queries its sensor is not
        documented.
    type: int
    default: 0
  interval:
    description:
      - Seconds between two checks while waiting.
    type: int
    default: 10
notes:
  - A refused login is never retried. A token is valid for five minutes by default. If it expires, the task
    logs in once more.
  - A host keeps its old value if the module loses its sensor. Only the time of the value is evidence.
seealso:
  - module: otsec.defender_iot.forescout_module
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The tasks take the connection from FORESCOUT_URL, FORESCOUT_USERNAME and FORESCOUT_PASSWORD.

- name: Check which properties of the Defender for IoT module exist
  otsec.defender_iot.forescout_host_info:
  register: result

- name: Check that no property is missing
  ansible.builtin.assert:
    that: result.missing_labels == []

- name: Wait up to one minute for a new value from the sensor
  otsec.defender_iot.forescout_host_info:
    host: 198.51.100.12
    newer_than: "2026-11-02T10:15:00Z"
    wait: 60
    interval: 5
"""

RETURN = r"""
missing_labels:
  description: Labels without a property. If the module is installed, the list is empty.
  type: list
  elements: str
  returned: success
  sample: []
ambiguous_labels:
  description: Labels that several properties share. Their values are not returned.
  type: list
  elements: str
  returned: success
  sample: [Vendor]
host:
  description: The host and its properties.
  type: dict
  returned: success, with O(host)
  contains:
    id:
      description: Id of the host. It is a string, because many JSON parsers do not keep such large numbers
        exact.
      type: str
      returned: always
    ip:
      description: IP address of the host.
      type: str
      returned: always
    mac:
      description: MAC address of the host.
      type: str
      returned: always
    properties:
      description:
        - The properties by label. Each has C(value), which is a list for several values, and C(updated_at) in
          UTC.
      type: dict
      returned: always
      sample:
        Vendor:
          value: Omron
          updated_at: "2026-11-02T10:15:04Z"
    updated_at:
      description: The newest C(updated_at).
      type: str
      returned: always
newer:
  description: Whether the host has a value that is not older than O(newer_than). V(null) if O(newer_than) is
    not set.
  type: bool
  returned: success, with O(host)
provenance:
  description:
    - Source of the knowledge about the interface, always V(observed). The vendor's samples show the login,
      and third-party clients show the responses.
  type: str
  returned: success
  sample: observed
failure:
  description:
    - Details of a failure on the appliance, for programs. C(msg) describes it in a sentence.
    - Invalid options fail without this value, before the first request.
  type: dict
  returned: on failure, and if the appliance is unreachable
  sample:
    status: 401
    code: null
    path: /api/login
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

from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.hosts import (
    HOST,
    LABELS,
    PROPERTY,
    prepare_host_info,
    read_host,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.options import forescout
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.web_api import connect
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module

MODULE = Module(
    arguments=forescout(
        {
            "token_form": {"type": "str", "choices": ["auto", "bare", "bearer"], "default": "auto"},
            "labels": {"type": "list", "elements": "str", "default": LABELS},
            "host": {"type": "str"},
            "newer_than": {"type": "str"},
            "wait": {"type": "int", "default": 0},
            "interval": {"type": "int", "default": 10},
        },
        required_by={"newer_than": "host"},
    ),
    resource=HOST,
    connect=connect,
    work=read_host,
    prepare=prepare_host_info,
    also=(PROPERTY,),
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
