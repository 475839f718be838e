#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: fortigate_access
short_description: Manage the admin profiles, REST API administrators and API keys of an integration
version_added: 0.1.0
description:
  - Manages lists of the objects that M(otsec.defender_iot.fortigate_admin_profile),
    M(otsec.defender_iot.fortigate_api_admin) and M(otsec.defender_iot.fortigate_api_key) manage one by one,
    over one connection. Each table of the FortiGate is read once, regardless of the number of objects.
  - The order is fixed. The module manages the profiles, then the administrators that use them, then their
    keys. Profiles with C(state=absent) and purged objects are removed last.
  - Before the first write on the FortiGate, the module reads every secret store and reserves the keys to
    generate. If a store cannot be read or written, the FortiGate is not changed. If a declared administrator
    does not exist, its stored key is marked as doubtful before the administrator is created. The run after an
    interruption tries such a key, and replaces it unless the FortiGate accepts it.
  - The task ends at the first step that fails. RV(objects) then lists the steps taken before. If the task
    created an administrator and cannot store its key, it deletes the administrator again.
  - In check mode, later steps take into account what earlier steps would create.
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
      - With O(recreate=always) every run replaces the keys.
options:
  profiles:
    description:
      - The admin profiles. Each entry has the options of M(otsec.defender_iot.fortigate_admin_profile),
        except those of the connection. If it is not set, no profile is managed.
    type: list
    elements: dict
  admins:
    description:
      - The REST API administrators. Each entry has the options of M(otsec.defender_iot.fortigate_api_admin),
        except those of the connection.
      - C(secret_ref), C(rotation_id), C(max_age) and C(recreate) apply to the API key, as in
        M(otsec.defender_iot.fortigate_api_key). With C(state=absent) the stored key is removed too.
      - If it is not set, no administrator is managed.
    type: list
    elements: dict
  trusted_hosts:
    description:
      - The trusted hosts of all administrators that do not set their own. If it is not set, each
        administrator must set its own.
    type: list
    elements: str
  inventory_hosts:
    description:
      - The addresses of all hosts that the inventory declares, by inventory name. They include the hosts in
        O(trusted_hosts), and hosts that must lose their access, such as decommissioned ones. Set this option
        if O(trusted_hosts) is computed from an inventory.
      - All addresses in O(trusted_hosts) are trusted. Any other address on the FortiGate is removed in three
        cases. In the first, a host in this option has this address. In the second, the record of the API key
        shows that the address came from a host in this option, which has another address now. In the third,
        the record does not contain the address, so it did not come from the inventory.
      - An address is kept, with a warning, if the record shows that it came from a host that is missing from
        this option. Without a record, the task keeps every single address, because its origin is unknown. The
        record is written with the API key in the secret store.
      - It applies to administrators that do not set their own trusted hosts.
      - If it is not set, O(trusted_hosts) is the complete list.
    type: dict
  control_nodes:
    description:
      - The trusted hosts of administrators that do not set their own, and whose profile in O(profiles) has
        the preset V(defender_iot_respond). They are the addresses of the control nodes as the FortiGate sees
        them.
      - Such an administrator never gets O(trusted_hosts). If O(control_nodes) is not set although
        O(trusted_hosts) is, the task fails, unless the administrator sets its own trusted hosts.
    type: list
    elements: str
  secret_store:
    description:
      - Where to store the API keys of all administrators that do not set C(secret_ref). The reference of the
        administrator C(NAME) is this text followed by C(/NAME).
      - If it is not set, only the keys of administrators with C(secret_ref) are managed. An empty
        C(secret_ref) leaves the key of its administrator as it is.
    type: str
  recreate:
    description:
      - When to replace the stored API keys, as in M(otsec.defender_iot.fortigate_api_key). It applies to all
        administrators that do not set their own C(recreate).
    type: str
    choices: [never, invalid, always]
    default: never
  rotation_id:
    description:
      - The C(rotation_id) of all administrators that do not set their own. An empty string counts as not set.
        If it is not set, only those of administrators count.
    type: str
  rotate_only:
    description:
      - Whether to only replace the API keys that are due. The task reports all other differences and does not
        change them. It does not mint a key that is missing, and does not purge.
    type: bool
    default: false
  verify_keys:
    description:
      - Whether to try every stored API key once, as far as the source address of the task is a trusted host
        of the administrator. A rejected key is reported, and replaced only with O(recreate=invalid).
      - A rejected key counts as one failed login of the source address.
    type: bool
    default: false
  purge:
    description:
      - Whether to remove objects that are not listed. Profiles are purged only if
        O(profiles) is set, administrators only if O(admins) is set, even to an empty list.
      - Only objects whose names match O(purge_names) are removed. Built-in profiles are never removed.
    type: bool
    default: false
  purge_names:
    description:
      - Shell pattern of the names that may be purged, such as V(defender-iot-*). Required with O(purge=true).
    type: str
  purge_limit:
    description:
      - Maximum number of objects to purge in one task. If more objects match, the task fails and changes
        nothing.
    type: int
    default: 5
notes:
  - The notes of the three modules apply here too.
seealso:
  - module: otsec.defender_iot.fortigate_admin_profile
  - module: otsec.defender_iot.fortigate_api_admin
  - module: otsec.defender_iot.fortigate_api_key
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The task takes the connection from FORTIGATE_URL and FORTIGATE_TOKEN.

- name: Create the sensors' access to the FortiGate
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

- name: Remove all other profiles and REST API administrators of the integration
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
trusted_hosts:
  description: The declared trusted hosts of all administrators in O(admins).
  type: list
  elements: str
  returned: success, and on failure after the first request
  sample: [192.0.2.20/32]
objects:
  description:
    - The objects and the actions taken, in order.
  type: list
  elements: dict
  returned: success, and on failure with the steps taken before
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
      reason: the store has none
      secret_ref: vault_file:/srv/secrets/fgt-north-01/defender-iot
      fingerprint: 41f6cbd28a07
      created_at: "2026-11-02T09:30:00Z"
      verified_at: null
  contains:
    kind:
      description: Kind of the object, one of V(profile), V(admin) and V(key).
      type: str
      returned: always
    name:
      description: Name of the object. For a key it is the name of its administrator.
      type: str
      returned: always
    action:
      description:
        - The action taken, or predicted in check mode, one of V(create), V(update), V(delete) and V(none).
        - For a key, it is one of V(mint), V(rotate) if it replaces a stored key, V(update), V(delete) and
          V(none).
      type: str
      returned: always
    changed:
      description: Whether the object changes. A change of the secret store alone counts too.
      type: bool
      returned: always
    before:
      description: The changed fields before the task. Empty if the object did not exist. For a key it
        contains the fingerprint.
      type: dict
      returned: when the object changes
    after:
      description: The changed fields after the task. Empty if the object was deleted. For a key it contains
        the fingerprint.
      type: dict
      returned: when the object changes
    minted:
      description: Whether the task minted the key.
      type: bool
      returned: for a key
    reason:
      description:
        - For a key, why it was minted, or that an interrupted run was completed.
        - With O(rotate_only=true), how the object differs from the desired state.
      type: str
      returned: for a key, and with O(rotate_only=true)
    overdue:
      description: Always V(true). The key is due for replacement, but this task cannot replace it.
      type: bool
      returned: with O(rotate_only=true), for such a key
    secret_ref:
      description: Reference to the key.
      type: str
      returned: for a key
    fingerprint:
      description: Twelve hexadecimal digits that distinguish the values of a key. V(null) if no key is
        stored.
      type: str
      returned: for a key
    created_at:
      description: Time when the key was minted, in UTC.
      type: str
      returned: for a key
    verified_at:
      description: Time when the FortiGate accepted the key, in UTC. V(null) if the key was never tried.
      type: str
      returned: for a key
    accepted:
      description: Whether the FortiGate accepted the stored key when the task tried it. V(null) if it was not
        tried, or if the response was inconclusive.
      type: bool
      returned: for a key, with O(verify_keys=true)
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
    path: /api/v2/cmdb/system/accprofile
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

from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.access import (
    OF_ADMINS,
    grant,
    prepare_fortigate_access,
    references,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.admin_profile import PROFILE
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api import connect
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_admin import ADMIN, VDOM
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_key import KEY, RECREATE
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.options import fortigate
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.arguments import (
    ROTATE_ONLY,
    SELF_CHANGE,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module

MODULE = Module(
    arguments=fortigate(
        {
            **SELF_CHANGE,
            "profiles": {"type": "list", "elements": "dict"},
            "admins": {"type": "list", "elements": "dict"},
            **OF_ADMINS,
            "secret_store": {"type": "str", "no_log": False},
            **RECREATE,
            **ROTATE_ONLY,
            "verify_keys": {"type": "bool", "default": False},
            "purge": {"type": "bool", "default": False},
            "purge_names": {"type": "str"},
            "purge_limit": {"type": "int", "default": 5},
        },
        required_if=[("purge", True, ("purge_names",))],
    ),
    resource=ADMIN,
    also=(PROFILE, KEY, VDOM),
    connect=connect,
    work=grant,
    prepare=prepare_fortigate_access,
    nested_refs=references,
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
