# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of Forescout's Defender for IoT module, as data shared by its modules.

The pane has exactly two fields, Server Address and Access Token (documented). Address and token belong
together: a token is valid on one sensor only, so one is never written without the other. Private to this
collection: may change at any time.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ._appliance import Appliance
from ._converge import Job, converge, inform, told
from ._endpoints import require_login
from ._errors import InvalidOptions
from ._fstool import Fstool
from ._fstool_commands import EM
from ._fstool_plugin import ALL
from ._resource import Field, Resource
from ._secrets import shown
from ._shell import Shell

SETTINGS = Resource(
    kind="Defender for IoT module settings",
    noun="settings",
    path="settings",
    fields={"server_address": Field("server_address"), "access_token": Field("access_token")},
    secrets={"access_token": "access_token_ref"},
    resend=frozenset({"server_address", "access_token"}),
    singleton=True,
)

PLUGINS = Resource(
    kind="plugin",
    noun="plugin",
    path="plugin",
    fields={name: Field(name) for name in ("name", "enabled", "property_keys")},
)

# The names of properties are no secrets, the values of these options neither.
FSTOOL: dict[str, Any] = {
    "plugin_name": {"type": "str"},
    "property_keys": {
        "type": "dict",
        "no_log": False,
        "options": {
            "server_address": {"type": "str", "required": True},
            "access_token": {"type": "str", "required": True, "no_log": False},
        },
    },
    "nodes": {"type": "list", "elements": "str", "default": [EM]},
    "escapes": {"type": "str", "choices": ["auto", "java", "raw"], "default": "auto"},
    "fstool_path": {"type": "str", "default": "fstool"},
    "install_path": {"type": "str", "default": "/usr/local/forescout"},
}

WRITING: dict[str, Any] = {
    "create_keys": {"type": "bool", "default": False, "no_log": False},
    "token_compare": {"type": "str", "choices": ["auto", "plain"], "default": "auto", "no_log": False},
    "token_delivery": {
        "type": "str",
        "choices": ["argument", "file"],
        "default": "argument",
        "no_log": False,
    },
    "restart_timeout": {"type": "int", "default": 300},
}

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def prepared(params: dict[str, Any]) -> dict[str, Any]:
    """Complete options by their transport. Raises InvalidOptions for what cannot be."""
    if params["transport"] == "rest":
        require_login("forescout", params)
    if params["transport"] != "fstool":
        if params.get("discover"):
            raise InvalidOptions("discover needs transport: fstool")
        return params
    discover = params.get("discover")
    missing = [option for option in ("plugin_name", "property_keys") if not params[option] and not discover]
    if missing:
        raise InvalidOptions(
            f"transport is fstool, but {' and '.join(missing)} must be given: nobody publishes them, and "
            "forescout_module_info with discover finds them"
        )
    _refuse_impossible_names(params)
    _refuse_impossible_nodes(params["nodes"])
    for option in ("timeout", "connect_timeout", "restart_timeout"):
        if not 1 <= params.get(option, 1) <= 3600:
            raise InvalidOptions(f"{option} must be from 1 to 3600 seconds, not {params[option]}")
    return {**params, "provenance": "assumed"}


def _refuse_impossible_names(params: Mapping[str, Any]) -> None:
    keys = params["property_keys"] or {}
    for name in filter(None, [params["plugin_name"], *keys.values()]):
        if not NAME.fullmatch(name):
            raise InvalidOptions(f'"{name}" cannot be the name of a plugin or of a property')
    if len(set(keys.values())) < len(keys):
        raise InvalidOptions("property_keys names one property for both settings")


def _refuse_impossible_nodes(nodes: list[str]) -> None:
    if nodes == [ALL]:
        return
    for node in nodes:
        try:
            ipaddress.ip_address("127.0.0.1" if node == EM else node)
        except ValueError:
            raise InvalidOptions(
                f'nodes is {ALL} alone, or holds {EM} and addresses of appliances, and not "{node}"'
            ) from None
    if not nodes or len(set(nodes)) < len(nodes):
        raise InvalidOptions("nodes must name at least one node, and each one once")


def connect_by_shell(params: Mapping[str, Any], shell: Shell) -> Appliance | None:
    """Return the platform by commands on it, where the task names that transport."""
    return Fstool(shell, params) if params["transport"] == "fstool" else None


def show(job: Job) -> dict[str, Any]:
    """Read the settings, or with ``discover`` what the platform has plugins for."""
    if not job.params["discover"]:
        return inform(job)
    return inform(replace(job, resource=PLUGINS, params={**job.params, "names": None}))


def configure(job: Job) -> dict[str, Any]:
    """Converge the settings, or with ``transport: manual`` say what a person has to do."""
    if job.params["transport"] != "manual":
        result = converge(job)
        return {**result, "running": job.api.running()} if isinstance(job.api, Fstool) else result
    keeper = job.keepers["access_token_ref"]
    steps = _steps(job.appliance, job.params["server_address"], keeper.ref)
    unseen = told(job, "unknown", {}, {}, previewable=False, reason="a person makes the settings")
    return {
        "changed": False,
        "objects": [unseen],
        "steps": steps,
        **shown(keeper.ref, keeper.held().current),
    }


def _steps(appliance: str, server_address: str, access_token_ref: str) -> list[str]:
    return [
        f"Sign in to the Forescout Console of {appliance} and open Tools > Options > Modules > Defender "
        "for IoT Platform (CyberX Platform in some versions).",
        f"Set Server Address to {server_address}.",
        f"Set Access Token to the value stored under {access_token_ref}.",
        "Select Apply.",
        "On the sensor, open System settings > Integrations > Access tokens: Used must change from N/A to a "
        "time.",
    ]
