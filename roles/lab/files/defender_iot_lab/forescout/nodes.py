# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of a mock Forescout and the `fstool` of each.

Each node has its own store, which the plugin reads when it restarts. Wordings and layouts follow published
observations of other plugins. Unpublished behaviour has a switch.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Protocol

from ..core.options import switch
from .policies import Policies, Result

EM = "em"
INSTALL_PATH = "usr/local/forescout"
MANAGED = ("203.0.113.201", "203.0.113.202")
OTHER_PLUGINS = {"dot1x": True, "sw": True, "syslog": False}
ENCRYPTED = "enc:"
# An unrelated property, with characters that Java escapes.
NOTE = "Zürich: a=b"
ABSENT_PLUGIN = "Plugin {} does not exist"
ESCAPED = str.maketrans({character: "\\" + character for character in "\\:=#!"})


@dataclass(frozen=True)
class FstoolOptions:
    """Switches of the nodes.

    version: the version that `fstool version` prints; it decides how stores are escaped (both observed).
    plugin_enabled: whether the module's plugin is enabled on the Enterprise Manager.
    enabled_on: the appliances on which the plugin is enabled.
    applied_once: whether the Console has ever written the two properties.
    unknown_keys: whether a property that the plugin does not know is accepted; unknown on real platforms.
    token_storage: form of the stored token; unknown. With `preencrypted`, a plain one breaks the plugin.
    oneach_layout: layout of `oneach`; both were observed.
    dead_node, dead_in_oneach: an appliance that is down, and whether `oneach` reports it; unknown.
    slow_node, slow_seconds: an appliance whose `fstool` is slow.
    status_wording: wording of the status; both were observed. With `up`, only `fstool plugin NAME status`
        prints one.
    bad_restarts, restart_goes: number of the next restarts that fail, and how they fail.
    restart_seconds: duration of a restart.
    ignores_settings: whether `set_property` reports success and keeps the old value.
    apply_meanwhile: after the next such `fstool` command, an operator applies other settings in the Console;
        for `set_property`, the command that sets the token.
    root_login: whether the SSH user may run `fstool` without sudo.
    sudo_asks: whether sudo requires a password, which is that of the platform's account.
    """

    version: str = switch("9.1.5", "8.5.2")
    plugin_enabled: bool = switch(True, False)
    enabled_on: tuple[str, ...] | list[str] = MANAGED
    applied_once: bool = switch(True, False)
    unknown_keys: str = switch("accepted", "rejected")
    token_storage: str = switch("plain", "encrypted", "preencrypted")
    oneach_layout: str = switch("prefixed", "headed")
    dead_node: str = switch("", *MANAGED)
    dead_in_oneach: str = switch("reported", "left_out")
    slow_node: str = switch("", EM, *MANAGED)
    slow_seconds: float = 11
    status_wording: str = switch("pid", "up")
    bad_restarts: int = 0
    restart_goes: str = switch("fails", "never_ready")
    restart_seconds: float = 0
    ignores_settings: bool = switch(False, True)
    apply_meanwhile: str = switch("never", "version", "set_property", "restart")
    root_login: bool = switch(True, False)
    sudo_asks: bool = switch(False, True)


class Platform(Protocol):
    """The part of the platform that its nodes use."""

    options: Any
    credentials: dict[str, str]
    policies: Policies

    def settings_live(self, server_address: str, access_token: str) -> None:
        """Apply the settings that the plugin of the polling node now uses."""

    def note_secret(self, value: str) -> str:
        """Record a secret that the platform received, and return it."""


@dataclass
class Node:
    """One node: its folder, the state of the plugin, and the recorded commands."""

    name: str
    folder: Path
    runs: bool = True
    restarts: int = 0
    live: dict[str, str] = field(default_factory=dict)
    calls: list[list[str]] = field(default_factory=list)


class Nodes:
    """An Enterprise Manager and its managed appliances."""

    def __init__(self, folder: Path, seed: str, platform: Platform) -> None:
        """Generate the plugin's name, its keys and the files of every node."""
        random = Random(seed)
        self.folder = folder
        self.platform = platform
        self.plugin = f"plugin_{random.randrange(1000, 10000)}"
        numbers = random.sample(range(1000, 10000), 2)
        self.address_key, self.token_key = (f"config.field_{number}.value" for number in numbers)
        self.reset()

    @property
    def keys(self) -> dict[str, str]:
        """The property keys of the two settings."""
        return {"server_address": self.address_key, "access_token": self.token_key}

    def reset(self) -> None:
        """Restore the initial files of every node."""
        self.nodes = {name: Node(name, self.folder / name) for name in (EM, *MANAGED)}
        self.bad_restarts = 0
        self.apply_after = "never"
        for node in self.nodes.values():
            shutil.rmtree(node.folder, ignore_errors=True)
            for plugin in (self.plugin, *OTHER_PLUGINS):
                self.store(node, plugin).parent.mkdir(parents=True)
        self._fill_stores()
        self.options_changed()

    def options_changed(self) -> None:
        """Apply the switches for coming commands and for files."""
        options = self.platform.options
        self.bad_restarts = options.bad_restarts
        self.apply_after = options.apply_meanwhile
        if (options.applied_once, options.version) != self.filled_as:
            self._fill_stores()
        for node in self.nodes.values():
            (node.folder / "dead").unlink(missing_ok=True)
            if node.name == options.dead_node:
                (node.folder / "dead").touch()
        (self.folder / "sudo_password").unlink(missing_ok=True)
        if options.sudo_asks:
            (self.folder / "sudo_password").write_text(self.platform.credentials["password"])

    def _fill_stores(self) -> None:
        options = self.platform.options
        self.filled_as = (options.applied_once, options.version)
        note = _escaped(NOTE) if self._escapes() else NOTE
        for node in self.nodes.values():
            for plugin in (self.plugin, *OTHER_PLUGINS):
                text = f"# Properties\nconf.debug.until=0\nconf.note={note}\n"
                self.store(node, plugin).write_text(text, encoding="utf-8")
        if options.applied_once:
            self.apply("", "")

    def state(self) -> dict[str, Any]:
        """Return the store, the plugin's state and the recorded commands of every node."""
        return {
            node.name: {
                "store": self._read(node),
                "live": node.live,
                "runs": node.runs,
                "restarts": node.restarts,
                "calls": node.calls,
                "files": sorted(path.name for path in self.store(node, self.plugin).parent.iterdir()),
            }
            for node in self.nodes.values()
        }

    def apply(self, server_address: str, access_token: str) -> None:
        """Apply settings as the Console does: write them on all nodes, where the plugin uses them at once."""
        for node in self.nodes.values():
            self._write(node, self.address_key, server_address)
            self._write(node, self.token_key, self._encrypted(access_token))
            node.live = self._read(node)

    def store(self, node: Node, plugin: str) -> Path:
        """Return the properties file of a plugin on a node."""
        return node.folder / INSTALL_PATH / "plugin" / plugin / "local.properties"

    # --- fstool ---------------------------------------------------------------------------------------------

    async def fstool(self, name: str, arguments: list[str], is_root: bool) -> Result:
        """Run one command on a node. Return its output and exit code."""
        node, options = self.nodes[name], self.platform.options
        node.calls.append(arguments)
        if not (is_root or options.root_login):
            return "fstool: must be run as root", 1
        if name == options.slow_node:
            await asyncio.sleep(options.slow_seconds)
        answer = await self._answer(node, arguments)
        self._apply_meanwhile(arguments)
        return answer

    async def _answer(self, node: Node, arguments: list[str]) -> Result:
        options = self.platform.options
        match arguments:
            case ["version"]:
                return f"Forescout\nVersion : {options.version}\nFIPS mode : disabled", 0
            case ["cliapi", "policy", *rest] if options.cliapi and node.name == EM:
                return await self.platform.policies.cliapi(rest)
            case ["npstats"]:
                # Only the nodes that evaluate policies have numbers. Here, it is the first appliance.
                return self.platform.policies.npstats() if node.name == MANAGED[0] else "", 0
            case ["oneach", "fstool", *rest]:
                return await self._on_each(rest)
            case ["plugin", plugin, "list"] if self._has(plugin):
                return "\n".join(f"{p}={str(on).lower()}" for p, on in self._enabled(node).items()), 0
            case ["plugin", plugin, *_] | [plugin, *_] if not self._has(plugin):
                return ABSENT_PLUGIN.format(plugin), 1
            case [plugin, "set_property", key, value]:
                return self._set(node, plugin, key, value)
            case [plugin, "restart"]:
                return await self._restart(node, plugin)
            case [plugin, "status"] if options.status_wording == "pid":
                return self._status(node, plugin)
            case ["plugin", plugin, "status"]:
                return self._status(node, plugin)
        return "Unknown command", 2

    def _has(self, plugin: str) -> bool:
        return plugin == self.plugin or plugin in OTHER_PLUGINS

    def _enabled(self, node: Node) -> dict[str, bool]:
        options = self.platform.options
        ours = options.plugin_enabled if node.name == EM else node.name in options.enabled_on
        return {**OTHER_PLUGINS, self.plugin: ours}

    async def _on_each(self, arguments: list[str]) -> Result:
        options = self.platform.options
        parts: list[str] = []
        for name in MANAGED:
            if name == options.dead_node:
                if options.dead_in_oneach == "reported":
                    parts += self._laid_out(name, f"ssh: connect to host {name} port 22: No route to host")
                continue
            output = (await self.fstool(name, arguments, is_root=True))[0]
            parts += [*self._laid_out(name, output), "Done in 1 seconds"]
        return "\n".join([*parts, "Done all in 2 seconds"]), 0

    def _laid_out(self, name: str, output: str) -> list[str]:
        lines = output.splitlines()
        if self.platform.options.oneach_layout == "headed":
            return [f"{name}:", *lines]
        return [f"{name}: {line}" for line in lines]

    def _set(self, node: Node, plugin: str, key: str, value: str) -> Result:
        options = self.platform.options
        if options.unknown_keys == "rejected" and key not in self.keys.values():
            return f"Unknown property {key}", 1
        if plugin == self.plugin and not options.ignores_settings:
            kept = self._encrypted(self.platform.note_secret(value)) if key == self.token_key else value
            self._write(node, key, kept)
        return "", 0

    def _apply_meanwhile(self, arguments: list[str]) -> None:
        """Simulate, once, an operator who applies settings in the Console."""
        is_token = "set_property" not in arguments or self.token_key in arguments
        if self.apply_after in arguments and is_token:
            self.apply_after = "never"
            self.apply("192.0.2.99", self.platform.note_secret("token-of-another-operator"))

    async def _restart(self, node: Node, plugin: str) -> Result:
        options = self.platform.options
        node.restarts += 1
        node.runs = False
        await asyncio.sleep(options.restart_seconds)
        if self.bad_restarts:
            self.bad_restarts -= 1
            failed = options.restart_goes == "fails"
            return ("Failed to start.", 1) if failed else ("Done starting.", 0)
        node.live = self._read(node)
        token = self._token(node.live.get(self.token_key, ""))
        node.runs = token is not None
        if node.name == EM and token is not None:
            self.platform.settings_live(node.live.get(self.address_key, ""), token)
        return f"Stopping {plugin}.\nDone starting {plugin}.", 0

    def _status(self, node: Node, plugin: str) -> Result:
        if self.platform.options.status_wording == "up":
            return ("Plugin is up and running", 0) if node.runs else (f"Error: {plugin}: not running.", 1)
        if node.runs:
            return f"{plugin} plugin (pid 4242) is running for 00:00:07.", 0
        return f"{plugin} plugin is not running.", 1

    # --- the token ------------------------------------------------------------------------------------------

    def _encrypted(self, token: str) -> str:
        return encrypted(token) if self.platform.options.token_storage == "encrypted" and token else token

    def _token(self, kept: str) -> str | None:
        """Return the token of a stored value, None if the plugin cannot read it."""
        if self.platform.options.token_storage == "plain" or not kept:
            return kept
        if not kept.startswith(ENCRYPTED):
            return None
        return base64.b64decode(kept.removeprefix(ENCRYPTED)).decode()

    # --- files ----------------------------------------------------------------------------------------------

    def _read(self, node: Node) -> dict[str, str]:
        pairs: Iterator[list[str]] = (line.split("=", 1) for line in self._lines(node) if "=" in line)
        unescaped: Callable[[str], str] = _unescaped if self._escapes() else str
        return {key: unescaped(value) for key, value in pairs}

    def _write(self, node: Node, key: str, value: str) -> None:
        written = _escaped(value) if self._escapes() else value
        kept = [line for line in self._lines(node) if line.split("=", 1)[0] != key]
        text = "".join(f"{line}\n" for line in [*kept, f"{key}={written}"])
        self.store(node, self.plugin).write_text(text, encoding="utf-8")

    def _lines(self, node: Node) -> list[str]:
        """Return the lines of a store, including a carriage return that a client wrote."""
        return self.store(node, self.plugin).read_bytes().decode().removesuffix("\n").split("\n")

    def _escapes(self) -> bool:
        return str(self.platform.options.version) >= "9"


def encrypted(token: str) -> str:
    """Return a token in the form in which a platform with encrypted storage might store it."""
    return ENCRYPTED + base64.b64encode(token.encode()).decode()


def _escaped(text: str) -> str:
    """Escape a value as Java does: a backslash preserves a leading space."""
    escaped = ("\\" if text.startswith(" ") else "") + text.translate(ESCAPED)
    return "".join(character if character.isascii() else f"\\u{ord(character):04X}" for character in escaped)


def _unescaped(text: str) -> str:
    plain: list[str] = []
    characters: Iterator[str] = iter(text)
    for character in characters:
        plain.append(_unescaped_character(characters) if character == "\\" else character)
    return "".join(plain)


def _unescaped_character(characters: Iterator[str]) -> str:
    """Return the character that the characters after a backslash encode."""
    first = next(characters, "")
    return chr(int("".join(islice(characters, 4)), 16)) if first == "u" else first


def state_of(nodes: Nodes | None) -> Mapping[str, Any]:
    """Return the state of the nodes, empty without nodes."""
    return nodes.state() if nodes else {}
