# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the variables of a role in the task of its module.

Ansible's own check is one more task for each host. The collection's playbooks turn it off with
``rolespec_validate: false`` where this one takes its place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.yaml import yaml_load
from ansible.playbook.role import Role
from ansible.template import Templar

from ...module_utils._engine.errors import InvalidOptions, attempting
from ...module_utils._module.untagged import plain
from .option_variables import COLLECTION
from .role_variables import ROLES, VARIABLES


def check_arguments(
    role: Role | None, templar: Templar, variables: Mapping[str, Any], options: Collection[str]
) -> None:
    """Check the variables that no ``options`` of the module check, unless Ansible has. Raises InvalidOptions.

    The defaults of the role need no check.
    """
    if role is None or role._should_validate or role._role_collection != COLLECTION:
        return
    name = role.get_name(include_role_fqcn=False).rpartition(".")[2]
    defaults = role.get_default_vars()
    given = {
        variable: variables[variable]
        for variable in VARIABLES[name]
        if variable.removeprefix(f"{name}_") not in options
        and variable in variables
        and variables[variable] != defaults.get(variable)
    }
    if given:
        _check(name, plain(templar.template(given)), _declared(name))


def _declared(role: str) -> dict[str, Any]:
    """Return the specification of a role's variables. Ansible's own loader takes five times as long."""
    text = (ROLES / role / "meta/argument_specs.yml").read_text(encoding="utf-8")
    return dict(yaml_load(text)["argument_specs"]["main"]["options"])


def _check(name: str, given: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    validator = ArgumentSpecValidator({variable: options[variable] for variable in given})
    errors = validator.validate(given, validate_role_argument_spec=True).error_messages
    if errors:
        with attempting(f"checking the variables of the role {name}"):
            raise InvalidOptions(" and ".join(errors), "correct the variables of the host")
