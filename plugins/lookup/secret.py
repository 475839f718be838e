# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: secret
short_description: Get a one-time secret from the secret store
version_added: 0.1.0
author: The otsec.defender_iot authors (@otsec)
description:
  - Returns the current value of a secret that a module of this collection has stored, for example the API key
    of a FortiGate.
  - A missing secret is an error unless O(required=false). An unreadable store is always an error, because it
    must not be treated as empty.
  - The value is returned in plain text. Use the lookup only in tasks with C(no_log=true).
options:
  _terms:
    description:
      - References to secrets, as in O(otsec.defender_iot.fortigate_api_key#module:secret_ref).
      - C(vault_file:PATH) is the file C(PATH.yml), encrypted with a vault identity of the run.
    type: list
    elements: str
    required: true
  required:
    description:
      - Whether a missing secret is an error. If not, the lookup returns V(null) for it.
      - Use this option instead of C(errors=ignore), which would also hide an unreadable store.
    type: bool
    default: true
seealso:
  - module: otsec.defender_iot.fortigate_api_key
  - module: otsec.defender_iot.sensor_access_token
"""

EXAMPLES = r"""
- name: Log in to a FortiGate with a stored API key
  otsec.defender_iot.fortigate_admin_profile:
    url: https://192.0.2.1
    token: "{{ lookup('otsec.defender_iot.secret', store ~ '/fgt-north-01/automation') }}"
    name: defender-iot
    preset: defender_iot
  no_log: true
  vars:
    store: vault_file:{{ inventory_dir }}/.secrets

- name: Show whether a key is stored, and fail if the store cannot be read
  ansible.builtin.debug:
    msg: "{{ lookup('otsec.defender_iot.secret', ref, required=false) is not none }}"
  vars:
    ref: vault_file:{{ inventory_dir }}/.secrets/fgt-north-01/automation
"""

RETURN = r"""
_raw:
  description: The value of each secret. V(null) for a missing secret with O(required=false).
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..module_utils._engine.errors import TaskError
from ..module_utils._engine.secret import StoredSecret
from ..module_utils._module.untagged import plain
from ..plugin_utils._secrets.entry import StoreEntry
from ..plugin_utils._secrets.store import STORE_SETTINGS, open_store


def read_secret(lookup: LookupBase, ref: str, variables: dict[str, Any] | None) -> StoredSecret:
    """Return the stored secret of a reference. Raises AnsibleLookupError if the store cannot be read."""
    settings = plain(lookup._templar.template((variables or {}).get(STORE_SETTINGS, {})))
    try:
        return StoreEntry(ref, open_store(ref, lookup._loader, settings), set(), lookup._loader).read()
    except TaskError as error:
        raise AnsibleLookupError(error.sentence("control node")) from None


class LookupModule(LookupBase):
    """Resolves references to secrets."""

    def run(
        self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any
    ) -> list[str | None]:
        """Return the value of each reference, None if it is missing and not required."""
        self.set_options(var_options=variables, direct=kwargs)
        return [self._value(str(term), variables) for term in terms]

    def _value(self, ref: str, variables: dict[str, Any] | None) -> str | None:
        secret = read_secret(self, ref, variables).current
        if secret is None and self.get_option("required"):
            raise AnsibleLookupError(
                f"the store is readable, but has no secret under {ref}; check the reference"
            )
        return secret.value if secret else None
