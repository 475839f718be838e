# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: stored_secrets
short_description: Find out which names a secret store holds a secret under
version_added: 0.1.0
author: The otsec.defender_iot authors (@otsec)
description:
  - Returns those of the given names that have a current secret in a secret store. It never returns a value.
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
    type: str
    required: true
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
  description: The names under which there is a secret, in the order in which they were given.
  type: list
  elements: str
"""

from typing import Any

from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    """Finds the names that have a secret."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Return the names that the store holds a secret under."""
        self.set_options(var_options=variables, direct=kwargs)
        secret = lookup_loader.get("otsec.defender_iot.secret", loader=self._loader, templar=self._templar)
        refs = [f"{self.get_option('store')}/{name}" for name in terms]
        values = secret.run(refs, variables, required=False)
        return [name for name, value in zip(terms, values, strict=True) if value is not None]
