#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: forescout_module_info
short_description: Read the settings of the Defender for IoT module of a Forescout platform
version_added: 0.1.0
description:
  - Returns which Microsoft Defender for IoT OT sensor the Forescout eyeExtend module for Defender for IoT
    queries. The access token is never returned.
  - No public interface of Forescout reads these settings. With O(transport=rest) an endpoint map says how,
    which the operator supplies for a private interface of the site, or which the lab of this collection has.
  - With O(transport=fstool) commands on the platform read them, by the host's own Ansible connection.
  - With O(discover=true) those commands find out what the plugin and its properties are called.
extends_documentation_fragment:
  - otsec.defender_iot.forescout
  - otsec.defender_iot.appliance
  - otsec.defender_iot.fstool
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.info_module
  - otsec.defender_iot.attributes.actiongroup_forescout
options:
  url:
    description:
      - Address of the Forescout platform, such as V(https://192.0.2.30). A bare host gets the scheme
        V(https), and no other scheme is accepted.
      - It must be given with O(transport=rest).
      - Where it is not set, the environment variable E(FORESCOUT_URL) is read.
  transport:
    description:
      - How to reach the settings. By hand there is nothing to read.
      - With V(rest), O(url) and O(endpoints) must be given.
      - With V(fstool), O(plugin_name) and O(property_keys) must be given, unless O(discover) finds them.
    type: str
    choices: [rest, fstool]
    default: rest
  discover:
    description:
      - Whether to list the plugins of the platform, in place of the settings, with O(transport=fstool). It
        lists which are enabled, and for the one that O(plugin_name) names the keys of its properties. No
        value of a property is read.
    type: bool
    default: false
  endpoints:
    description:
      - An endpoint map, a YAML file on the control node that says how an interface of this platform reads the
        settings, and how one logs in to it. A relative path starts at the playbook's folder.
      - According to the map's login, O(token), or O(username) and O(password), must be given too.
      - The guide C(docs/endpoint_maps.md) of this collection says how to write one. Only the lab's own map
        comes with the collection.
    type: path
seealso:
  - module: otsec.defender_iot.forescout_module
  - name: Endpoint maps
    description: How to write one, and what the collection checks in it.
    link: https://github.com/otsec/defender_iot/blob/main/docs/endpoint_maps.md
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The tasks take the connection from FORESCOUT_URL, FORESCOUT_USERNAME and FORESCOUT_PASSWORD.

- name: Read which sensor the platform queries
  otsec.defender_iot.forescout_module_info:
    endpoints: endpoint_maps/forescout.yml
  register: result

- name: List the plugins of a platform, to find the one that is the Defender for IoT module
  otsec.defender_iot.forescout_module_info:
    transport: fstool
    discover: true

- name: List the names of its properties, after the settings were applied once in the Console
  otsec.defender_iot.forescout_module_info:
    transport: fstool
    discover: true
    plugin_name: example_plugin

- name: Insist that it is the sensor of this site
  ansible.builtin.assert:
    that: result.settings.server_address == hostvars['sensor-north-01'].ansible_host
"""

RETURN = r"""
settings:
  description: The settings that can be read.
  type: dict
  returned: success, unless O(discover=true)
  sample:
    server_address: 192.0.2.20
  contains:
    server_address:
      description:
        - IP address of the sensor that the platform queries. Where O(nodes) differ, it is told for each of
          them.
      type: str
      returned: always
plugins:
  description: The plugins that are installed on the inventory host.
  type: list
  elements: dict
  returned: success, with O(discover=true)
  sample:
    - name: example_plugin
      enabled: true
      property_keys: [config.example_address.value, config.example_token.value]
  contains:
    name:
      description: The plugin's short name, for O(plugin_name).
      type: str
      returned: always
    enabled:
      description: Whether it is enabled on this host. Many are installed where they are not.
      type: bool
      returned: always
    property_keys:
      description:
        - The names of the properties that were ever set, for O(property_keys), never their values.
        - V(null) for all but the one that O(plugin_name) names.
      type: list
      elements: str
      returned: always
provenance:
  description:
    - What the knowledge of the interface rests on, as the endpoint map says of itself, V(documented),
      V(observed), V(captured) or V(lab). With O(transport=fstool) it is V(assumed).
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

from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.module_settings import (
    FSTOOL,
    SETTINGS,
    connect,
    prepare_forescout_module,
    show,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.options import forescout
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module

MODULE = Module(
    arguments=forescout(
        {
            "transport": {"type": "str", "choices": ["rest", "fstool"], "default": "rest"},
            "endpoints": {"type": "path"},
            "discover": {"type": "bool", "default": False},
            **FSTOOL,
        },
        required_if=[("transport", "rest", ["url", "endpoints"])],
    ),
    resource=SETTINGS,
    connect=connect,
    work=show,
    prepare=prepare_forescout_module,
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
