# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What holds for every module that has an appliance mint a secret."""

    DOCUMENTATION = r"""
options:
  secret_ref:
    description:
      - Where the secret is kept, as C(BACKEND:LOCATION). The guide C(docs/secrets.md) of this collection
        lists the backends and their settings.
      - With V(vault_file:/srv/secrets/north-01) it is the file C(/srv/secrets/north-01.yml) on the control
        node, encrypted with the vault identity of the run, which must therefore have one. The path is
        absolute. Missing folders are created.
      - >-
        To store a secret by hand, write a YAML file of the one line C(value: THE_SECRET) and encrypt it, for
        example with C(ansible-vault create /srv/secrets/north-01.yml).
      - It has to be another one for each appliance and each secret.
    type: str
    required: true
  rotation_id:
    description:
      - A text of your own, such as the quarter. The next run replaces a secret that was not made under it.
    type: str
  max_age:
    description:
      - Days after which the next run replaces the secret. One stored by hand has no known age.
    type: int
  return_secret:
    description:
      - Whether the result holds the secret in the clear. Leave this off and use the lookup
        P(otsec.defender_iot.secret#lookup) where the value is needed.
      - A task that turns it on needs C(no_log=true), or the secret stands in its output and in logs.
    type: bool
    default: false
"""
