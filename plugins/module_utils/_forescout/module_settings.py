# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of Forescout's Defender for IoT module, shared by its modules.

The pane has exactly two fields, Server Address and Access Token (documented). A token is valid on one sensor
only, so address and token are always written together.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._engine.appliance import Appliance, Route
from .._engine.apply import SecretToUse, apply, converge
from .._engine.errors import InvalidOptions
from .._engine.resource import Field, Resource
from .._engine.rotate import compare, rotate_delivery
from .._engine.secret import shown
from .._engine.task import Outcome, Task, list_objects, object_entry
from .._wire.web_interface import require_login
from .fstool import Fstool
from .fstool_nodes import EM
from .fstool_plugin import ALL
from .web import Forescout

SETTINGS = Resource(
    label="Defender for IoT module settings",
    kind="settings",
    path="settings",
    fields={
        "server_address": Field("server_address"),
        "access_token": Field("access_token"),
    },
    delivers="access_token",
    resend=frozenset({"server_address", "access_token"}),
    singleton=True,
)


def _without_token(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "access_token": ""}


CLEARED = Resource(
    label=SETTINGS.label,
    kind=SETTINGS.kind,
    path=SETTINGS.path,
    fields={"server_address": Field("server_address")},
    singleton=True,
    unfold=_without_token,
)
"""The settings of a platform that queries no sensor. Nothing shows the token, so it is cleared with the
address."""

PLUGINS = Resource(
    label="plugin",
    kind="plugin",
    path="plugin",
    fields={name: Field(name) for name in ("name", "enabled", "property_keys")},
)

# Neither the names of properties nor the values of these options are secrets.
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


def prepare_forescout_module(params: dict[str, Any]) -> dict[str, Any]:
    """Check and complete the options of each transport. Raises InvalidOptions."""
    if params["transport"] == "rest":
        require_login("forescout", params)
    if params["transport"] != "fstool":
        if params.get("discover"):
            raise InvalidOptions(
                "discover requires transport: fstool", "set transport: fstool, or omit discover"
            )
        return params
    discover = params.get("discover")
    missing = [option for option in ("plugin_name", "property_keys") if not params[option] and not discover]
    if missing:
        raise InvalidOptions(
            f"transport: fstool requires {' and '.join(missing)} (no vendor publishes the values)",
            "list plugins and keys with forescout_module_info and discover, and set them",
        )
    _refuse_impossible_names(params)
    _refuse_impossible_nodes(params["nodes"])
    for option in ("timeout", "connect_timeout", "restart_timeout"):
        if not 1 <= params.get(option, 1) <= 3600:
            raise InvalidOptions(f"{option} is {params[option]}", f"set {option} to 1 to 3600 seconds")
    return {**params, "provenance": "assumed"}


def _refuse_impossible_names(params: Mapping[str, Any]) -> None:
    keys = params["property_keys"] or {}
    for name in filter(None, [params["plugin_name"], *keys.values()]):
        if not NAME.fullmatch(name):
            raise InvalidOptions(
                f'"{name}" cannot be the name of a plugin or a property',
                "use letters, digits, dots, hyphens and underscores only",
            )
    if len(set(keys.values())) < len(keys):
        raise InvalidOptions("property_keys names one property for both settings", "name two properties")


def _refuse_impossible_nodes(nodes: list[str]) -> None:
    if nodes == [ALL]:
        return
    for node in nodes:
        try:
            ipaddress.ip_address("127.0.0.1" if node == EM else node)
        except ValueError:
            raise InvalidOptions(
                f'nodes contains "{node}", which is not the address of an appliance',
                f"set nodes to {ALL} alone, or to {EM} and addresses",
            ) from None
    if not nodes or len(set(nodes)) < len(nodes):
        raise InvalidOptions("nodes is empty, or lists a node twice", "list every node once")


def connect(params: dict[str, Any], route: Route) -> Appliance:
    """Return the platform for the task's transport. With ``manual`` an operator is the interface."""
    if params["transport"] == "fstool":
        return Fstool(route.shell(), params)
    if params["transport"] == "rest":
        return route.relay(params) or Forescout(params)
    return Appliance()


def show(task: Task, outcome: Outcome) -> None:
    """Read the settings, or with ``discover`` the plugins of the platform."""
    if task.options["discover"]:
        task = replace(task, resource=PLUGINS, options={**task.options, "names": None})
    list_objects(task, outcome)


def configure(task: Task, outcome: Outcome) -> None:
    """Converge or clear the settings, or with ``transport: manual`` return the steps for an operator."""
    is_absent = task.options["state"] == "absent"
    if task.options["transport"] == "manual":
        (_return_steps_to_clear if is_absent else _return_manual_steps)(task, outcome)
        return
    if is_absent:
        _clear(task, outcome)
    else:
        (rotate_delivery if task.options["rotate_only"] else converge)(task, outcome)
    if task.options["transport"] == "fstool":
        outcome.values["running"] = task.appliance.running()


def _clear(task: Task, outcome: Outcome) -> None:
    options = {**task.options, "server_address": "", "state": "present"}
    work = compare if task.options["rotate_only"] else converge
    work(replace(task, resource=CLEARED, options=options), outcome)


def _return_manual_steps(task: Task, outcome: Outcome) -> None:
    entry = task.secrets["access_token_ref"]
    _report_steps(task, outcome, "an operator enters the settings")
    outcome.values.update(
        steps=_steps(task.host, task.options["server_address"], entry.ref),
        **shown(entry.ref, apply(task, SecretToUse(task))),
    )


def _return_steps_to_clear(task: Task, outcome: Outcome) -> None:
    _report_steps(task, outcome, "an operator clears the settings")
    outcome.values["steps"] = [
        _open_module(task.host),
        "Clear Server Address and Access Token.",
        "Select Apply.",
    ]


def _report_steps(task: Task, outcome: Outcome, reason: str) -> None:
    outcome.objects = [object_entry(task, "unknown", {}, {}, previewable=False, reason=reason)]


def _open_module(appliance: str) -> str:
    return (
        f"Sign in to the Forescout Console of {appliance} and open Tools > Options > Modules > Defender "
        "for IoT Platform (CyberX Platform in some versions)."
    )


def _steps(appliance: str, server_address: str, access_token_ref: str) -> list[str]:
    return [
        _open_module(appliance),
        f"Set Server Address to {server_address}.",
        f"Set Access Token to the value stored under {access_token_ref}.",
        "Select Apply.",
        "On the sensor, open System settings > Integrations > Access tokens: Used must change from N/A to a "
        "time.",
    ]
