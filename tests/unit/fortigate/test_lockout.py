# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The administrators and profiles that may be the account in use."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.appliance import Appliance
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.admin_profile import (
    PROFILE,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_admin import ADMIN
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_key import KEY
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.lockout import is_own

PROFILES = {
    "whole": {"sysgrp": "read-write"},
    "part": {"sysgrp": "custom", "sysgrp-permission": {"admin": "read-write"}},
    "other part": {"sysgrp": "custom", "sysgrp-permission": {"admin": "read", "cfg": "read-write"}},
    "odd": {"sysgrp": "custom", "sysgrp-permission": None},
    "reader": {"sysgrp": "read"},
    "integration": {"sysgrp": "none", "fwgrp": "custom"},
}
ADMINS = {"root": "super_admin", "hidden": "not shown", **{f"of {name}": name for name in PROFILES}}
MANAGING = {"root", "hidden", "of whole", "of part"}


class Device(Appliance):
    """A read-only FortiGate."""

    def read(self, resource: Any, key: Any) -> Any:
        tables: dict[str, dict[str, Any]] = {
            "system/accprofile": PROFILES,
            "system/admin": {"person": {"accprofile": "whole"}},
        }
        return tables[resource.path].get(key)

    def table(self, resource: Any) -> Any:
        assert resource.path == "system/api-user"
        return [{"name": name, "accprofile": profile} for name, profile in ADMINS.items()]


@pytest.mark.parametrize("name", ADMINS)
@pytest.mark.parametrize("resource", [ADMIN, KEY], ids=["admin", "key"])
def test_a_token_may_belong_to_any_admin_that_can_manage_admins(resource: Any, name: str) -> None:
    assert is_own(Device(), resource, name, None) is (name in MANAGING)


@pytest.mark.parametrize("profile", ["super_admin", *PROFILES])
def test_a_token_may_have_the_profile_of_such_an_admin(profile: str) -> None:
    assert is_own(Device(), PROFILE, profile, None) is (profile in ("super_admin", "whole", "part"))


@pytest.mark.parametrize(
    ("resource", "key", "username", "own"),
    [
        (PROFILE, "whole", "person", True),
        (PROFILE, "part", "person", False),
        (PROFILE, "whole", "from a directory", False),
        (ADMIN, "root", "person", False),
        (KEY, "root", "person", False),
    ],
)
def test_a_session_is_that_of_its_administrator(resource: Any, key: str, username: str, own: bool) -> None:
    assert is_own(Device(), resource, key, username) is own
