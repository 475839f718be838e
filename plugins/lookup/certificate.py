# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: certificate
short_description: Read the fingerprint of the certificate that an appliance presents
version_added: 0.1.0
author: The otsec.defender_iot authors (@otsec)
description:
  - Connects to an appliance and reads its TLS certificate. It sends no request and no credentials.
  - An attacker on the way can present another certificate. Compare the fingerprint with one that you read
    where interception is impossible, such as over a direct cable, before you use it as C(cert_fingerprint).
  - The playbook C(otsec.defender_iot.bootstrap) collects the fingerprints of a fleet for review.
options:
  _terms:
    description: Addresses of appliances, as C(https://host) or C(https://host:port).
    type: list
    elements: str
    required: true
  ca_path:
    description: File with the CA certificates to trust, instead of those of the Python package C(certifi).
    type: path
  proxy:
    description: The proxy to connect through, as C(http://host:port) or C(socks5h://host:port). By default,
      the lookup connects directly.
    type: str
  connect_timeout:
    description: Time limit in seconds for a connection.
    type: int
    default: 10
notes:
  - Bastions are not supported. The lookup connects from the control node.
"""

EXAMPLES = r"""
- name: Show the fingerprint of a FortiGate's certificate
  ansible.builtin.debug:
    msg: "{{ lookup('otsec.defender_iot.certificate', 'https://192.0.2.1') }}"
"""

RETURN = r"""
_raw:
  description: One certificate for each address.
  type: list
  elements: dict
  contains:
    fingerprint:
      description: SHA-256 fingerprint, with colons.
      type: str
    problem:
      description: Why the certificate cannot be verified. Empty if it can.
      type: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..module_utils._engine.errors import ApplianceError, InvalidOptions
from ..module_utils._module.untagged import plain
from ..module_utils._wire.certificate import presented_certificate


class LookupModule(LookupBase):
    """Reads certificates."""

    def run(
        self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any
    ) -> list[dict[str, Any]]:
        """Return the certificate of each address. Raises AnsibleLookupError."""
        self.set_options(var_options=variables, direct=kwargs)
        options = plain({name: self.get_option(name) for name in ("ca_path", "proxy", "connect_timeout")})
        try:
            return [presented_certificate(str(url), options) for url in terms]
        except (InvalidOptions, ApplianceError) as error:
            raise AnsibleLookupError(error.sentence("control node")) from None
