# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages of the roles name the role's variable beside each option."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.example import FORESCOUT, Example
from ansible_collections.otsec.defender_iot.tests.support.workspace import Workspace

CASES = {
    "an option": (
        "fortinet",
        "fgt-north-01",
        {"fortigate_access_timeout": 0},
        "timeout (fortigate_access_timeout) is 0, which is out of range; set it to 1 to 3600 seconds",
    ),
    "an option of an item": (
        "fortinet",
        "fgt-north-01",
        {"fortigate_access_admins": [{"name": "a", "trusted_host": ["192.0.2.1"]}]},
        "admins (fortigate_access_admins), item 1: unsupported option trusted_host; use trusted_hosts",
    ),
    "an option in a remedy": (
        "fortinet",
        "fgt-north-01",
        {"fortigate_access_url": "https://127.0.0.1:1"},
        "connection refused; check host and port in url (fortigate_access_url), the network",
    ),
    "an option of an appliance's second account": (
        "verify",
        FORESCOUT,
        {"forescout_module_web_api_password": ""},
        "username (forescout_module_web_api_username), password (forescout_module_web_api_password)",
    ),
}


@pytest.mark.parametrize(("playbook", "host", "variables", "message"), CASES.values(), ids=CASES)
def test_a_message_of_a_role_names_its_variable(
    workspace: Workspace, playbook: str, host: str, variables: dict[str, Any], message: str
) -> None:
    run = Example(workspace).override(host, **variables).playbook(playbook, "--check", f"--limit={host}")
    assert message in "\n".join(result.message for result in run.of(host)), run.output
