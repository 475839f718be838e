#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: fortigate_api_key
short_description: Manage the API key of a REST API administrator of a FortiGate
version_added: 0.1.0
description:
  - Makes the FortiGate generate the API key of a REST API administrator if the secret store has none, and
    stores the key. FortiOS shows a key only once, so the task that generates it also stores it.
  - The order is fixed. The module reads the store and the administrator. It writes a pending record, which
    proves that the store is writable. Then it generates the key, stores it as pending, reads it back and
    compares it. It tries the key once if the source address is a trusted host, and then makes it the current
    key.
  - The next run completes an interrupted one. If the new key was stored and is not refused, it becomes the
    current key. If it was not stored, the old key may be void. The module tries it, and keeps it if the
    FortiGate accepts it. If the answer proves nothing, such as HTTP 500, the task fails. Otherwise the key is
    replaced. The same applies after a response that does not prove whether a key was
    generated, and if another run stored a key at the same time.
  - If the store fails after the key was generated, the module retries a few times. Then it writes the
    encrypted key to a file in Ansible's home folder, and the message names the file.
  - If the store cannot be read, the task fails. An unreadable store is never treated as empty.
  - If the administrator exists and the store contains nothing for it, the task warns before it generates a
    key, in check mode too. Set the same O(secret_ref) in M(otsec.defender_iot.fortigate_api_admin), which
    then notes in the store that it has created the administrator.
  - The record has the serial number of the FortiGate. If another unit answers at the same address, as after
    a failover of a cluster, the task records it once and reports a change. If that unit rejects the stored
    key, the task fails unless O(recreate=invalid).
  - A generated key replaces the old one immediately. Clients with the old key stop working until they get the
    new one. A FortiGate does not report whether a key exists.
  - A key is tried only if the source address of the request is a trusted host of the administrator, because
    FortiOS also returns HTTP 401 to any other source and counts it towards the lockout. Address translation
    on the way is not detected. If the translated address is not a trusted host, a trial of a valid key fails,
    and O(recreate=invalid) replaces the key in every run.
  - The key is never returned, printed or shown in a diff, except with O(return_secret=true).
  - The call that generates a key is documented in the FortiOS REST API. The field of the response that
    contains the key is observed.
extends_documentation_fragment:
  - otsec.defender_iot.fortigate
  - otsec.defender_iot.fortigate.self_change
  - otsec.defender_iot.state
  - otsec.defender_iot.one_time_secret
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.actiongroup_fortigate
attributes:
  check_mode:
    support: full
    details:
      - If the administrator does not exist, and no earlier task of the run is predicted to create it, check
        mode fails, as a real run does.
      - Check mode does not test whether the store is writable.
      - With O(recreate=invalid) check mode tries the stored key too.
  diff_mode:
    support: full
    details:
      - The key is shown as its fingerprint, or as V((known after apply\)) if it is not minted yet.
  idempotent:
    support: partial
    details:
      - With O(recreate=always) every run replaces the key.
options:
  state:
    description:
      - V(absent) removes the key from the store only. On the FortiGate the key is deleted with its
        administrator, see M(otsec.defender_iot.fortigate_api_admin).
  name:
    description:
      - Name of the REST API administrator, at most 35 characters. It must exist, see
        M(otsec.defender_iot.fortigate_api_admin).
    type: str
    required: true
  recreate:
    description:
      - When to replace a stored key.
      - V(never) keeps the stored key and does not check whether it still works.
      - V(invalid) tries the stored key in every run, and replaces it only if the FortiGate clearly refuses
        it. If the response is inconclusive, or if the source address is not trusted, the module keeps the key
        and warns.
      - V(always) replaces the key in every run.
    type: str
    choices: [never, invalid, always]
    default: never
notes:
  - It was observed that only an account with the profile C(super_admin) can generate keys.
  - FortiOS 7.6.5 and later was observed to require the password of the calling administrator in a separate
    header to generate a key. The module sends the header if O(password) is set, with O(token) too. Without
    the header FortiOS returns error -8102.
  - A refused trial of a key counts as one failed login of the source address. By default, three failed logins
    lock it out for a while.
  - Documented are the call, that a key is shown only once, and that a new key immediately replaces the old
    one. Observed are the field of the response that contains the key, and that a wrong key and an untrusted
    source get the same response. FortiOS documents no time of last use of a key.
seealso:
  - module: otsec.defender_iot.fortigate_api_admin
  - name: Microsoft's tutorial on Fortinet
    description: The manual steps that this module partly replaces.
    link: https://learn.microsoft.com/en-us/azure/defender-for-iot/organizations/tutorial-fortinet
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The tasks read the connection from FORTIGATE_URL and FORTIGATE_TOKEN, and need a vault identity, for example
# from --vault-password-file.

- name: Create the API key of the REST API administrator
  otsec.defender_iot.fortigate_api_key:
    name: defender-iot
    secret_ref: "vault_file:/srv/secrets/{{ inventory_hostname }}/defender-iot"

- name: Replace the key if the FortiGate refuses it
  otsec.defender_iot.fortigate_api_key:
    name: defender-iot
    secret_ref: "vault_file:/srv/secrets/{{ inventory_hostname }}/defender-iot"
    recreate: invalid

- name: Replace the key now
  otsec.defender_iot.fortigate_api_key:
    name: defender-iot
    secret_ref: "vault_file:/srv/secrets/{{ inventory_hostname }}/defender-iot"
    recreate: always
  register: result

- name: Report the new key
  ansible.builtin.debug:
    msg: "Key {{ result.fingerprint }} is stored under {{ result.secret_ref }}"
  when: result.minted
"""

RETURN = r"""
minted:
  description: Whether this task minted a key.
  type: bool
  returned: success
  sample: true
reason:
  description:
    - Why a key was minted, or would be minted in check mode, or that an interrupted run was completed.
      V(null) if neither applies.
  type: str
  returned: success
  sample: the store has none
secret_ref:
  description: Reference to the key, as in O(secret_ref).
  type: str
  returned: success
  sample: vault_file:/srv/secrets/fgt-north-01/defender-iot
value:
  description: The secret in plain text.
  type: str
  returned: with O(return_secret=true), if a value is stored
  sample: the value
fingerprint:
  description:
    - Twelve hexadecimal digits that distinguish the values stored under this reference and reveal nothing
      else about them.
    - V(null) if no value is stored, and in check mode if a key would be minted.
  type: str
  returned: success
  sample: 5b1d0c4e9a72
created_at:
  description: Time when the stored key was minted, in UTC. V(null) if it is not known, for example for a
    manually stored key.
  type: str
  returned: success
  sample: "2026-11-02T09:30:00Z"
verified_at:
  description:
    - Time when the FortiGate accepted the stored key, in UTC. V(null) if the key was not tried, or if the
      response was inconclusive.
  type: str
  returned: success
  sample: "2026-11-02T09:30:01Z"
objects:
  description: The object and the action taken, as a list with one entry. Other modules may return several.
  type: list
  elements: dict
  returned: success
  sample:
    - kind: key
      name: defender-iot
      action: mint
      changed: true
      before: {}
      after: {fingerprint: 5b1d0c4e9a72}
      reason: the store has none
  contains:
    kind:
      description: Kind of the object, always V(key).
      type: str
      returned: always
    name:
      description: Name of the REST API administrator.
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
      description: Why the key was minted. The text of the return value RV(reason).
      type: str
      returned: always
provenance:
  description:
    - Source of the knowledge about the interface.
    - Always V(documented), because the vendor documents most of the interface. The notes name the rest.
  type: str
  returned: success
  sample: documented
failure:
  description:
    - Details of a failure on the appliance or in the secret store, for programs. C(msg) describes it in a
      sentence.
    - Invalid options fail without this value, before the first request.
  type: dict
  returned: on failure, and if the appliance is unreachable
  sample:
    status: 403
    code: -37
    path: /api/v2/monitor/system/api-user/generate-key
  contains:
    status:
      description: HTTP status. V(null) if there was no response.
      type: int
      returned: always
    code:
      description: Error number of the appliance. V(null) if it returned none.
      type: int
      returned: always
    path:
      description: Requested path. V(null) if no request was sent.
      type: str
      returned: always
"""

from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api import connect
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_key import KEY, RECREATE
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.options import fortigate
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.mint import mint
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.arguments import (
    ONE_TIME_SECRET,
    SELF_CHANGE,
    STATE,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module

MODULE = Module(
    arguments=fortigate({**STATE, **SELF_CHANGE, **KEY.argument_spec(), **RECREATE, **ONE_TIME_SECRET}),
    resource=KEY,
    connect=connect,
    work=mint,
    secret_refs=("secret_ref",),
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
