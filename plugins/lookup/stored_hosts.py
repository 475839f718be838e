# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: stored_hosts
short_description: List the hosts that have secrets in a secret store
version_added: 0.1.0
author: The otsec.defender_iot authors (@otsec)
description:
  - Returns the names of the hosts for which the roles of this collection have stored secrets, even if the
    hosts are no longer in the inventory. It reads no secret.
  - Only the backends C(vault_file) and C(sops) can be listed. For others the result is empty.
  - A folder that cannot be read is an error, because it must not be treated as empty.
options:
  _terms:
    description: Secret stores, as in the variable C(defender_iot_secret_store) of the roles.
    type: list
    elements: str
    required: true
seealso:
  - plugin: otsec.defender_iot.stored_secrets
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Show the hosts that were removed from the inventory and still have secrets
  ansible.builtin.debug:
    msg: "{{ query('otsec.defender_iot.stored_hosts', store) | difference(groups.all) }}"
  vars:
    store: vault_file:{{ inventory_dir }}/.secrets
"""

RETURN = r"""
_raw:
  description: Names of hosts, sorted, of one store after the other.
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..module_utils._engine.errors import TaskError
from ..plugin_utils._secrets.listing import stored_hosts


class LookupModule(LookupBase):
    """Lists hosts with stored secrets."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Return the hosts of every store. Raises AnsibleLookupError if one cannot be listed."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            return [host for store in terms for host in stored_hosts(str(store)) or ()]
        except TaskError as error:
            raise AnsibleLookupError(error.sentence("control node")) from None
