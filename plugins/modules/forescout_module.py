#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: forescout_module
short_description: Manage the settings of the Defender for IoT module of a Forescout platform
version_added: 0.1.0
description:
  - Manages the two settings of the Forescout eyeExtend module for Defender for IoT, I(Server Address) and
    I(Access Token). With them the platform queries one Microsoft Defender for IoT OT sensor.
  - Forescout has no public interface to read or write these settings. The documented way is the Forescout
    Console.
  - With O(transport=manual), the default, the task sends no request and changes nothing. It returns the
    manual steps for an operator.
  - With O(transport=rest) the task reads and writes the settings through an endpoint map. The operator
    supplies the map for a private interface of the site. The lab of this collection has its own map.
  - With O(transport=fstool) the task runs C(fstool) on the platform, over the host's own Ansible connection.
    It saves the old values, sets both values, reads them back, restarts the plugin once, waits until it runs,
    and reads the values again. If a step fails, it restores the old values and reports that. It is assumed
    that the plugin of this module can be configured in this way. For other plugins it is documented or
    observed.
  - Address and token are always written together, because a token is valid on one sensor only. With
    O(transport=rest), a change of the address clears both first, as in Microsoft's tutorial.
  - With O(transport=rest) the token cannot be read back. The task compares its fingerprint with that of the
    token last delivered to this inventory host, which the secret store records with the token. It does not
    detect a token that was replaced in the Console. For O(transport=fstool) see O(token_compare).
  - The store must contain the token, except with O(transport=manual). Check mode does not require it, because
    an earlier task of the run may create it.
  - After a write the task reads the address again, and fails if the platform has another one.
extends_documentation_fragment:
  - otsec.defender_iot.forescout
  - otsec.defender_iot.appliance
  - otsec.defender_iot.fstool
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.actiongroup_forescout
attributes:
  check_mode:
    support: full
  diff_mode:
    support: partial
    details:
      - With O(transport=manual) nothing can be compared, so nothing is shown.
      - The token is shown as its fingerprint.
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) sets server address and access token.
      - V(absent) clears both, so that the platform queries no sensor. The secret store stays as it is. With
        O(transport=fstool), that the module accepts empty settings is assumed.
    type: str
    choices: [present, absent]
    default: present
  transport:
    description:
      - How to manage the settings.
      - V(manual) returns the steps for an operator. It never reports a change.
      - V(rest) writes the settings through an endpoint map. It requires O(url) and O(endpoints).
      - V(fstool) writes the settings with commands on the platform. It requires O(plugin_name) and
        O(property_keys).
      - The guide C(docs/forescout.md) of this collection compares the three.
    type: str
    choices: [manual, rest, fstool]
    default: manual
  create_keys:
    description:
      - Whether O(property_keys) may contain keys that the plugin does not have yet, with O(transport=fstool).
        How C(fstool) handles a misspelt key is not known. It may accept the key silently.
    type: bool
    default: false
  token_compare:
    description:
      - How to compare the token on the platform with the one in the secret store, with O(transport=fstool).
        How the platform stores the token is not known.
      - V(auto) accepts a value that equals the token. Any other value may be the encrypted token. The task
        then compares the fingerprint of the token last delivered, and does not detect a token that was
        replaced in the Console. An empty value is written again.
      - V(plain) is for a platform that is known to store the token unchanged. Any other value is written
        again, and the task fails if the token reads back differently. It is also for a plugin that expects an
        encrypted value. Store that value in place of the token.
    type: str
    choices: [auto, plain]
    default: auto
  token_delivery:
    description:
      - How to write the token on the platform, with O(transport=fstool). In both cases the token reaches the
        platform as the standard input of a command, so that it does not appear in a shell history or in a
        process list on the way.
      - V(argument) passes the token to C(fstool set_property) as its argument, because the command accepts
        values in no other way. While the command runs, about two seconds, the process list of the platform
        shows the token.
      - V(file) writes the line into C(local.properties), so that no process list shows the token. If the
        platform encrypts values that are set with C(fstool), it does not encrypt this one. This was observed
        for one other plugin.
    type: str
    choices: [argument, file]
    default: argument
  restart_timeout:
    description:
      - Time limit in seconds for the restart of the plugin, and again until the plugin reports that it runs,
        from 1 to 3600.
    type: int
    default: 300
  endpoints:
    description:
      - Endpoint map, a YAML file on the control node. It describes how to log in to an interface of this
        platform, and how to read and write the settings there. A relative path starts at the playbook's
        folder.
      - The map's login requires either O(token), or O(username) and O(password).
      - The guide C(docs/endpoint_maps.md) of this collection describes how to write one. The collection
        includes a map for the lab only.
      - Required with O(transport=rest).
    type: path
  server_address:
    description:
      - IP address of the sensor that the platform queries. Required with O(state=present).
    type: str
  access_token_ref:
    description:
      - Reference to the sensor's access token in the secret store, as C(BACKEND:LOCATION). Use the same
        reference as in O(otsec.defender_iot.sensor_access_token#module:secret_ref).
      - V(vault_file:/srv/secrets/sensor-north-01) is the file C(/srv/secrets/sensor-north-01.yml) on the
        control node, encrypted with the vault identity of the run. The identity is required with
        O(transport=manual) too. The path must be absolute.
      - Required with O(state=present).
    type: str
  access_token_replaced:
    description:
      - Whether an earlier task replaces that token. In check mode the store still contains the old token. If
        this is V(true), check mode predicts that the new token is written. A real run reads the new token
        from the store.
    type: bool
    default: false
  rotate_only:
    description:
      - Whether to only write a token that replaces another one. The task reports all other differences and
        does not change them.
    type: bool
    default: false
notes:
  - The result does not show whether the platform calls the sensor. In the sensor's list of access tokens,
    I(Used) is the time of the last call with the token, or N/A if there was none. On the platform,
    M(otsec.defender_iot.forescout_host_info) shows whether a host has values of the sensor.
  - A platform has one such module, and the module queries one sensor.
seealso:
  - module: otsec.defender_iot.forescout_module_info
  - module: otsec.defender_iot.sensor_access_token
  - name: Endpoint maps
    description: How to write an endpoint map, and what the collection checks in it.
    link: https://github.com/otsec/defender_iot/blob/main/docs/endpoint_maps.md
  - name: Microsoft's tutorial on Forescout
    description: The manual steps that this module partly replaces.
    link: https://learn.microsoft.com/en-us/azure/defender-for-iot/organizations/tutorial-forescout
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
- name: Manage Forescout platforms with shared connection options
  module_defaults:
    group/otsec.defender_iot.forescout:
      url: "https://{{ ansible_host }}"
      username: "{{ forescout_username }}"
      password: "{{ forescout_password }}"
      ca_path: /etc/ssl/certs/plant-ca.pem
  block:
    - name: Set the sensor of the platform through a private interface of the site
      otsec.defender_iot.forescout_module:
        transport: rest
        endpoints: endpoint_maps/forescout.yml
        server_address: 192.0.2.20
        access_token_ref: vault_file:/srv/secrets/sensor-north-01-forescout

- name: Set the sensor of the platform with commands on the platform
  otsec.defender_iot.forescout_module:
    transport: fstool
    # Names from forescout_module_info with discover. These are placeholders.
    plugin_name: example_plugin
    property_keys:
      server_address: config.example_address.value
      access_token: config.example_token.value
    server_address: 192.0.2.20
    access_token_ref: vault_file:/srv/secrets/sensor-north-01-forescout

- name: Clear the settings of a platform that is decommissioned
  otsec.defender_iot.forescout_module:
    url: "https://{{ ansible_host }}"
    transport: rest
    endpoints: endpoint_maps/forescout.yml
    state: absent

- name: Determine the manual steps in the Forescout Console
  otsec.defender_iot.forescout_module:
    server_address: 192.0.2.20
    access_token_ref: vault_file:/srv/secrets/sensor-north-01-forescout
  register: result

- name: Show the steps
  ansible.builtin.debug:
    var: result.steps
"""

RETURN = r"""
settings:
  description:
    - The settings after the task, or as predicted in check mode.
  type: dict
  returned: success, with O(transport=rest) or O(transport=fstool)
  sample:
    server_address: 192.0.2.20
    access_token: 5b1d0c4e9a72
  contains:
    server_address:
      description: IP address of the sensor that the platform queries.
      type: str
      returned: always
    access_token:
      description:
        - Fingerprint of the token, see RV(fingerprint).
        - V((known after apply\)) in check mode if the store contains no token yet.
      type: str
      returned: with O(state=present)
secret_ref:
  description: Reference to the token, as in O(access_token_ref). The token itself is never returned.
  type: str
  returned: success, with O(state=present)
  sample: vault_file:/srv/secrets/sensor-north-01-forescout
fingerprint:
  description:
    - Twelve hexadecimal digits that distinguish the values stored under O(access_token_ref) and reveal
      nothing else about them.
    - V(null) if the store contains no token.
  type: str
  returned: success, with O(state=present)
  sample: 5b1d0c4e9a72
created_at:
  description:
    - Time when the stored token was minted, in UTC. V(null) if it is not known, for example for a manually
      stored token.
  type: str
  returned: success, with O(state=present)
  sample: "2026-11-02T09:30:00Z"
verified_at:
  description: Time when the sensor accepted the stored token, in UTC. V(null) if the token was not verified.
  type: str
  returned: success, with O(state=present)
  sample: "2026-11-02T09:30:01Z"
delivered_at:
  description:
    - Time when the delivery of the stored token to the platform began, in UTC. Only later calls can result
      from these settings.
    - V(null) if this module did not deliver the token.
  type: str
  returned: success, with O(state=present) and O(transport=rest) or O(transport=fstool)
  sample: "2026-11-02T09:30:02Z"
running:
  description:
    - Whether the plugin of the module runs on all O(nodes), according to C(fstool). V(null) if the status is
      unclear or could not be read.
    - After a change it is V(true), because the task waits until the plugin runs. Without a change, and in
      check mode, it is the current status. The task does not start a stopped plugin, and does not report it
      as a change.
  type: bool
  returned: success, with O(transport=fstool)
  sample: true
steps:
  description: The manual steps in the consoles of Forescout and of the sensor, in order.
  type: list
  elements: str
  returned: success, with O(transport=manual)
  sample:
    - >-
      Sign in to the Forescout Console of forescout-01 and open Tools > Options > Modules > Defender for IoT
      Platform (CyberX Platform in some versions).
    - Set Server Address to 192.0.2.20.
    - Set Access Token to the value stored under vault_file:/srv/secrets/sensor-north-01-forescout.
    - Select Apply.
    - >-
      On the sensor, open System settings > Integrations > Access tokens: Used must change from N/A to a time.
objects:
  description: The object and the action taken, as a list with one entry. Other modules may return several.
  type: list
  elements: dict
  returned: success
  sample:
    - kind: settings
      name: Defender for IoT module settings
      action: update
      changed: true
      before: {server_address: "", access_token: null}
      after: {server_address: 192.0.2.20, access_token: 5b1d0c4e9a72}
  contains:
    kind:
      description: Kind of the object, always V(settings).
      type: str
      returned: always
    name:
      description: Name of the settings pane.
      type: str
      returned: always
    action:
      description:
        - The action taken, or predicted in check mode, V(update) or V(none).
        - V(unknown) with O(transport=manual), which reports show as C(not_provable).
      type: str
      returned: always
    changed:
      description: Whether the object changes. V(false) with O(transport=manual).
      type: bool
      returned: always
    before:
      description: The changed fields before the task. Empty if the object did not exist.
      type: dict
      returned: when the object changes
    after:
      description: The changed fields after the task. Empty if the object was deleted.
      type: dict
      returned: when the object changes
    previewable:
      description: V(false), because the settings cannot be read.
      type: bool
      returned: with O(transport=manual)
    reason:
      description:
        - With O(transport=manual), why the settings cannot be read.
        - With O(rotate_only=true), how the settings differ from the desired state.
      type: str
      returned: with O(transport=manual), and with O(rotate_only=true) on differences
    overdue:
      description: Always V(true). The token replaces another one, but this task cannot write it.
      type: bool
      returned: with O(rotate_only=true), in such a case
provenance:
  description:
    - Source of the knowledge about the interface. With O(endpoints) the endpoint map declares it as
      V(documented), V(observed), V(captured), V(assumed) or V(lab). With O(transport=fstool) it is
      V(assumed), because no public source shows it with this plugin. With O(transport=manual) it is
      V(documented).
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
    WRITING,
    configure,
    connect,
    prepare_forescout_module,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.options import forescout
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.arguments import ROTATE_ONLY, STATE
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module

MODULE = Module(
    arguments=forescout(
        {
            **STATE,
            "transport": {"type": "str", "choices": ["manual", "rest", "fstool"], "default": "manual"},
            "endpoints": {"type": "path"},
            **SETTINGS.argument_spec(),
            "access_token_ref": {"type": "str", "no_log": False},
            "access_token_replaced": {"type": "bool", "default": False, "no_log": False},
            **ROTATE_ONLY,
            **FSTOOL,
            **WRITING,
        },
        required_if=[
            ("transport", "rest", ["url", "endpoints"]),
            ("state", "present", ["server_address", "access_token_ref"]),
        ],
    ),
    resource=SETTINGS,
    connect=connect,
    work=configure,
    prepare=prepare_forescout_module,
    secret_refs=("access_token_ref",),
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
