# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which objects of a FortiGate may be the account in use, so that a task does not lock itself out.

FortiOS documents no call that returns the owner of an API key. So every REST API administrator that can
manage administrators counts as the account in use: no other one can change an administrator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._engine.appliance import Appliance
from .._engine.resource import Field, Resource
from .admin_profile import PROFILE
from .api_admin import ADMIN

ADMINISTRATOR = Resource(
    label="administrator", kind="administrator", path="system/admin", fields={"name": Field("name")}
)
"""An administrator with a password, which the collection never changes."""

SUPER_ADMIN = "super_admin"


def is_own(api: Appliance, resource: Resource, key: str, username: str | None) -> bool:
    """Return whether the account in use may be this REST API administrator, or have this admin profile.

    ``username`` is the administrator of the session, None with an API key.
    """
    if username is not None:
        administrator = api.read(ADMINISTRATOR, username) if resource.path == PROFILE.path else None
        return administrator is not None and administrator.get("accprofile") == key
    managing = [admin for admin in api.table(ADMIN) if _may_manage(api, str(admin.get("accprofile")))]
    return key in [admin.get("accprofile" if resource.path == PROFILE.path else "name") for admin in managing]


def _may_manage(api: Appliance, profile: str) -> bool:
    """Return whether a profile permits changes of administrators, which is assumed of a hidden one."""
    if profile == SUPER_ADMIN:
        return True
    found = api.read(PROFILE, profile)
    return found is None or _manages(found)


def _manages(profile: Mapping[str, Any]) -> bool:
    access = profile.get("sysgrp")
    rights = profile.get("sysgrp-permission")
    if access == "custom" and isinstance(rights, Mapping):
        access = rights.get("admin")
    return access == "read-write"
