#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: forescout_module_info
short_description: Get the settings of the Defender for IoT module of a Forescout platform
version_added: 0.1.0
description:
  - Returns the address of the Microsoft Defender for IoT OT sensor that the Forescout eyeExtend module for
    Defender for IoT queries. The access token is never returned.
  - Forescout has no public interface to read these settings. With O(transport=rest) an endpoint map describes
    how to read them. The operator supplies the map for a private interface of the site. The lab of this
    collection has its own map.
  - With O(transport=fstool) commands on the platform read the settings, over the host's own Ansible
    connection.
  - With O(discover=true) these commands list the names of the plugins and of their properties.
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
      - Address of the Forescout platform, such as V(https://192.0.2.30). The scheme V(https) is added if it
        is missing. Other schemes are refused.
      - Required with O(transport=rest).
      - If it is not set, the environment variable E(FORESCOUT_URL) is read.
  transport:
    description:
      - How to read the settings.
      - V(rest) requires O(url) and O(endpoints).
      - V(fstool) requires O(plugin_name) and O(property_keys), except with O(discover=true).
    type: str
    choices: [rest, fstool]
    default: rest
  discover:
    description:
      - Whether to list the plugins of the platform instead of the settings, with O(transport=fstool). The
        list includes whether each plugin is enabled and, for O(plugin_name), the keys of its properties. No
        property value is read.
    type: bool
    default: false
  endpoints:
    description:
      - Endpoint map, a YAML file on the control node. It describes how to log in to an interface of this
        platform, and how to read the settings there. A relative path starts at the playbook's folder.
      - The map's login requires either O(token), or O(username) and O(password).
      - The guide C(docs/endpoint_maps.md) of this collection describes how to write one. The collection
        includes a map for the lab only.
      - Required with O(transport=rest).
    type: path
seealso:
  - module: otsec.defender_iot.forescout_module
  - name: Endpoint maps
    description: How to write an endpoint map, and what the collection checks in it.
    link: https://github.com/otsec/defender_iot/blob/main/docs/endpoint_maps.md
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The tasks take the connection from FORESCOUT_URL, FORESCOUT_USERNAME and FORESCOUT_PASSWORD.

- name: Get the sensor of the platform
  otsec.defender_iot.forescout_module_info:
    endpoints: endpoint_maps/forescout.yml
  register: result

- name: Check that it is the sensor of this site
  ansible.builtin.assert:
    that: result.settings.server_address == hostvars['sensor-north-01'].ansible_host

- name: List the plugins of the platform, to find the Defender for IoT module
  otsec.defender_iot.forescout_module_info:
    transport: fstool
    discover: true

- name: List its property keys, after the settings were applied once in the Console
  otsec.defender_iot.forescout_module_info:
    transport: fstool
    discover: true
    plugin_name: example_plugin
"""

RETURN = r"""
settings:
  description: The readable settings.
  type: dict
  returned: success, unless O(discover=true)
  sample:
    server_address: 192.0.2.20
  contains:
    server_address:
      description:
        - IP address of the sensor that the platform queries. If the O(nodes) differ, the text lists the
          address of each node.
      type: str
      returned: always
plugins:
  description: The plugins installed on the inventory host.
  type: list
  elements: dict
  returned: success, with O(discover=true)
  sample:
    - name: example_plugin
      enabled: true
      property_keys: [config.example_address.value, config.example_token.value]
  contains:
    name:
      description: Short name of the plugin, for O(plugin_name).
      type: str
      returned: always
    enabled:
      description: Whether the plugin is enabled on this host. Many plugins are installed but not enabled.
      type: bool
      returned: always
    property_keys:
      description:
        - The keys of all properties that were ever set, for O(property_keys). Values are never returned.
        - V(null) for all plugins except O(plugin_name).
      type: list
      elements: str
      returned: always
provenance:
  description:
    - Source of the knowledge about the interface. With O(transport=rest) the endpoint map declares it as
      V(documented), V(observed), V(captured), V(assumed) or V(lab). With O(transport=fstool) it is
      V(assumed).
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
