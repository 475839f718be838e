# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The option for the desired state of an object."""

    DOCUMENTATION = r"""
options:
  state:
    description:
      - Whether the object must exist (V(present)) or must not exist (V(absent)).
    type: str
    choices: [present, absent]
    default: present
"""
