# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API key of a REST API administrator, shared by the modules that manage it."""

from __future__ import annotations

from .._engine.resource import Field, Resource
from .._module.arguments import ONE_TIME_SECRET, Spec

KEY = Resource(
    label="API key",
    kind="key",
    path="system/api-user",
    key_in_path=True,
    fields={"name": Field("name", required=True, max_length=35)},
    on_parent=True,
)

SECRET_REF: Spec = {"secret_ref": {**ONE_TIME_SECRET["secret_ref"], "required": False}}
"""The reference to the key in tasks that manage an administrator, with or without its key."""

RECREATE: Spec = {"recreate": {"type": "str", "choices": ["never", "invalid", "always"], "default": "never"}}
