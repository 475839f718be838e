# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages of the roles name the role's variable beside each option."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.otsec.defender_iot.tests.support.example import FORESCOUT, Example
from ansible_collections.otsec.defender_iot.tests.support.workspace import Run, Workspace

CASES = {
    "an option": (
        "fortinet",
        "fgt-north-01",
        {"fortigate_access_timeout": 0},
        "timeout (fortigate_access_timeout) is 0, which is out of range; set it to 1 to 3600 seconds",
    ),
    "an option of an item": (
        "fortinet",
        "fgt-north-02",
        {"fortigate_access_admins": [{"name": "a", "trusted_host": ["192.0.2.1"]}]},
        "admins (fortigate_access_admins), item 1: unsupported option trusted_host; use trusted_hosts",
    ),
    "an option in a remedy": (
        "fortinet",
        "fgt-south-01",
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


@pytest.fixture(scope="module")
def runs(new_workspace: Callable[[], Workspace]) -> dict[str, Run]:
    """The run of each playbook on all of its hosts."""
    example = Example(new_workspace())
    example.override_each({host: variables for _playbook, host, variables, _message in CASES.values()})
    hosts = {
        playbook: [case[1] for case in CASES.values() if case[0] == playbook]
        for playbook, *_ in CASES.values()
    }
    return {
        playbook: example.playbook(playbook, "--check", f"--limit={','.join(names)}")
        for playbook, names in hosts.items()
    }


@pytest.mark.parametrize("case", CASES)
def test_a_message_of_a_role_names_its_variable(runs: dict[str, Run], case: str) -> None:
    playbook, host, _variables, message = CASES[case]
    run = runs[playbook]
    assert message in "\n".join(result.message for result in run.of(host)), run.output
