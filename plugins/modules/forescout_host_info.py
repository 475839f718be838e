#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: forescout_host_info
short_description: Read what a Forescout platform knows of a host from its Defender for IoT module
version_added: 0.1.0
description:
  - Returns which of the eight host properties of the Forescout eyeExtend module for Defender for IoT exist
    on a platform, and what they hold for one host, by Forescout's Web API, which only reads.
  - The names of the properties are published nowhere, so they are found by their labels. Where several
    properties have one label, none of them is returned, for another module may own it.
extends_documentation_fragment:
  - otsec.defender_iot.forescout
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.info_module
  - otsec.defender_iot.attributes.actiongroup_forescout
options:
  url:
    description:
      - Address of the Forescout platform, such as V(https://192.0.2.30). A bare host gets the scheme
        V(https), and no other scheme is accepted.
      - It must be given for this module.
      - Where it is not set, the environment variable E(FORESCOUT_URL) is read.
  token:
    description:
      - Not used by this module, which logs in with O(username) and O(password).
      - Where it is not set, the environment variable E(FORESCOUT_TOKEN) is read.
  username:
    description:
      - Name of an account of the Web API. These accounts are its own, set in the Console under
        Options > Web API, where the address that the task comes from must be listed too.
      - It must be given for this module.
      - Where it is not set, the environment variable E(FORESCOUT_USERNAME) is read.
  token_form:
    description:
      - How the platform wants the token that a login gives, which differs between versions.
      - With V(auto), it is sent bare as in the vendor's samples, and if refused with C(Bearer) before it.
    type: str
    choices: [auto, bare, bearer]
    default: auto
  labels:
    description:
      - Labels of the properties, regardless of case. V(Authorized by CyberX) stands for its newer names too.
    type: list
    elements: str
    default: [Authorized by CyberX, Firmware, Name, Operating System, Type, Vendor, Risk Level, Protocols]
  host:
    description:
      - IP address, MAC address or id of a host to read. Left out, only the labels are looked up.
    type: str
  newer_than:
    description:
      - Also say whether the host has a value that is not older than this time, such as
        V(2026-11-02T10:15:00Z). Without an offset it is UTC.
    type: str
  wait:
    description:
      - Seconds to wait for such a value. How often a platform asks its sensor is not documented.
    type: int
    default: 0
  interval:
    description:
      - Seconds between two looks while waiting.
    type: int
    default: 10
notes:
  - A refused login is never tried again. A token lives for five minutes by default; when it has expired, the
    task logs in once more.
  - An old value stays on a host after the module has lost its sensor, so only its time proves anything.
seealso:
  - module: otsec.defender_iot.forescout_module
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The tasks take the connection from FORESCOUT_URL, FORESCOUT_USERNAME and FORESCOUT_PASSWORD.

- name: Look whether the properties of the Defender for IoT module exist
  otsec.defender_iot.forescout_host_info:
  register: result

- name: Insist on it
  ansible.builtin.assert:
    that: result.missing_labels == []

- name: Wait up to a minute until the platform has asked its sensor about a host
  otsec.defender_iot.forescout_host_info:
    host: 198.51.100.12
    newer_than: "2026-11-02T10:15:00Z"
    wait: 60
    interval: 5
"""

RETURN = r"""
missing_labels:
  description: Labels that no property has. None should be missing while the module is installed.
  type: list
  elements: str
  returned: success
  sample: []
ambiguous_labels:
  description: Labels that several properties have, whose values are therefore not returned.
  type: list
  elements: str
  returned: success
  sample: [Vendor]
host:
  description: The host.
  type: dict
  returned: success, with O(host)
  contains:
    id:
      description: Its id, as text, for an id may be larger than what many readers of JSON keep exact.
      type: str
      returned: always
    ip:
      description: Its IP address.
      type: str
      returned: always
    mac:
      description: Its MAC address.
      type: str
      returned: always
    properties:
      description:
        - What it holds, by label. Each has C(value), a list where there are several, and C(updated_at) in
          UTC.
      type: dict
      returned: always
      sample:
        Vendor:
          value: Omron
          updated_at: "2026-11-02T10:15:04Z"
    updated_at:
      description: The newest of these times.
      type: str
      returned: always
newer:
  description: Whether the host has a value not older than O(newer_than), V(null) where that is not given.
  type: bool
  returned: success, with O(host)
provenance:
  description:
    - What the knowledge of the interface rests on, always V(observed). The vendor's samples show the login,
      and clients of others the answers.
  type: str
  returned: success
  sample: observed
failure:
  description:
    - What went wrong on the appliance, for machines. The message says it in a sentence.
    - Options that cannot be right fail without it, before the first request.
  type: dict
  returned: failure, and when the appliance cannot be reached
  sample:
    status: 401
    code: null
    path: /api/login
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
