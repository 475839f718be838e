# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Forescout platform through ``fstool`` and the file that stores a plugin's settings.

Other plugins are set with ``fstool PLUGIN set_property KEY VALUE`` and one restart (documented for some,
observed for one). That this module's plugin works the same way is an assumption. Its name and keys are not
published: both come from the task. Every node has its own store.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from .._engine.appliance import Appliance
from .._engine.errors import ApplianceError, NotFound, Unsupported
from .._engine.resource import Resource
from .._engine.shell import Shell, words
from .fstool_nodes import EM, Nodes, is_address
from .fstool_plugin import Plugin
from .properties import parsed, with_value

IN_ORDER = ("server_address", "access_token")
"""In the order of writing. If an operator applies other settings between both writes, the address reads back
different, but the store may not show the token."""

BACKUP = ".defender_iot_backup"
NO_ADDRESS = "(no IP address)"
VERSION = re.compile(r"^\s*Version\s*:\s*((\d+)(?:\.\d+)*)", re.MULTILINE)
# Joins continued lines, and prints only the keys: values never leave the platform.
KEY_NAMES = [
    *("sed", "-n", "-e", ":a", "-e", r"/\\$/{N;s/\\\n//;ta", "-e", "}"),
    *("-e", r"s/^[[:space:]]*\([A-Za-z0-9_.-]\{1,\}\)[[:space:]]*[=:].*/\1/p"),
]


@dataclass(frozen=True)
class Store:
    """What one node stores for the plugin. ``interrupted``: an earlier task did not finish on this node."""

    interrupted: bool
    text: str = field(repr=False)
    values: Mapping[str, str] = field(repr=False)

    def of(self, keys: Iterable[str]) -> dict[str, str | None]:
        """Return the values of some keys, None for a key that was never set."""
        return {key: self.values.get(key) for key in keys}


class ConcurrentChange(ApplianceError):
    """Another process wrote the store: a rollback would undo its change."""


class Fstool(Appliance):
    """The verbs on one platform. Nothing is written until the stores of all nodes have been read."""

    def __init__(self, shell: Shell, params: Mapping[str, Any]) -> None:
        self.nodes = Nodes(shell, params)
        self.plugin = Plugin(self.nodes, params)
        self.folder = f"{params['install_path']}/plugin"
        keys = params["property_keys"] or {}
        self.keys: dict[str, str] = {option: keys[option] for option in IN_ORDER if option in keys}
        self.address = params.get("server_address")
        self.escapes = str(params["escapes"])
        self.shows_token = params.get("token_compare") == "plain"
        self.token_by_file = params.get("token_delivery") == "file"
        self.needs_keys = not params.get("create_keys", True)
        self.stores: dict[str, Store] = {}

    # --- verbs ----------------------------------------------------------------------------------------------

    def read(self, resource: Resource, key: Any) -> dict[str, Any]:
        """Return the settings. Addresses that differ between nodes are joined into one text."""
        nodes = list(self.stores) or self.plugin.participants()
        self.stores = {node: self._store(node) for node in nodes}
        if self.needs_keys:
            self._refuse_unknown_keys()
        name = self.keys["server_address"]
        addresses = {node: self._shown(store.values.get(name, "")) for node, store in self.stores.items()}
        if len(set(addresses.values())) == 1:
            return {"server_address": next(iter(addresses.values()))}
        return {
            "server_address": ", ".join(f"{value or 'none'} on {node}" for node, value in addresses.items())
        }

    def table(self, resource: Resource) -> list[dict[str, Any]]:
        """Return every plugin and whether it is enabled, and the keys of the task's plugin."""
        command = words("find", self.folder, "-mindepth", "1", "-maxdepth", "1", "-type", "d")
        found = self.nodes.done(EM, "listing the plugins", command)
        names = sorted(line.rsplit("/", 1)[-1] for line in found.out.split())
        enabled = self.plugin.states(names)
        keys = self._key_names() if self.plugin.name else None
        return [
            {
                "name": name,
                "enabled": enabled.get(name, False),
                "property_keys": keys if name == self.plugin.name else None,
            }
            for name in names
        ]

    def holds(self, resource: Resource, option: str, value: str) -> bool | None:
        """Return whether the nodes store this token, None if a stored value may be another form of it."""
        tokens = [store.values.get(self.keys[option]) for store in self.stores.values()]
        if any(store.interrupted for store in self.stores.values()) or not all(tokens):
            return False
        if all(each == value for each in tokens):
            return True
        return False if self.shows_token else None

    def update(self, resource: Resource, key: Any, body: Mapping[str, Any]) -> None:
        """Write the settings and restart the plugin on every node that differs, or roll back all of them."""
        wanted = {self.keys[option]: str(value) for option, value in body.items()}
        _refuse_unprintable(wanted)
        due = [node for node in self.stores if self._is_due(node, wanted)]
        begun: list[str] = []
        restarted: list[str] = []
        try:
            self._write(due, wanted, begun)
            self._restart(due, restarted)
        except ConcurrentChange:  # Its settings are not ours to undo.
            raise
        except ApplianceError as error:
            self._roll_back(begun, restarted, error)
        self._forget_backups(due)

    def running(self) -> bool | None:
        """Return whether the plugin runs on every node that was read, None if unknown."""
        states = {self.plugin.runs(node) for node in self.stores}
        return False if False in states else (None if None in states else True)

    # --- reading --------------------------------------------------------------------------------------------

    def _key_names(self) -> list[str]:
        path = words(self.store_path)
        script = f"[ ! -e {path} ] || {words(*KEY_NAMES)} {path}"
        return sorted(set(self.nodes.done(EM, "listing the properties", script).out.split()))

    def _shown(self, address: str) -> str:
        """Return an address, and hide any other value: the keys may be swapped."""
        return address if address in ("", self.address) or is_address(address) else NO_ADDRESS

    def _store(self, node: str) -> Store:
        path, backup = words(self.store_path), words(self.store_path + BACKUP)
        marked = f"if [ -e {backup} ]; then echo interrupted; else echo whole; fi"
        answer = self.nodes.done(node, "reading the settings", f"{marked}; [ ! -e {path} ] || cat {path}")
        mark, _newline, text = answer.out.partition("\n")
        return Store(mark.strip() == "interrupted", text, parsed(text, self._is_escaped()))

    def _is_escaped(self) -> bool:
        """Return whether the files are escaped: as the task sets it, or as observed for this version."""
        if self.escapes == "auto" and self.version is None:
            command = self.nodes.call("version")
            found = VERSION.search(self.nodes.done(EM, "asking for the version", command).out)
            if not found:
                raise Unsupported(
                    f"{self.nodes.fstool_path} version prints no version", "set escapes to java or raw"
                )
            self.version = found[1]
        if self.escapes == "auto":
            return int(str(self.version).split(".", maxsplit=1)[0]) >= 9
        return self.escapes == "java"

    def _refuse_unknown_keys(self) -> None:
        for node, store in self.stores.items():
            missing = [key for key, value in store.of(self.keys.values()).items() if value is None]
            if missing:
                raise NotFound(
                    f'on {node} the plugin "{self.plugin.name}" has no property {" and ".join(missing)}',
                    "apply the module's settings once in the Console and list the keys with "
                    "forescout_module_info and discover, or set create_keys if the keys are certain",
                )

    @property
    def store_path(self) -> str:
        """The file with the plugin's properties on a node."""
        return f"{self.folder}/{self.plugin.name}/local.properties"

    # --- writing --------------------------------------------------------------------------------------------

    def _is_due(self, node: str, wanted: Mapping[str, str]) -> bool:
        """Return whether a node must be written. Raises ApplianceError if it changed after the plan."""
        store = self._store(node)
        if store.of(wanted) != self.stores[node].of(wanted):
            raise ApplianceError(
                f"on {node} the settings changed after this task read them, so nothing was changed",
                "run again",
            )
        self.stores[node] = store
        return store.interrupted or store.of(wanted) != wanted

    def _write(self, due: list[str], wanted: Mapping[str, str], begun: list[str]) -> None:
        for node in due:
            begun.append(node)
            self._back_up(node)
            before = self.stores[node].of(wanted)
            for option, key in self.keys.items():
                if option == "access_token":
                    self._give_secret(node, key, wanted[key])
                else:
                    self.nodes.expect(
                        node,
                        self.nodes.fstool(node, self.plugin.name, "set_property", key, wanted[key]),
                        "set_property",
                    )
            self._read_back(node, before, wanted)

    def _back_up(self, node: str) -> None:
        """Copy the store with mode 0600. A copy of an interrupted task is kept, because it is older."""
        path, backup = words(self.store_path), words(self.store_path + BACKUP)
        copied = f"{{ [ ! -e {path} ] || cat {path}; }} > {backup}.new && mv {backup}.new {backup}"
        self.nodes.done(node, "saving the settings", f"umask 077; [ -e {backup} ] || {{ {copied}; }}")

    def _give_secret(self, node: str, key: str, value: str) -> None:
        """Pass a secret on standard input, which appears in no process list or history."""
        if self.token_by_file:
            text = with_value(self._store(node).text, key, value, self._is_escaped())
            self.nodes.done(node, "writing the token", f"cat > {words(self.store_path)}", stdin=text)
            return
        setting = self.nodes.call(self.plugin.name, "set_property", key)
        script = f'IFS= read -r value && exec {setting} "$value"'
        self.nodes.expect(
            node, self.nodes.run(node, script, self.nodes.seconds, value + "\n"), "set_property"
        )

    def _read_back(self, node: str, before: Mapping[str, str | None], wanted: Mapping[str, str]) -> None:
        """Compare the store with the settings, as far as it shows them. A cleared one may be missing."""
        store = self._store(node)
        address, token = self.keys["server_address"], self.keys["access_token"]
        shows_token = self.shows_token or not wanted[token]
        for key in [address, *([token] if shows_token else [])]:
            if store.values.get(key, "") == wanted[key]:
                continue
            if store.values.get(key) != before[key]:
                self._refuse_concurrent_change(node)
            raise ApplianceError(
                f"on {node} the value of {key} reads back different from what was set",
                "check the options escapes and property_keys",
            )
        if wanted[token] and not store.values.get(token):
            raise ApplianceError(
                f"on {node} no value reads back for {token}", "check the keys in property_keys"
            )
        self.stores[node] = store

    def _restart(self, due: list[str], restarted: list[str]) -> None:
        for node in due:
            restarted.append(node)
            self.plugin.restart(node)
            if self._store(node).of(self.keys.values()) != self.stores[node].of(self.keys.values()):
                self._refuse_concurrent_change(node)

    def _refuse_concurrent_change(self, node: str) -> NoReturn:
        """Leave the node unchanged. The copies on other nodes make the next task continue there."""
        self._forget_backups([node])
        raise ConcurrentChange(
            f"on {node} the settings are neither the old nor the new ones, as if an operator had applied "
            "others in the Console, so nothing was rolled back",
            "check the module in the Console, and run again",
        )

    def _roll_back(self, begun: list[str], restarted: list[str], error: ApplianceError) -> NoReturn:
        """Restore the previous settings, and raise the error that required it, with the result."""
        path, backup = words(self.store_path), words(self.store_path + BACKUP)
        try:
            for node in begun:
                restored = f"[ ! -e {backup} ] || {{ cat {backup} > {path}; }}"
                self.nodes.done(node, "restoring the settings", restored)
                if node in restarted:
                    self.plugin.restart(node)
            self._forget_backups(begun)
        except ApplianceError as failed:
            error.why += f", and the rollback failed too ({failed.why})"
            error.remedy = (
                f"check the module in the Console; the previous settings are in {self.store_path}{BACKUP}"
            )
            raise error from None
        if begun:
            plugin = "the plugin runs with them" if restarted else "the plugin was not restarted"
            error.why += f", so the previous settings were restored, and {plugin}"
        raise error

    def _forget_backups(self, nodes: list[str]) -> None:
        for node in nodes:
            self.nodes.done(node, "removing the copy", words("rm", "-f", self.store_path + BACKUP))


def _refuse_unprintable(wanted: Mapping[str, str]) -> None:
    for key, value in wanted.items():
        if not value.isascii() or not value.isprintable():
            raise Unsupported(
                f"the value for {key} has characters beyond printable ASCII, never observed in a store",
                "use printable ASCII",
            )
