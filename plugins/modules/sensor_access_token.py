#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: sensor_access_token
short_description: Manage access tokens of a Defender for IoT sensor
version_added: 0.1.0
description:
  - Manages an access token of a Microsoft Defender for IoT OT sensor in a secret store. Other modules, such
    as M(otsec.defender_iot.forescout_module), read it there.
  - Without O(endpoints) the module adopts and verifies a token. An operator generates the token in the
    sensor's web interface and stores it. The module verifies once that the sensor accepts it. It uses only a
    documented call, C(GET /api/v1/alerts) with the token in the C(Authorization) header.
  - With O(endpoints) the module creates the token if the sensor has none with that description. It keeps the
    token if the sensor has it and the store contains its value. It deletes the token with O(state=absent). No
    vendor documents an interface that lists, creates or deletes tokens. An endpoint map, supplied by the
    operator, describes how the sensor's own web interface does it.
  - The description identifies the token. If several tokens have it, the task fails and lists their ids.
  - A sensor shows a token only once. If the sensor has the token and the store does not contain it, the
    module cannot get the value, and the task fails. If the store contains a token that the sensor does not
    have, a new token replaces the stored one.
  - Tokens can overlap. A replaced token remains on the sensor and in the store until O(previous=absent)
    deletes it, which requires that the new token was used.
  - The order is fixed. The module reads the store and the sensor. It writes a pending record, which proves
    that the store is writable. Then it creates the token, stores it as pending, reads it back and compares
    it, and makes it the current token. The next run completes an interrupted one. A token whose value was
    stored becomes the current token. A token whose value was lost is deleted before another one is created.
  - If the store fails after the token was created, the module retries a few times. Then it writes the
    encrypted token to a file in Ansible's home folder and deletes the token on the sensor. The message names
    the file.
  - A created token is not tried, because that would set its I(Used) time on the sensor. This time shows
    whether the intended client has used the token.
  - If the store cannot be read, the task fails. An unreadable store is never treated as empty. The token is
    never returned, printed or shown in a diff, except with O(return_secret=true).
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
      - Without O(endpoints), check mode reports a stored token that is not verified yet as a change, and does
        not try it.
      - Check mode does not test whether the store is writable.
  diff_mode:
    support: full
    details:
      - The token is shown as its fingerprint, or as V((known after apply\)) if it is not minted yet.
  idempotent:
    support: partial
    details:
      - With O(recreate=always) every run replaces the token, unless the previous token still exists.
options:
  state:
    description:
      - V(absent) deletes the token from the sensor and from the store.
      - Without O(endpoints) an operator deletes the token on the sensor. The task then tries the stored
        token, and removes it from the store if the sensor answers with 401. With any other answer it fails.
  description:
    description:
      - Description of the token on the sensor. The comparison is case-sensitive.
      - Without O(endpoints) it only names the token in messages, because no documented call reads the
        description.
    type: str
    required: true
  endpoints:
    description:
      - Endpoint map, a YAML file on the control node. It describes how to log in to the web interface of this
        version of the sensor, and how to list, create and delete tokens there. A relative path starts at the
        playbook's folder.
      - The map's login requires either O(token), or O(username) and O(password).
      - The guide C(docs/endpoint_maps.md) of this collection describes how to write one. The collection
        includes a map for the lab only.
      - If it is not set, an operator creates and deletes the token.
    type: path
  recreate:
    description:
      - When to replace an existing token. V(always) replaces it in every run, unless the previous token still
        exists.
    type: str
    choices: [never, always]
    default: never
  previous:
    description:
      - Desired state of a replaced token. V(absent) deletes it once the sensor shows that the current token
        was used. Until then the module keeps it and warns.
    type: str
    choices: [keep, absent]
    default: keep
  replaced:
    description:
      - Whether an earlier task replaces the token. In check mode that task mints no token. If this is
        V(true), check mode predicts what follows, such as the deletion of the old token. A real run reads the
        new token from the store.
    type: bool
    default: false
  used_by:
    description:
      - Names of the clients that are declared to use the token, such as Forescout platforms. While there are
        any, O(state=absent) is refused. The role C(sensor_tokens) sets it from the inventory. If it is not
        set, no client is declared.
    type: list
    elements: str
  abandoned_by:
    description:
      - Names of clients that no longer use the token, such as decommissioned Forescout platforms. With
        O(state=present) they are removed from the token's consumers in the secret store, also with
        O(rotate_only=true). If it is not set, the store keeps all consumers.
    type: list
    elements: str
  rotate_only:
    description:
      - Whether to only replace an existing token that is due. The task reports all other differences and does
        not change them. It does not create a missing token, and does not delete one with O(state=absent).
      - Without O(endpoints) nothing is replaced.
    type: bool
    default: false
notes:
  - The verification call sets the token's I(Used) time on the sensor. Until the next call, I(Used) is no
    evidence that another client has called. The task warns about this.
  - The response of a sensor to a wrong token is not documented. Only a JSON list with HTTP 200 proves that
    the token works. With any other response the task fails, and a later run retries.
  - A verified token is not tried again. To verify another token, replace the stored file with one that has
    only the line C(value:) and the token.
  - Failed logins lock out the source address on a sensor for all users.
seealso:
  - module: otsec.defender_iot.sensor_access_token_info
  - module: otsec.defender_iot.forescout_module
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
- name: Manage sensors with shared connection options
  module_defaults:
    group/otsec.defender_iot.sensor:
      url: "https://{{ ansible_host }}"
      ca_path: /etc/ssl/certs/plant-ca.pem
  block:
    - name: Verify the manually generated and stored token
      otsec.defender_iot.sensor_access_token:
        description: forescout
        secret_ref: "vault_file:/srv/secrets/{{ inventory_hostname }}-forescout"

# The tasks below read the connection from SENSOR_URL, SENSOR_USERNAME and SENSOR_PASSWORD.

- name: Create a token through the sensor's own web interface
  otsec.defender_iot.sensor_access_token:
    description: forescout
    secret_ref: vault_file:/srv/secrets/sensor-north-01-forescout
    endpoints: endpoint_maps/sensor.yml

- name: Delete the token
  otsec.defender_iot.sensor_access_token:
    description: forescout
    secret_ref: vault_file:/srv/secrets/sensor-north-01-forescout
    endpoints: endpoint_maps/sensor.yml
    state: absent
"""

RETURN = r"""
minted:
  description: Whether this task minted a token.
  type: bool
  returned: success
  sample: true
reason:
  description:
    - Why a token was minted, or would be minted in check mode, or that an interrupted run was completed.
      V(null) if neither applies.
  type: str
  returned: success
  sample: the appliance has none
secret_ref:
  description: Reference to the token, as in O(secret_ref).
  type: str
  returned: success
  sample: vault_file:/srv/secrets/sensor-north-01
value:
  description: The secret in plain text.
  type: str
  returned: with O(return_secret=true), if a value is stored
  sample: the value
previous:
  description: Fingerprint of the replaced token. V(null) if there is none.
  type: str
  returned: success
  sample: 0c7e21aa94f0
fingerprint:
  description:
    - Twelve hexadecimal digits that distinguish the values stored under this reference and reveal nothing
      else about them.
    - V(null) if no value is stored, and in check mode if a token would be minted.
  type: str
  returned: success
  sample: 5b1d0c4e9a72
created_at:
  description:
    - Time when the stored token was minted, in UTC. V(null) if it is not known, for example for a manually
      stored token.
  type: str
  returned: success
  sample: "2026-11-02T09:30:00Z"
verified_at:
  description:
    - Time when the sensor accepted the stored token, in UTC. The module tries a token only without
      O(endpoints). V(null) if the token was not tried.
  type: str
  returned: success
  sample: "2026-11-02T09:30:01Z"
tokens:
  description:
    - All tokens that the sensor listed before the task changed any, as in
      M(otsec.defender_iot.sensor_access_token_info).
  type: list
  elements: dict
  returned: with O(endpoints), if the task read the list
  sample:
    - description: Forescout
      id: 4
      used: "2026-11-02T10:15:00Z"
objects:
  description: The object and the action taken, as a list with one entry. Other modules may return several.
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
      description: Kind of the object, always V(token).
      type: str
      returned: always
    name:
      description: Description of the token.
      type: str
      returned: always
    action:
      description:
        - The action taken, or predicted in check mode, one of V(mint), V(rotate) if it replaces a stored
          value, V(update), V(delete) and V(none).
      type: str
      returned: always
    changed:
      description: Whether the object changes. A change of the secret store alone counts too.
      type: bool
      returned: always
    before:
      description: Fingerprint of the value stored before the task. Empty if there was none.
      type: dict
      returned: when the object changes
    after:
      description:
        - Fingerprint of the value stored after the task. V((known after apply\)) in check mode if the value
          is not minted yet.
      type: dict
      returned: when the object changes
    reason:
      description: The same as RV(reason). With O(rotate_only=true), also why the token is not rotated.
      type: str
      returned: always
    overdue:
      description: Always V(true). The token is due for replacement, but this task cannot replace it.
      type: bool
      returned: with O(rotate_only=true), for such a token
provenance:
  description:
    - Source of the knowledge about the interface. With O(endpoints) the endpoint map declares it as
      V(documented), V(observed), V(captured), V(assumed) or V(lab). Without O(endpoints) it is V(documented).
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

from ansible_collections.otsec.defender_iot.plugins.module_utils._module.arguments import (
    ONE_TIME_SECRET,
    ROTATE_ONLY,
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
            "used_by": {"type": "list", "elements": "str"},
            "abandoned_by": {"type": "list", "elements": "str"},
            **ROTATE_ONLY,
        }
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
