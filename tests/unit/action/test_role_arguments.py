# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of a role that no module checks are checked in the task, if Ansible has not checked them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import InvalidOptions
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._action.role_arguments import check_arguments

ROLES = Path(__file__).parents[3] / "roles"
DEFAULT = "{{ sensor_tokens_consumers | otsec.defender_iot.consumed_tokens(inventory_hostname) }}"
OPTIONS = {"url", "timeout", "previous"}


class Role:
    """A role of the collection with its real argument specs."""

    def __init__(self, validate: bool = False, collection: str = "otsec.defender_iot") -> None:
        self._should_validate = validate
        self._role_collection = collection

    def get_name(self, include_role_fqcn: bool = True) -> str:
        return "otsec.defender_iot.sensor_tokens"

    def get_default_vars(self) -> dict[str, Any]:
        return {"sensor_tokens_tokens": DEFAULT}

    def _get_role_argspecs(self) -> Any:
        path = ROLES / "sensor_tokens/meta/argument_specs.yml"
        return yaml.safe_load(path.read_text())["argument_specs"]


class Templar:
    """Templates nothing."""

    def template(self, value: Any) -> Any:
        assert DEFAULT not in value.values()
        return value


WRONG = {"sensor_tokens_tokens": [{"descripton": "forescout"}]}
PASSED = {
    # variables that are not refused, with the role
    "no role": (None, WRONG),
    "a role that Ansible checks": (Role(validate=True), WRONG),
    "a role of another collection": (Role(collection="other.one"), WRONG),
    "the default": (Role(), {"sensor_tokens_tokens": DEFAULT}),
    "an option of the module": (Role(), {"sensor_tokens_timeout": "soon"}),
    "another variable": (Role(), {"other": 1}),
    "tokens": (Role(), {"sensor_tokens_tokens": [{"description": "forescout", "max_age": 90}]}),
}


@pytest.mark.parametrize(("role", "variables"), PASSED.values(), ids=PASSED)
def test_these_variables_are_not_refused(role: Any, variables: dict[str, Any]) -> None:
    check_arguments(role, Templar(), variables, OPTIONS)  # type: ignore[arg-type]


REFUSED = {
    # variables, and a part of the message
    "a misspelt suboption": (WRONG, "missing required arguments: description found in sensor_tokens_tokens"),
    "a wrong type": ({"sensor_tokens_retire_retries": "many"}, "sensor_tokens_retire_retries"),
    "a wrong value": (
        {"sensor_tokens_tokens": [{"description": "a", "state": "gone"}]},
        "value of state must be one of",
    ),
    "several": (
        {"sensor_tokens_retire_retries": "many", "sensor_tokens_retire_delay": "long"},
        "sensor_tokens_retire_delay",
    ),
}


@pytest.mark.parametrize(("variables", "part"), REFUSED.values(), ids=REFUSED)
def test_these_variables_are_refused_before_the_first_request(variables: dict[str, Any], part: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        check_arguments(Role(), Templar(), variables, OPTIONS)  # type: ignore[arg-type]
    message = caught.value.sentence("sensor-01")
    assert message.startswith("sensor-01: checking the variables of the role sensor_tokens failed: ")
    assert part in message
    assert message.endswith("; correct the variables of the host")
