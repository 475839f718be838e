# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options of every module that has an appliance mint a secret."""

    DOCUMENTATION = r"""
options:
  secret_ref:
    description:
      - Reference to the secret in the secret store, as C(BACKEND:LOCATION). The guide C(docs/secrets.md) of
        this collection lists the backends and their settings.
      - V(vault_file:/srv/secrets/north-01) is the file C(/srv/secrets/north-01.yml) on the control node,
        encrypted with the vault identity of the run, which is required. The path must be absolute. Missing
        folders are created.
      - >-
        To store a secret manually, write a YAML file with the single line C(value: THE_SECRET) and encrypt
        it, for example with C(ansible-vault create /srv/secrets/north-01.yml).
      - Each secret of each appliance needs its own reference. The record names the appliance and the object
        that it belongs to. A task for another appliance or object fails, and neither uses nor changes it.
    type: str
    required: true
  rotation_id:
    description:
      - Name of the rotation, such as V(2026-q4). The next run replaces a secret that was not minted under
        this name. Names have no order. Going back to an older name replaces the secret again. If it is not
        set, the name is not compared.
    type: str
  max_age:
    description:
      - Age in days after which the next run replaces the secret. A manually stored secret has no known age,
        and is never replaced because of it. If it is not set, the age is not compared.
    type: int
  return_secret:
    description:
      - Whether to return the secret in plain text. If you need the value, use the lookup
        P(otsec.defender_iot.secret#lookup) instead.
      - A task that enables it needs C(no_log=true). Otherwise the secret appears in the output and in logs.
    type: bool
    default: false
"""
