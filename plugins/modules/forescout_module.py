#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: forescout_module
short_description: Set up the Defender for IoT module of a Forescout platform
version_added: 0.1.0
description:
  - Sets the two settings of the Forescout eyeExtend module for Defender for IoT, I(Server Address) and
    I(Access Token), by which the platform queries one Microsoft Defender for IoT OT sensor.
  - No public interface of Forescout reads or writes these settings. The documented way is the Forescout
    Console.
  - With O(transport=manual), the default, the task therefore sends nothing and changes nothing. It returns
    the steps that a person has to take.
  - With O(transport=rest) the task reads and writes the settings by an endpoint map, which the operator
    supplies for a private interface of the site, or which the lab of this collection has.
  - With O(transport=fstool) the task runs C(fstool) on the platform, by the host's own Ansible connection. It
    saves what was there, sets both values, reads them back, restarts the plugin once, waits until it runs,
    and looks again. Where one of these fails, it puts back what was there and says so. That this module's
    plugin can be set so is an assumption. It is documented or observed for other plugins.
  - Address and token are always written together, because a token is valid on one sensor only. With
    O(transport=rest), where the address changes, both are emptied first, as in Microsoft's tutorial.
  - By O(transport=rest) the token cannot be read back. It is compared by fingerprint with the one that was
    last delivered to this inventory host, which the secret store remembers beside the token. A token that
    somebody replaced in the Console is not noticed. For O(transport=fstool) see O(token_compare).
  - Unless O(transport=manual), the store must hold the token. In check mode it need not, as if an earlier
    task put it there.
  - After writing, the address is read again, and the task fails if the platform kept another.
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
      - With O(transport=manual) there is nothing to compare, so nothing is shown.
      - The token is shown by its fingerprint.
  idempotent:
    support: full
options:
  transport:
    description:
      - How to reach the settings.
      - With V(manual), a person does, and the task says how. It never reports a change.
      - With V(rest), the task does, and O(url) and O(endpoints) must be given.
      - With V(fstool), the task does, and O(plugin_name) and O(property_keys) must be given.
      - The guide C(docs/forescout.md) of this collection compares the three.
    type: str
    choices: [manual, rest, fstool]
    default: manual
  create_keys:
    description:
      - Whether O(property_keys) may name properties that the plugin has never had, with O(transport=fstool).
        What C(fstool) does with a key that is spelled wrong is not known; it may accept it silently.
    type: bool
    default: false
  token_compare:
    description:
      - What the stored token says, with O(transport=fstool). How the platform stores it is not known.
      - With V(auto), a stored value that equals the token is the token. Any other may be the token encrypted,
        so it is compared by the fingerprint of what was last delivered, and a token that somebody replaced in
        the Console is not noticed. An empty one is written anew.
      - With V(plain), the platform is known to store it as it is given. Any other value is then written anew,
        and a token that does not read back is an error. This is also for a plugin that wants an encrypted
        value. Put that into the secret store in place of the token.
    type: str
    choices: [auto, plain]
    default: auto
  token_delivery:
    description:
      - How the token gets into the store, with O(transport=fstool). In either case it reaches the platform as
        the input of a command, and stands in no shell history and in no process list on the way.
      - With V(argument), C(fstool set_property) gets it as its argument, because it takes values in no other
        way. As long as that runs, about two seconds, the list of processes on the platform shows it.
      - With V(file), the task writes the line into C(local.properties) itself, so that no process list shows
        it. If the platform encrypts what is set, it does not with this. It was observed for one other plugin.
    type: str
    choices: [argument, file]
    default: argument
  restart_timeout:
    description:
      - How many seconds the plugin's restart may take, and again until it says that it runs, from 1 to 3600.
    type: int
    default: 300
  endpoints:
    description:
      - An endpoint map, a YAML file on the control node that says how an interface of this platform reads
        and writes the settings, and how one logs in to it. A relative path starts at the playbook's folder.
      - According to the map's login, O(token), or O(username) and O(password), must be given too.
      - The guide C(docs/endpoint_maps.md) of this collection says how to write one. Only the lab's own map
        comes with the collection.
    type: path
  server_address:
    description:
      - IP address of the sensor that the platform queries.
    type: str
    required: true
  access_token_ref:
    description:
      - Where the sensor's access token is kept, as C(BACKEND:LOCATION). It is the same reference that
        O(otsec.defender_iot.sensor_access_token#module:secret_ref) names.
      - With V(vault_file:/srv/secrets/sensor-north-01) it is the file C(/srv/secrets/sensor-north-01.yml)
        on the control node, encrypted with the vault identity of the run, which must therefore have one,
        with O(transport=manual) too. The path is absolute.
    type: str
    required: true
  access_token_replaced:
    description:
      - Whether an earlier task replaces that token. Check mode, in which the store still holds the old one,
        then predicts that the new one is written. A real run sees it in the store.
    type: bool
    default: false
notes:
  - Whether the platform reaches the sensor is seen on the sensor alone. Its list of access tokens shows
    under I(Used) when a call with the token was last received, and N/A if never.
  - A platform has one such module, which queries one sensor.
seealso:
  - module: otsec.defender_iot.forescout_module_info
  - module: otsec.defender_iot.sensor_access_token
  - name: Endpoint maps
    description: How to write one, and what the collection checks in it.
    link: https://github.com/otsec/defender_iot/blob/main/docs/endpoint_maps.md
  - name: Microsoft's tutorial on Forescout
    description: The steps in the consoles that this module takes over in part.
    link: https://learn.microsoft.com/en-us/azure/defender-for-iot/organizations/tutorial-forescout
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
- name: Tasks for Forescout platforms that say the connection once
  module_defaults:
    group/otsec.defender_iot.forescout:
      url: "https://{{ ansible_host }}"
      username: "{{ forescout_username }}"
      password: "{{ forescout_password }}"
      ca_path: /etc/ssl/certs/plant-ca.pem
  block:
    - name: Have the platform query the sensor, by a private interface of the site
      otsec.defender_iot.forescout_module:
        transport: rest
        endpoints: endpoint_maps/forescout.yml
        server_address: 192.0.2.20
        access_token_ref: vault_file:/srv/secrets/sensor-north-01-forescout

- name: Have the platform query the sensor, by commands on the platform
  otsec.defender_iot.forescout_module:
    transport: fstool
    # What forescout_module_info with discover found; these are no real names.
    plugin_name: example_plugin
    property_keys:
      server_address: config.example_address.value
      access_token: config.example_token.value
    server_address: 192.0.2.20
    access_token_ref: vault_file:/srv/secrets/sensor-north-01-forescout

- name: Find out what a person has to do in the Forescout Console
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
    - The settings as they are after the task, or in check mode as they would be.
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
        - The token's fingerprint, see RV(fingerprint).
        - V((known after apply\)) in check mode if the store holds no token yet.
      type: str
      returned: always
secret_ref:
  description: Where the token is stored, as O(access_token_ref) says it. The value itself is never returned.
  type: str
  returned: success
  sample: vault_file:/srv/secrets/sensor-north-01-forescout
fingerprint:
  description:
    - Twelve hexadecimal digits that tell one value under O(access_token_ref) from another, and nothing
      about it.
    - V(null) if the store holds no token.
  type: str
  returned: success
  sample: 5b1d0c4e9a72
created_at:
  description:
    - When the stored token was made, in UTC. V(null) if that is not known, as with one stored by hand.
  type: str
  returned: success
  sample: "2026-11-02T09:30:00Z"
verified_at:
  description: When the sensor accepted the stored token, in UTC. V(null) if it was not tried.
  type: str
  returned: success
  sample: "2026-11-02T09:30:01Z"
delivered_at:
  description:
    - When the platform began to be given the stored token, in UTC. Only what happened since then can be due
      to these settings.
    - V(null) if it was not given by this module.
  type: str
  returned: success, with O(transport=rest) or O(transport=fstool)
  sample: "2026-11-02T09:30:02Z"
running:
  description:
    - Whether the module's plugin runs on every one of O(nodes), as C(fstool) tells its status. V(null) if
      that says neither, or could not be asked.
    - After a change it is V(true), for the task waits until the plugin runs. Otherwise, and in check mode, it
      is as it is now. A plugin that does not run is not started, and is no change.
  type: bool
  returned: success, with O(transport=fstool)
  sample: true
steps:
  description: What a person has to do in the consoles of Forescout and of the sensor, in this order.
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
  description: What became of the object, as a list of one; in other modules it may hold more.
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
      description: What it is, V(settings).
      type: str
      returned: always
    name:
      description: What the pane is called.
      type: str
      returned: always
    action:
      description:
        - What was done to it, or in check mode would be, V(update) or V(none).
        - V(unknown) with O(transport=manual).
      type: str
      returned: always
    changed:
      description: Whether that is a change. With O(transport=manual) it is not.
      type: bool
      returned: always
    before:
      description: What there was, empty where there was nothing.
      type: dict
      returned: where it changes
    after:
      description: What there is afterwards, empty where it is gone.
      type: dict
      returned: where it changes
    previewable:
      description: V(false), for nothing can read what is there.
      type: bool
      returned: with O(transport=manual)
    reason:
      description: Why that is so.
      type: str
      returned: with O(transport=manual)
provenance:
  description:
    - What the knowledge of the interface rests on. With O(endpoints) it is what the endpoint map says of
      itself, V(documented), V(observed), V(captured) or V(lab). With O(transport=fstool) it is V(assumed),
      for no public source shows it with this plugin. With O(transport=manual) it is V(documented).
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
    WRITING,
    configure,
    connect,
    prepare_forescout_module,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.options import forescout
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module

MODULE = Module(
    arguments=forescout(
        {
            "transport": {"type": "str", "choices": ["manual", "rest", "fstool"], "default": "manual"},
            "endpoints": {"type": "path"},
            **SETTINGS.argument_spec(),
            "access_token_ref": {"type": "str", "required": True, "no_log": False},
            "access_token_replaced": {"type": "bool", "default": False, "no_log": False},
            **FSTOOL,
            **WRITING,
        },
        required_if=[("transport", "rest", ["url", "endpoints"])],
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
