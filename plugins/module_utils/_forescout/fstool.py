# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Forescout platform by commands on it: ``fstool``, and the file in which it keeps settings.

``fstool PLUGIN set_property KEY VALUE`` and one restart is how other plugins are set (documented for some,
observed for one). That this module's plugin can be set so is an assumption, and nobody publishes its name or
keys: both come from the task. Every node has a store of its own.
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

BACKUP = ".defender_iot_backup"
NO_ADDRESS = "(no IP address)"
VERSION = re.compile(r"^\s*Version\s*:\s*((\d+)(?:\.\d+)*)", re.MULTILINE)
# Joins lines that go on, and prints what stands before the separator: values never leave the platform.
KEY_NAMES = [
    *("sed", "-n", "-e", ":a", "-e", r"/\\$/{N;s/\\\n//;ta", "-e", "}"),
    *("-e", r"s/^[[:space:]]*\([A-Za-z0-9_.-]\{1,\}\)[[:space:]]*[=:].*/\1/p"),
]


@dataclass(frozen=True)
class Store:
    """What one node keeps for the plugin; ``interrupted`` says that an earlier task did not finish there."""

    interrupted: bool
    text: str = field(repr=False)
    values: Mapping[str, str] = field(repr=False)

    def of(self, keys: Iterable[str]) -> dict[str, str | None]:
        """Return the values of some keys, None for one that was never set."""
        return {key: self.values.get(key) for key in keys}


class ChangedMeanwhile(ApplianceError):
    """Somebody else wrote the store, so putting back what was there before would undo their work."""


class Fstool(Appliance):
    """The verbs on one platform. Nothing is written until the stores of all nodes have been read."""

    def __init__(self, shell: Shell, params: Mapping[str, Any]) -> None:
        """Take the shell of the host that the task is about, and the validated options."""
        self.nodes = Nodes(shell, params)
        self.plugin = Plugin(self.nodes, params)
        self.folder = f"{params['install_path']}/plugin"
        self.keys: dict[str, str] = dict(params["property_keys"] or {})
        self.address = params.get("server_address")
        self.escapes = str(params["escapes"])
        self.shows_token = params.get("token_compare") == "plain"
        self.token_by_file = params.get("token_delivery") == "file"
        self.needs_keys = not params.get("create_keys", True)
        self.stores: dict[str, Store] = {}

    # --- verbs ----------------------------------------------------------------------------------------------

    def read(self, resource: Resource, key: Any) -> dict[str, Any]:
        """Return the settings; addresses that differ from node to node are returned as one text."""
        nodes = list(self.stores) or self.plugin.participants()
        self.stores = {node: self._store(node) for node in nodes}
        if self.needs_keys:
            self._refuse_unknown_keys()
        name = self.keys["server_address"]
        addresses = {node: self._shown(store.values.get(name, "")) for node, store in self.stores.items()}
        if len(set(addresses.values())) == 1:
            return {"server_address": next(iter(addresses.values()))}
        return {
            "server_address": ", ".join(
                f"{value or 'nothing'} on {node}" for node, value in addresses.items()
            )
        }

    def table(self, resource: Resource) -> list[dict[str, Any]]:
        """Return every plugin, whether it is enabled, and of the one that the task names also its keys."""
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
        """Compare a token with what the nodes keep, None where it may be the same in another form."""
        tokens = [store.values.get(self.keys[option]) for store in self.stores.values()]
        if any(store.interrupted for store in self.stores.values()) or not all(tokens):
            return False
        if all(each == value for each in tokens):
            return True
        return False if self.shows_token else None

    def update(self, resource: Resource, key: Any, body: Mapping[str, Any]) -> None:
        """Write the settings on every node that has others, restart the plugin once there, or undo it all."""
        wanted = {self.keys[option]: str(value) for option, value in body.items()}
        _refuse_unprintable(wanted)
        due = [node for node in self.stores if self._is_due(node, wanted)]
        begun: list[str] = []
        restarted: list[str] = []
        try:
            self._write(due, wanted, begun)
            self._restart(due, restarted)
        except ChangedMeanwhile:  # What is there now is not ours to undo.
            raise
        except ApplianceError as error:
            self._roll_back(begun, restarted, error)
        self._forget_backups(due)

    def running(self) -> bool | None:
        """Say whether the plugin runs on every node that was read, None where that is unknown."""
        states = {self.plugin.runs(node) for node in self.stores}
        return False if False in states else (None if None in states else True)

    # --- reading --------------------------------------------------------------------------------------------

    def _key_names(self) -> list[str]:
        path = words(self.store_path)
        script = f"[ ! -e {path} ] || {words(*KEY_NAMES)} {path}"
        return sorted(set(self.nodes.done(EM, "listing the properties", script).out.split()))

    def _shown(self, address: str) -> str:
        """Return an address as it is, and hide what is none: the keys may be the wrong way round."""
        return address if address in ("", self.address) or is_address(address) else NO_ADDRESS

    def _store(self, node: str) -> Store:
        path, backup = words(self.store_path), words(self.store_path + BACKUP)
        marked = f"if [ -e {backup} ]; then echo interrupted; else echo whole; fi"
        answer = self.nodes.done(node, "reading the settings", f"{marked}; [ ! -e {path} ] || cat {path}")
        mark, _newline, text = answer.out.partition("\n")
        return Store(mark.strip() == "interrupted", text, parsed(text, self._is_escaped()))

    def _is_escaped(self) -> bool:
        """Say how the files are written: as the task says, or as was observed on the version that runs."""
        if self.escapes == "auto" and self.version is None:
            command = self.nodes.call("version")
            found = VERSION.search(self.nodes.done(EM, "asking for the version", command).out)
            if not found:
                raise Unsupported(
                    f"{self.nodes.fstool_path} version names no version: set escapes to java or to raw"
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
                    f'on {node} the plugin "{self.plugin.name}" has no property {" and ".join(missing)}: '
                    "apply the module's settings once in the Console and look with forescout_module_info "
                    "and discover, or set create_keys if the keys are certain"
                )

    @property
    def store_path(self) -> str:
        """The file in which a node keeps the plugin's properties."""
        return f"{self.folder}/{self.plugin.name}/local.properties"

    # --- writing --------------------------------------------------------------------------------------------

    def _is_due(self, node: str, wanted: Mapping[str, str]) -> bool:
        """Say whether a node has to be written. Raises where it is not any more as the plan found it."""
        store = self._store(node)
        if store.of(wanted) != self.stores[node].of(wanted):
            raise ApplianceError(
                f"on {node} somebody changed the settings while this task looked at them, so nothing was "
                "changed; run again"
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
        """Copy the store for its owner's eyes only; a copy that an interrupted task left is the older one."""
        path, backup = words(self.store_path), words(self.store_path + BACKUP)
        copied = f"{{ [ ! -e {path} ] || cat {path}; }} > {backup}.new && mv {backup}.new {backup}"
        self.nodes.done(node, "saving the settings", f"umask 077; [ -e {backup} ] || {{ {copied}; }}")

    def _give_secret(self, node: str, key: str, value: str) -> None:
        """Feed a secret to the node by the command's input, which stands in no process list or history."""
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
        """Compare what the store has now, as far as it shows it."""
        store = self._store(node)
        address, token = self.keys["server_address"], self.keys["access_token"]
        for key in [address, *([token] if self.shows_token else [])]:
            if store.values.get(key) == wanted[key]:
                continue
            if store.values.get(key) != before[key]:
                self._changed_meanwhile(node)
            raise ApplianceError(f"on {node} the value of {key} reads back different from what was set")
        if not store.values.get(token):
            raise ApplianceError(f"on {node} nothing reads back for {token}")
        self.stores[node] = store

    def _restart(self, due: list[str], restarted: list[str]) -> None:
        for node in due:
            restarted.append(node)
            self.plugin.restart(node)
            if self._store(node).of(self.keys.values()) != self.stores[node].of(self.keys.values()):
                self._changed_meanwhile(node)

    def _changed_meanwhile(self, node: str) -> NoReturn:
        """Leave the node as it is; copies on the others tell the next task to go on there."""
        self._forget_backups([node])
        raise ChangedMeanwhile(
            f"on {node} the settings are neither the old ones nor those that were written: somebody may have "
            "applied others in the Console meanwhile, so nothing was rolled back; look there, and run again"
        )

    def _roll_back(self, begun: list[str], restarted: list[str], error: ApplianceError) -> NoReturn:
        """Put back what was there, and say so; the error that made it necessary comes first."""
        path, backup = words(self.store_path), words(self.store_path + BACKUP)
        try:
            for node in begun:
                restored = f"[ ! -e {backup} ] || {{ cat {backup} > {path}; }}"
                self.nodes.done(node, "putting the settings back", restored)
                if node in restarted:
                    self.plugin.restart(node)
            self._forget_backups(begun)
        except ApplianceError as failed:
            error.why += f"; rolling back failed too ({failed.reason})"
            error.remedy = (
                f"check the module in the Console; the previous settings are in {self.store_path}{BACKUP}"
            )
            raise error from None
        if begun:
            error.why += "; the previous settings were put back" + (
                " and the plugin runs with them" if restarted else " and the plugin was not restarted"
            )
        raise error

    def _forget_backups(self, nodes: list[str]) -> None:
        for node in nodes:
            self.nodes.done(node, "removing the copy", words("rm", "-f", self.store_path + BACKUP))


def _refuse_unprintable(wanted: Mapping[str, str]) -> None:
    for key, value in wanted.items():
        if not value.isascii() or not value.isprintable():
            raise Unsupported(
                f"the value for {key} has characters beyond printable ASCII, which were never seen in a store"
            )
