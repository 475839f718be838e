# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuses variables that a role of this collection does not have, because Ansible ignores a misspelt one.

Refuses extra variables too that would silently override what a role or its playbook sets.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.utils.vars import load_extra_vars

from ...module_utils._engine.errors import InvalidOptions, attempting

COLLECTION = "otsec.defender_iot."
ROLES = Path(__file__).parents[3] / "roles"
SHARED = frozenset(
    f"defender_iot_{each}"
    for each in (
        "done",
        "draft",
        "draft_file",
        "draft_written",
        "export_folder",
        "fingerprint_file",
        "left_behind",
        "login_password",
        "login_username",
        "prove",
        "recorded_description",
        "recorded_never_used",
        "recorded_password",
        "recorded_product",
        "recorded_server_address",
        "recorded_token",
        "recorded_username",
        "recorded_version",
        "recording",
        "report",
        "rotation_id",
        "secret_store",
        "secret_stores",
        "site",
        "verdict_file",
    )
)
"""The variables of all roles and of the playbooks, with the facts that these set."""

SHARED_PREFIX = "defender_iot_"
CHECKED = (
    *("fortigate_access", "fortigate_response", "sensor_tokens", "forescout_module"),
    *("forescout_policies", "fortisiem_events", "respond"),
)


def declared(role: str, file: str) -> frozenset[str]:
    """Return the names with the prefix of a role that are keys in a file of the role."""
    # Parsing the YAML takes many times longer, and each run imports this.
    text = (ROLES / role / "meta" / file).read_text(encoding="utf-8")
    return frozenset(re.findall(rf"^ *({role}_\w+):", text, re.MULTILINE))


DEPENDENT = {"fortigate_access": ("fortigate_response",), "forescout_module": ("forescout_policies",)}
"""Roles that a playbook runs only if a variable of theirs is set: else, no task of theirs checks names."""

# Read when Ansible imports the actions, before it forks the workers.
VARIABLES = {role: declared(role, "argument_specs.yml") for role in CHECKED}
FACTS = {role: declared(role, "facts.yml") for role in CHECKED}
KNOWN = {role: VARIABLES[role] | FACTS[role] | SHARED for role in CHECKED}


def check_task(task: Task, loader: DataLoader, variables: Mapping[str, object]) -> None:
    """Check the variables of the role that a task belongs to. Raises InvalidOptions."""
    if task._role is None:
        return
    check_host_name(str(variables["inventory_hostname"]))
    extra = load_extra_vars(loader)
    given = task.get_vars() if extra else ()
    check_variables(task._role.get_name(), variables, extra, roles_of_play(variables), given)


def check_variables(
    name: str,
    variables: Iterable[str],
    extra: Collection[str],
    roles: Iterable[str],
    given: Collection[str] = (),
) -> None:
    """Check the names of a host's variables for one role. Raises InvalidOptions.

    ``extra`` are the names of extra variables, ``given`` those that whoever includes the role passes to it,
    ``roles`` the roles of the play: a role with a longer name may have the same prefix.
    """
    role = name.removeprefix(COLLECTION)
    if role not in VARIABLES or name == role:
        return
    with attempting(f"checking the variables of the role {role}"):
        _refuse_overridden(role, extra, given)
    names = list(variables)
    for each in (role, *DEPENDENT.get(role, ())):
        with attempting(f"checking the variables of the role {each}"):
            _refuse_unknown(each, names, roles)


def check_host_name(host: str) -> None:
    """Check that a host's name is one part of a path: roles use it in references to secrets and in files.

    Raises InvalidOptions. A dynamic inventory may name hosts by data of others.
    """
    if "/" in host or host in ("", ".", ".."):
        with attempting("checking the name of the host"):
            raise InvalidOptions(
                f'"{host}" would lead to another place in the secret store and in exported files',
                "rename the host in the inventory, without slashes",
            )


def _refuse_overridden(role: str, extra: Collection[str], given: Collection[str]) -> None:
    """Refuse extra variables that would replace a decision of the role, or of who includes it."""
    private = (f"__{role}_", "__defender_iot_")
    passed = {each for each in given if each.startswith(f"{role}_")}
    overridden = sorted(
        each for each in extra if each in FACTS[role] or each in passed or each.startswith(private)
    )
    if overridden:
        names = " and ".join(overridden)
        raise InvalidOptions(
            f"the playbook or the role sets {names} itself, but an extra variable overrides it",
            f"remove {names} from the extra variables",
        )


def _refuse_unknown(role: str, variables: Iterable[str], roles: Iterable[str]) -> None:
    own = f"{role}_"
    prefixes, known = (own, SHARED_PREFIX), KNOWN[role]
    unknown = [each for each in variables if each.startswith(prefixes) and each not in known]
    if not unknown:
        return
    longer = tuple(f"{each.rpartition('.')[2]}_" for each in roles if each.rpartition(".")[2].startswith(own))
    unknown = sorted(each for each in unknown if not each.startswith(longer))
    if unknown:
        raise InvalidOptions(
            f"it has no variable {' or '.join(unknown)}",
            " and ".join(_correction(each, role) for each in unknown),
        )


def _correction(name: str, role: str) -> str:
    is_shared = name.startswith(SHARED_PREFIX)
    prefix, known = (SHARED_PREFIX, SHARED) if is_shared else (f"{role}_", VARIABLES[role])
    # With the prefix, every name would be close to every other.
    close = get_close_matches(name.removeprefix(prefix), [each.removeprefix(prefix) for each in known], n=1)
    return f"rename {name} to {prefix}{close[0]}" if close else f"remove or rename {name}"


def roles_of_play(variables: Mapping[str, object]) -> list[str]:
    """Return the names of the roles in the play of a task."""
    names = variables.get("ansible_play_role_names")
    return [str(each) for each in names] if isinstance(names, (list, tuple)) else []
