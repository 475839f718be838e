# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: stored_secrets
short_description: Determine which secrets a store holds, and whom they were assigned to
version_added: 0.1.0
author: The otsec.defender_iot authors (@otsec)
description:
  - Returns those of the given secrets that have a current value in a secret store, with their consumers.
  - It never returns a value.
  - A store that cannot be read is an error, because it must not be taken for an empty one.
options:
  _terms:
    description: The names, for example descriptions of access tokens.
    type: list
    elements: str
    required: true
  store:
    description:
      - Where the secrets are kept. Followed by C(/) and a name, it is the reference to a secret, as
        O(otsec.defender_iot.sensor_access_token#module:secret_ref) takes it.
      - If it is not set, the names are such references.
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
  description: The stored secrets, in the order in which their names were given.
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
    consumers:
      description:
        - The inventory hosts that the secret was assigned to, and which value each was last given,
          V(current), V(previous), or V(unknown), for example where an operator enters it.
      type: dict
"""

from typing import Any

from ansible.plugins.lookup import LookupBase

from ..module_utils._engine.secret import StoredSecret
from .secret import read_secret


class LookupModule(LookupBase):
    """Finds the names that have a secret."""

    def run(
        self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any
    ) -> list[dict[str, Any]]:
        """Return the names that the store holds a secret under, with the consumers of each."""
        self.set_options(var_options=variables, direct=kwargs)
        store = self.get_option("store")
        found = []
        for name in map(str, terms):
            stored = read_secret(self, f"{store}/{name}" if store else name, variables)
            if stored.current is not None:
                found.append({"name": name, "consumers": consumers(stored)})
        return found


def consumers(stored: StoredSecret) -> dict[str, str]:
    """Return which value each host was last given; a consumer is recorded as HOST/KIND."""
    values = {"previous": stored.previous, "current": stored.current}
    known = {value.fingerprint: name for name, value in values.items() if value is not None}
    given = stored.current.delivered if stored.current else {}
    names = {*given, *(stored.current.consumers if stored.current else ())}
    return {
        name.rpartition("/")[0] or name: known.get(given.get(name, ""), "unknown") for name in sorted(names)
    }
