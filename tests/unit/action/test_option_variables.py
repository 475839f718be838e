# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages of a role name its variables beside the options."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._action.option_variables import (
    variables_of,
    with_variables,
)

VARIABLES = {option: f"access_{option}" for option in ("url", "token", "timeout", "hosts", "admins")}


class Role:
    """A role of a collection with its argument specs."""

    def __init__(self, name: str, collection: str | None, *variables: str) -> None:
        self.name = name
        self._role_collection = collection
        self.variables = variables

    def get_name(self, include_role_fqcn: bool = True) -> str:
        return self.name

    def _get_role_argspecs(self) -> Any:
        return {"main": {"options": {variable: {} for variable in self.variables}}, "verify": {}}


def test_a_variable_has_the_name_of_the_role_and_the_option() -> None:
    role = Role("access", "otsec.defender_iot", "access_url", "access_token_form", "other")
    assert variables_of(role, {}) == {"url": "access_url", "token_form": "access_token_form"}


def test_a_task_may_have_another_prefix_for_its_variables() -> None:
    role = Role("access", "otsec.defender_iot", "access_url", "access_username", "access_web_username")
    found = variables_of(role, {"__access_prefix": "access_web"})
    assert (found["username"], found["url"]) == ("access_web_username", "access_url")


@pytest.mark.parametrize("role", [None, Role("access", None, "access_url"), Role("a", "other.one", "a_url")])
def test_other_roles_have_no_such_variables(role: Any) -> None:
    assert variables_of(role, {}) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("url is not valid", "url (access_url) is not valid"),
        ("set token, or url", "set token (access_token), or url (access_url)"),
        ("set token; check token", "set token (access_token); check token"),
        ("check the access token and the url", "check the access token and the url"),
        ("run with the vault password", "run with the vault password"),
        ("it contains an empty token; set one token", "it contains an empty token; set one token"),
        ("set a longer timeout", "set a longer timeout (access_timeout)"),
        ('connect_timeout, "url", a.url, /url, url-x, token_form', None),
        ("hosts: 0.0.0.0/0 is open", "hosts (access_hosts): 0.0.0.0/0 is open"),
        (
            "admins, item 1: unsupported option host; use hosts",
            "admins (access_admins), item 1: unsupported option host; use hosts",
        ),
        ("", ""),
    ],
)
def test_the_first_mention_of_an_option_names_its_variable(text: str, message: str | None) -> None:
    assert with_variables(text, VARIABLES) == (text if message is None else message)


def test_without_variables_a_message_stays_as_it_is() -> None:
    assert with_variables("url is not valid", {}) == "url is not valid"
