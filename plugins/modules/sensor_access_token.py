#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: sensor_access_token
short_description: Manage the access tokens of a Defender for IoT sensor
version_added: 0.1.0
description:
  - Has an access token of a Microsoft Defender for IoT OT sensor in a secret store, where others, such as
    M(otsec.defender_iot.forescout_module), take it from.
  - Without O(endpoints) the module adopts and verifies. A person generates the token in the sensor's web
    interface and stores it, and the module proves once that the sensor accepts it. It uses documented calls
    alone, which are C(GET /api/v1/alerts) with the token in the C(Authorization) header.
  - With O(endpoints) the module creates the token if the sensor has none of that description, keeps it if
    the sensor has one and the store holds its value, and deletes it with O(state=absent). No vendor
    documents an interface for that, so an endpoint map, which the operator supplies, says how the sensor's
    own web interface does it.
  - The description is the token's identity. If several tokens have it, the task fails and names their ids.
  - A sensor shows a token once. If the sensor has the token and the store does not hold it, the value is
    lost for this module and the task fails. If the sensor has none and the store holds one, a new token
    replaces the stored one.
  - Tokens can overlap. A token that is replaced stays on the sensor and in the store, until
    O(previous=absent) deletes it, which happens only once the new one was used.
  - To make a token, the order is fixed. The store is read. The sensor is read. A pending record proves that
    the store can be written. The token is created, stored as pending, read back and compared, and then made
    the current one. What an interrupted run has left is finished by the next one. A token whose value was
    stored becomes the current one, and one whose value was lost is deleted before another is made.
  - If the store breaks down after the token was created, storing is tried again a few times. Then the token
    is written, encrypted, to a file in Ansible's home, which the message names, and deleted on the sensor.
  - A created token is not tried, because that would set its I(Used) time on the sensor, by which one sees
    whether its user has called.
  - A store that cannot be read stops the task. It is never taken for an empty one. The value is never
    returned, printed or shown in a diff.
extends_documentation_fragment:
  - otsec.defender_iot.sensor
  - otsec.defender_iot.state
  - otsec.defender_iot.one_time_secret
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.actiongroup_sensor
attributes:
  check_mode:
    support: full
    details:
      - Without O(endpoints), a stored token that is not verified yet is reported as a change. It is not
        tried.
      - Whether the store can be written is not found out.
  diff_mode:
    support: full
    details:
      - Shows the fingerprint of the token. That of a token which is not made yet is shown as
        V((known after apply\)).
  idempotent:
    support: partial
    details:
      - With O(recreate=always) every run makes a new token.
options:
  state:
    description:
      - With V(absent) the token is deleted from the sensor, and its value from the store. This needs
        O(endpoints).
  description:
    description:
      - The token's description on the sensor, compared letter by letter.
      - Without O(endpoints) it only names the token in messages, for no documented call reads it.
    type: str
    required: true
  endpoints:
    description:
      - An endpoint map, a YAML file on the control node that says how the web interface of this version of
        the sensor lists, creates and deletes tokens, and how one logs in to it. A relative path starts at
        the playbook's folder.
      - According to the map's login, O(token), or O(username) and O(password), must be given too.
      - The guide C(docs/endpoint_maps.md) of this collection says how to write one. Only the lab's own map
        comes with the collection.
    type: path
  recreate:
    description:
      - When to make a new token although there is one. With V(always) every run makes one, unless the
        previous one is still there.
    type: str
    choices: [never, always]
    default: never
  previous:
    description:
      - What becomes of a token that was replaced. With V(absent) it is deleted as soon as the sensor shows
        that the current one was used. Until then it is kept, with a warning.
    type: str
    choices: [keep, absent]
    default: keep
  replaced:
    description:
      - Whether an earlier task replaces the token. Check mode, in which that task has made none, then
        predicts what follows. A real run sees it in the store.
    type: bool
    default: false
notes:
  - The verifying call sets the token's I(Used) time on the sensor. From then on I(Used) proves nothing
    about whether anybody else has called, and the task warns of it.
  - What a sensor answers to a wrong token is not documented. Only a JSON list with HTTP 200 is taken as
    proof that the token works. Anything else fails the task, and a later run tries again.
  - Once verified, a token is not tried again. To have another token verified, store a file with nothing but
    its value in place of the old one.
  - Wrong passwords lock out the source address on a sensor for every user.
seealso:
  - module: otsec.defender_iot.sensor_access_token_info
  - module: otsec.defender_iot.forescout_module
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
- name: Tasks for sensors that say the connection once
  module_defaults:
    group/otsec.defender_iot.sensor:
      url: "https://{{ ansible_host }}"
      ca_path: /etc/ssl/certs/plant-ca.pem
  block:
    - name: Verify the token that was generated by hand and stored
      otsec.defender_iot.sensor_access_token:
        description: Forescout
        secret_ref: "vault_file:/srv/secrets/{{ inventory_hostname }}-forescout"

# The tasks below take the connection from SENSOR_URL, SENSOR_USERNAME and SENSOR_PASSWORD.

- name: Have a token by the sensor's own web interface
  otsec.defender_iot.sensor_access_token:
    description: Forescout
    secret_ref: vault_file:/srv/secrets/sensor-north-01-forescout
    endpoints: endpoint_maps/sensor.yml

- name: Have no such token
  otsec.defender_iot.sensor_access_token:
    description: Forescout
    secret_ref: vault_file:/srv/secrets/sensor-north-01-forescout
    endpoints: endpoint_maps/sensor.yml
    state: absent
"""

RETURN = r"""
minted:
  description: Whether this run made a new token.
  type: bool
  returned: success
  sample: true
reason:
  description:
    - Why a token was made, or in check mode would be, or that an earlier run was finished. V(null) if
      neither.
  type: str
  returned: success
  sample: the appliance has none
secret_ref:
  description: Where the token is stored, as O(secret_ref) says it. The value itself is never returned.
  type: str
  returned: success
  sample: vault_file:/srv/secrets/sensor-north-01
value:
  description: The secret in the clear.
  type: str
  returned: with O(return_secret=true), where a value is stored
  sample: the value
previous:
  description: Fingerprint of the token that was replaced, V(null) where none is left.
  type: str
  returned: success
  sample: 0c7e21aa94f0
fingerprint:
  description:
    - Twelve hexadecimal digits that tell one value under this reference from another, and nothing about it.
    - V(null) in check mode if a token would be made, and where nothing is stored.
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
  description:
    - When the sensor accepted the stored token, in UTC. This module tries it without O(endpoints) alone.
      V(null) if it was not tried yet.
  type: str
  returned: success
  sample: "2026-11-02T09:30:01Z"
objects:
  description: What became of the object, as a list of one; in other modules it may hold more.
  type: list
  elements: dict
  returned: success
  sample:
    - kind: token
      name: Forescout
      action: mint
      changed: true
      before: {}
      after: {fingerprint: 5b1d0c4e9a72}
      reason: the appliance has none
  contains:
    kind:
      description: What it is, V(token).
      type: str
      returned: always
    name:
      description: Its description.
      type: str
      returned: always
    action:
      description:
        - What was done to it, or in check mode would be, V(mint), V(rotate) if it replaces a stored one,
          V(update), V(delete) or V(none).
      type: str
      returned: always
    changed:
      description: Whether that is a change. What is done only in the secret store is one too.
      type: bool
      returned: always
    before:
      description: The fingerprint of the stored value, empty where there was none.
      type: dict
      returned: where it changes
    after:
      description:
        - The fingerprint of the value stored afterwards,
          V((known after apply\)) in check mode if it is not made yet.
      type: dict
      returned: where it changes
    reason:
      description: As RV(reason).
      type: str
      returned: always
provenance:
  description:
    - What the knowledge of the interface rests on. With O(endpoints) it is what the endpoint map says of
      itself, V(documented), V(observed), V(captured) or V(lab). Without, it is V(documented).
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

from ansible_collections.otsec.defender_iot.plugins.module_utils._module.arguments import (
    ONE_TIME_SECRET,
    STATE,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.access_token import (
    TOKEN,
    mint_or_adopt,
    prepare_access_token,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.options import sensor
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.web import connect

MODULE = Module(
    arguments=sensor(
        {
            **STATE,
            **TOKEN.argument_spec(),
            "endpoints": {"type": "path"},
            "recreate": {"type": "str", "choices": ["never", "always"], "default": "never"},
            **ONE_TIME_SECRET,
            "previous": {"type": "str", "choices": ["keep", "absent"], "default": "keep"},
            "replaced": {"type": "bool", "default": False},
        },
        required_if=[("state", "absent", ["endpoints"])],
    ),
    resource=TOKEN,
    connect=connect,
    work=mint_or_adopt,
    prepare=prepare_access_token,
    secret_refs=("secret_ref",),
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
