#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: fortigate_api_key
short_description: Make and keep the API key of a REST API admin of a FortiGate
version_added: 0.1.0
description:
  - Has the FortiGate generate the key of a REST API admin and puts it into a secret store, if the store holds
    none yet. FortiOS shows a key once, so it is stored in the same run that makes it.
  - The order is fixed. The store is read. The admin is read. A pending record proves that the store can be
    written. The key is generated, stored as pending, read back and compared, tried once where that proves
    something, and then made the current one.
  - The next run finishes what an interrupted run has left. If the new key was stored and is not refused, it
    becomes the current one. If it was not stored, the old key may be void. It is tried, and replaced unless
    the FortiGate accepts it. The same holds after an answer that does not prove whether a key was generated,
    and after another run stored a key at the same time.
  - If the store breaks down after the key was generated, storing is tried again a few times. Then the key is
    written, encrypted, to a file in Ansible's home, which the message names.
  - A store that cannot be read stops the task. It is never taken for an empty one.
  - Generating a key replaces the old one at once, so whatever uses the old key stops working until it is
    given the new one. Whether a key exists cannot be read from a FortiGate.
  - A key is tried only if the address that the request comes from is among the admin's trusted hosts,
    because FortiOS answers HTTP 401 to any other source too and counts it towards the lock-out. An address
    translation on the way is not seen.
  - The value is never returned, printed or shown in a diff.
  - Generating a key is a documented call of the FortiOS REST API. In which field the answer holds the key is
    observed.
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
      - If the admin does not exist, a key is predicted with a warning, as if an earlier task created the
        admin. Outside check mode the task fails.
      - Whether the store can be written is not found out.
      - With O(recreate=invalid) the stored key is tried in check mode too.
  diff_mode:
    support: full
    details:
      - Shows the fingerprint of the key. That of a key which is not made yet is shown as
        V((known after apply\)).
  idempotent:
    support: partial
    details:
      - With O(recreate=always) every run makes a new key.
options:
  state:
    description:
      - With V(absent) the key is removed from the store alone. On the FortiGate it goes with its admin, see
        M(otsec.defender_iot.fortigate_api_admin).
  name:
    description:
      - Name of the REST API admin, at most 35 characters. It must exist, see
        M(otsec.defender_iot.fortigate_api_admin).
    type: str
    required: true
  recreate:
    description:
      - When to make a new key although the store holds one.
      - With V(never), the stored key is kept, and whether it still works is not looked at.
      - With V(invalid), the stored key is tried in every run, and replaced only if the FortiGate clearly
        refuses it. An answer that proves nothing, or a source address that is not trusted, keeps it with a
        warning.
      - With V(always), every run makes a new key.
    type: str
    choices: [never, invalid, always]
    default: never
notes:
  - FortiOS was seen to let only C(super_admin) generate keys.
  - From FortiOS 7.6.5 on generating a key was seen to need the calling administrator's own password in a
    header of its own. It is sent where O(password) is given, beside O(token) too. Without it FortiOS answers
    -8102.
  - A trial that is refused counts as one failed login of this source address. Three, unless it is set
    otherwise, lock it out for a while.
  - Documented are the call, that the key is shown once, and that a new one ends the old one at once. Observed
    are where the answer holds it, and that a wrong key and an untrusted source get the same answer. Whether
    and when a key was used is documented nowhere.
seealso:
  - module: otsec.defender_iot.fortigate_api_admin
  - name: Microsoft's tutorial on Fortinet
    description: The steps in the consoles that this module takes over in part.
    link: https://learn.microsoft.com/en-us/azure/defender-for-iot/organizations/tutorial-fortinet
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The tasks take the connection from FORTIGATE_URL and FORTIGATE_TOKEN, and run with a vault identity, for
# example with --vault-password-file.

- name: Have a key for the REST API admin
  otsec.defender_iot.fortigate_api_key:
    name: defender-iot
    secret_ref: "vault_file:/srv/secrets/{{ inventory_hostname }}-defender-iot"

- name: Replace the key if the FortiGate does not accept it any more
  otsec.defender_iot.fortigate_api_key:
    name: defender-iot
    secret_ref: "vault_file:/srv/secrets/{{ inventory_hostname }}-defender-iot"
    recreate: invalid

- name: Replace the key now
  otsec.defender_iot.fortigate_api_key:
    name: defender-iot
    secret_ref: "vault_file:/srv/secrets/{{ inventory_hostname }}-defender-iot"
    recreate: always
  register: result

- name: Say whose sensors need the new key
  ansible.builtin.debug:
    msg: "Key {{ result.fingerprint }} is stored under {{ result.secret_ref }}"
  when: result.minted
"""

RETURN = r"""
minted:
  description: Whether this run made a new key.
  type: bool
  returned: success
  sample: true
reason:
  description:
    - Why a key was made, or in check mode would be, or that an earlier run was finished. V(null) if neither.
  type: str
  returned: success
  sample: the store holds none
secret_ref:
  description: Where the key is stored, as O(secret_ref) says it. The value itself is never returned.
  type: str
  returned: success
  sample: vault_file:/srv/secrets/fgt-north-01
value:
  description: The secret in the clear.
  type: str
  returned: with O(return_secret=true), where a value is stored
  sample: the value
fingerprint:
  description:
    - Twelve hexadecimal digits that tell one value under this reference from another, and nothing about it.
    - V(null) in check mode if a key would be made, and where nothing is stored.
  type: str
  returned: success
  sample: 5b1d0c4e9a72
created_at:
  description: When the stored key was made, in UTC. V(null) if that is not known, as with one stored by hand.
  type: str
  returned: success
  sample: "2026-11-02T09:30:00Z"
verified_at:
  description:
    - When the FortiGate accepted the stored key, in UTC. It is tried after it was made. V(null) if it was
      not, or if the answer proved nothing.
  type: str
  returned: success
  sample: "2026-11-02T09:30:01Z"
objects:
  description: What became of the object, as a list of one; in other modules it may hold more.
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
      reason: the store holds none
  contains:
    kind:
      description: What it is, V(key).
      type: str
      returned: always
    name:
      description: The name of the API admin.
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
    - What the knowledge of the interface rests on.
    - Always V(documented) here, for the vendor documents the interface.
  type: str
  returned: success
  sample: documented
failure:
  description:
    - What went wrong on the appliance or in the secret store, for machines. The message says it in a
      sentence.
    - Options that cannot be right fail without it, before the first request.
  type: dict
  returned: failure, and when the appliance cannot be reached
  sample:
    status: 403
    code: -37
    path: /api/v2/monitor/system/api-user/generate-key
  contains:
    status:
      description: The HTTP status, V(null) where there was no answer.
      type: int
      returned: always
    code:
      description: The appliance's own error number, V(null) where it gave none.
      type: int
      returned: always
    path:
      description: The path that was called, V(null) where none was.
      type: str
      returned: always
"""

from ..module_utils._engine.mint import mint
from ..module_utils._fortigate.api import connect
from ..module_utils._fortigate.api_key import KEY, RECREATE
from ..module_utils._fortigate.options import fortigate
from ..module_utils._module.arguments import ONE_TIME_SECRET, SELF_CHANGE, STATE
from ..module_utils._module.remote import serve
from ..module_utils._module.run import Module

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
