#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: fortigate_access
short_description: Manage all admin profiles, REST API admins and API keys of an integration in one task
version_added: 0.1.0
description:
  - Does for whole lists what M(otsec.defender_iot.fortigate_admin_profile),
    M(otsec.defender_iot.fortigate_api_admin) and M(otsec.defender_iot.fortigate_api_key) do for one object
    each, over one connection. Each table of the FortiGate is read once, however many objects are listed.
  - The order is fixed. Profiles come first, then the API admins that use them, their keys, and at last what
    is to be removed.
  - Before the first write on the FortiGate, every secret store is read, and the keys to generate are reserved
    in it. If a store cannot be read or written, the FortiGate is not changed. A stored key is marked as
    possibly void before its admin is recreated, so that the run after an interruption replaces it.
  - The first step that fails ends the task. Its result tells in RV(objects) what had been done before. An API
    admin that this very task has created does not outlive a key that could not be stored.
  - In check mode later steps see what earlier ones would create.
extends_documentation_fragment:
  - otsec.defender_iot.fortigate
  - otsec.defender_iot.fortigate.self_change
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.actiongroup_fortigate
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With O(recreate=always) a key is replaced in every run.
options:
  profiles:
    description:
      - The admin profiles. Each takes the options of M(otsec.defender_iot.fortigate_admin_profile), but for
        the connection.
    type: list
    elements: dict
  admins:
    description:
      - The REST API admins. Each takes the options of M(otsec.defender_iot.fortigate_api_admin), but for the
        connection.
      - C(secret_ref), C(rotation_id) and C(max_age) concern its API key, as in
        M(otsec.defender_iot.fortigate_api_key). With C(state=absent) the stored key is removed too.
    type: list
    elements: dict
  trusted_hosts:
    description:
      - The trusted hosts of those API admins that name none of their own.
    type: list
    elements: str
  secret_store:
    description:
      - Where the API keys of those API admins are kept that have no C(secret_ref) of their own. That of the
        admin C(NAME) is then kept under this reference with C(/NAME) behind it.
      - Without either the key of an API admin is left alone. It is too where C(secret_ref) is an empty text.
    type: str
  recreate:
    description:
      - When to mint a new API key in place of the stored one, as in
        M(otsec.defender_iot.fortigate_api_key).
    type: str
    choices: [never, invalid, always]
    default: never
  rotation_id:
    description:
      - The C(rotation_id) of those API admins that name none of their own. An empty text is none.
    type: str
  purge:
    description:
      - Whether to remove what is not listed, of the kinds for which a list is given, be it an empty one.
      - Only objects whose names fit O(purge_names) are removed, and never the profiles that FortiOS brings
        along.
    type: bool
    default: false
  purge_names:
    description:
      - Which names may be purged, as a shell pattern such as V(defender-iot-*). Needed with O(purge=true).
    type: str
  purge_limit:
    description:
      - How many objects may be purged in one task. Where there are more, the task fails and changes nothing.
    type: int
    default: 5
notes:
  - What the notes of the three modules say holds here as well.
seealso:
  - module: otsec.defender_iot.fortigate_admin_profile
  - module: otsec.defender_iot.fortigate_api_admin
  - module: otsec.defender_iot.fortigate_api_key
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The task takes the connection from FORTIGATE_URL and FORTIGATE_TOKEN.

- name: Give the sensors access to the FortiGate
  otsec.defender_iot.fortigate_access:
    profiles:
      - name: defender-iot
        preset: defender_iot
    admins:
      - name: defender-iot
        profile: defender-iot
        rotation_id: 2026-q4
    trusted_hosts: [192.0.2.20, 198.51.100.0/28]
    secret_store: vault_file:/srv/secrets/fgt-north-01

- name: Have no other profile and API admin of the integration
  otsec.defender_iot.fortigate_access:
    profiles:
      - name: defender-iot
        preset: defender_iot
    admins:
      - name: defender-iot
        profile: defender-iot
        trusted_hosts: [192.0.2.20]
    purge: true
    purge_names: defender-iot*
"""

RETURN = r"""
objects:
  description:
    - What became of each object, in the order of the work.
  type: list
  elements: dict
  returned: success, and on failure for what had been done before
  sample:
    - kind: profile
      name: defender-iot
      action: create
      changed: true
      before: {}
      after: {name: defender-iot, comments: Microsoft Defender for IoT}
    - kind: key
      name: defender-iot
      action: mint
      changed: true
      before: {}
      after: {fingerprint: 41f6cbd28a07}
      minted: true
      reason: the store holds none
      secret_ref: vault_file:/srv/secrets/fgt-north-01/defender-iot
      fingerprint: 41f6cbd28a07
      created_at: "2026-11-02T09:30:00Z"
      verified_at: null
  contains:
    kind:
      description: What it is, V(profile), V(admin) or V(key).
      type: str
      returned: always
    name:
      description: Its name. A key has that of its admin.
      type: str
      returned: always
    action:
      description:
        - What was done to it, or in check mode would be, V(create), V(update), V(delete) or V(none).
        - For a key V(mint), V(rotate) if it replaces a stored one, V(update), V(delete) or V(none).
      type: str
      returned: always
    changed:
      description: Whether that is a change. What is done only in the secret store is one too.
      type: bool
      returned: always
    before:
      description: What there was, empty where there was nothing. Of a key it is the fingerprint.
      type: dict
      returned: where it changes
    after:
      description: What there is afterwards, empty where it is gone. Of a key it is the fingerprint.
      type: dict
      returned: where it changes
    minted:
      description: Whether a key was minted.
      type: bool
      returned: for a key
    reason:
      description: Why it was minted, or finished for an interrupted run.
      type: str
      returned: for a key
    secret_ref:
      description: The reference to the key.
      type: str
      returned: for a key
    fingerprint:
      description: Twelve digits that tell one value of a key from another, V(null) where there is none.
      type: str
      returned: for a key
    created_at:
      description: When it was minted.
      type: str
      returned: for a key
    verified_at:
      description: When the FortiGate accepted it, V(null) if it was never tried.
      type: str
      returned: for a key
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
    path: /api/v2/cmdb/system/accprofile
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

from ..module_utils._fortigate.access import SHARED, grant, prepare_fortigate_access, references
from ..module_utils._fortigate.admin_profile import PROFILE
from ..module_utils._fortigate.api import connect
from ..module_utils._fortigate.api_admin import ADMIN
from ..module_utils._fortigate.api_key import KEY, RECREATE
from ..module_utils._fortigate.options import fortigate
from ..module_utils._module.arguments import SELF_CHANGE
from ..module_utils._module.remote import serve
from ..module_utils._module.run import Module

MODULE = Module(
    arguments=fortigate(
        {
            **SELF_CHANGE,
            "profiles": {"type": "list", "elements": "dict"},
            "admins": {"type": "list", "elements": "dict"},
            **SHARED,
            "secret_store": {"type": "str", "no_log": False},
            **RECREATE,
            "purge": {"type": "bool", "default": False},
            "purge_names": {"type": "str"},
            "purge_limit": {"type": "int", "default": 5},
        },
        required_if=[("purge", True, ("purge_names",))],
    ),
    resource=ADMIN,
    also=(PROFILE, KEY),
    connect=connect,
    work=grant,
    prepare=prepare_fortigate_access,
    nested_refs=references,
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
