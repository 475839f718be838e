# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: stored_secrets
short_description: List the stored secrets and their consumers
version_added: 0.1.0
author: The otsec.defender_iot authors (@otsec)
description:
  - Returns the secrets that have a current value in a secret store, with their consumers.
  - It never returns the value of a secret.
  - An unreadable store is an error, because it must not be treated as empty.
options:
  _terms:
    description: Names of the secrets, for example descriptions of access tokens.
    type: list
    elements: str
    required: true
  store:
    description:
      - Secret store. The store, C(/) and a name together are the reference to a secret, as in
        O(otsec.defender_iot.sensor_access_token#module:secret_ref).
      - If it is not set, the names are complete references.
    type: str
seealso:
  - plugin: otsec.defender_iot.secret
    plugin_type: lookup
  - module: otsec.defender_iot.sensor_access_token
"""

EXAMPLES = r"""
- name: Show which of two access tokens are stored
  ansible.builtin.debug:
    msg: "{{ query('otsec.defender_iot.stored_secrets', 'forescout', 'siem', store=store) }}"
  vars:
    store: vault_file:{{ inventory_dir }}/.secrets/sensor-north-01
"""

RETURN = r"""
_raw:
  description: The stored secrets, in the order of their names in the call.
  type: list
  elements: dict
  contains:
    name:
      description: Name of the secret.
      type: str
    consumers:
      description:
        - The inventory hosts to which the secret was assigned. Each has a word that tells which value the
          host got last, V(current) or V(previous). It is V(unknown) if that was not recorded, for example
          because an operator enters the value. The values themselves are never returned.
      type: dict
"""

from typing import Any

from ansible.plugins.lookup import LookupBase

from ..module_utils._engine.secret import StoredSecret
from .secret import read_secret


class LookupModule(LookupBase):
    """Lists stored secrets."""

    def run(
        self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any
    ) -> list[dict[str, Any]]:
        """Return the names with a current secret, each with its consumers."""
        self.set_options(var_options=variables, direct=kwargs)
        store = self.get_option("store")
        found = []
        for name in map(str, terms):
            stored = read_secret(self, f"{store}/{name}" if store else name, variables)
            if stored.current is not None:
                found.append({"name": name, "consumers": consumers(stored)})
        return found


def consumers(stored: StoredSecret) -> dict[str, str]:
    """Return which value each host last got. The record names a consumer as HOST/KIND."""
    values = {"previous": stored.previous, "current": stored.current}
    known = {value.fingerprint: name for name, value in values.items() if value is not None}
    given = stored.current.delivered if stored.current else {}
    names = {*given, *(stored.current.consumers if stored.current else ())}
    return {
        name.rpartition("/")[0] or name: known.get(given.get(name, ""), "unknown") for name in sorted(names)
    }
