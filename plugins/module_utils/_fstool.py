# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Forescout platform by commands on it: ``fstool``, and the file in which it keeps settings.

``fstool PLUGIN set_property KEY VALUE`` and one restart is how other plugins are set (documented for some,
observed for one). That this module's plugin can be set so is an assumption, and nobody publishes its name or
keys: both come from the task. Every node has a store of its own. Private to this collection: may change at
any time.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ._appliance import Appliance
from ._errors import ApplianceError, NotFound, Unreachable, Unsupported
from ._properties import parsed, with_value
from ._resource import Resource
from ._shell import Ended, Shell, words

EM = "em"
ALL = "all"
BACKUP = ".defender_iot_backup"
POLL_SECONDS = 1.0
NO_ADDRESS = "(no IP address)"
# How the programs that run a command for us say that it did not come to its end.
TIMED_OUT, NOT_FOUND = 124, 127
# With 255 an SSH client says that it is not connected, but a Perl program that it died: they are kept apart.
LOST, DIED, NOT_CONNECTED = 255, 254, 253
STATE = re.compile(r"^\s*([\w.-]+)\s*=\s*(true|false)\s*$", re.MULTILINE)
VERSION = re.compile(r"^\s*Version\s*:\s*((\d+)(?:\.\d+)*)", re.MULTILINE)
NOT_RUNNING = re.compile(r"not running", re.IGNORECASE)
RUNNING = re.compile(r"\brunning\b", re.IGNORECASE)
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


def plugin_states(text: str) -> dict[str, bool]:
    """Return which plugins are enabled, from what ``fstool plugin NAME list`` prints."""
    return {name: state == "true" for name, state in STATE.findall(text)}


def by_node(text: str) -> dict[str, str]:
    """Split what ``fstool oneach`` prints by the addresses of the nodes.

    Two layouts were observed: each line begins with the address, or a line with the address comes first.
    """
    found: dict[str, list[str]] = {}
    node = ""
    for line in text.splitlines():
        address, colon, rest = line.strip().partition(": ")
        address = address if colon else address.rstrip(":")
        if _is_address(address) and (colon or line.rstrip().endswith(":")):
            node = address
            found.setdefault(node, []).extend([rest] if rest else [])
        elif node:
            found[node].append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class Fstool(Appliance):
    """The verbs on one platform. Nothing is written until the stores of all nodes have been read."""

    def __init__(self, shell: Shell, params: Mapping[str, Any]) -> None:
        """Take the shell of the host that the task is about, and the validated options."""
        self.shell = shell
        self.fstool = str(params["fstool_path"])
        self.folder = f"{params['install_path']}/plugin"
        self.plugin = str(params["plugin_name"] or "")
        self.keys: dict[str, str] = dict(params["property_keys"] or {})
        self.wanted_nodes: list[str] = params["nodes"]
        self.address = params.get("server_address")
        self.escapes = str(params["escapes"])
        self.seconds = int(params["timeout"])
        self.connect_seconds = int(params["connect_timeout"])
        self.restart_seconds = int(params.get("restart_timeout") or 0)
        self.shows_token = params.get("token_compare") == "plain"
        self.token_by_file = params.get("token_delivery") == "file"
        self.needs_keys = not params.get("create_keys", True)
        self.stores: dict[str, Store] = {}

    # --- verbs ----------------------------------------------------------------------------------------------

    def read(self, resource: Resource, key: Any) -> dict[str, Any]:
        """Return the settings; addresses that differ from node to node are told as one text."""
        nodes = list(self.stores) or self._participants()
        self.stores = {node: self._store(node) for node in nodes}
        if self.needs_keys:
            self._refuse_unknown_keys()
        name = self.keys["server_address"]
        held = {node: self._shown(store.values.get(name, "")) for node, store in self.stores.items()}
        if len(set(held.values())) == 1:
            return {"server_address": next(iter(held.values()))}
        return {
            "server_address": ", ".join(f"{value or 'nothing'} on {node}" for node, value in held.items())
        }

    def table(self, resource: Resource) -> list[dict[str, Any]]:
        """Return every plugin, whether it is enabled, and of the one that the task names also its keys."""
        command = words("find", self.folder, "-mindepth", "1", "-maxdepth", "1", "-type", "d")
        found = self._done(EM, "listing the plugins", command)
        names = sorted(line.rsplit("/", 1)[-1] for line in found.out.split())
        enabled = self._states(names)
        keys = self._key_names() if self.plugin else None
        return [
            {
                "name": name,
                "enabled": enabled.get(name, False),
                "property_keys": keys if name == self.plugin else None,
            }
            for name in names
        ]

    def holds(self, resource: Resource, option: str, value: str) -> bool | None:
        """Compare a token with what the nodes keep, None where it may be the same in another form."""
        held = [store.values.get(self.keys[option]) for store in self.stores.values()]
        if any(store.interrupted for store in self.stores.values()) or not all(held):
            return False
        if all(each == value for each in held):
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

    # --- reading --------------------------------------------------------------------------------------------

    def _participants(self) -> list[str]:
        """Return the nodes that the task is about, each proven to have the plugin enabled."""
        if self.wanted_nodes == [ALL]:
            return self._enabled_everywhere()
        for node in self.wanted_nodes:
            self._require_enabled(node, self._fstool(node, "plugin", self.plugin, "list"))
        return list(self.wanted_nodes)

    def _enabled_everywhere(self) -> list[str]:
        own = self._fstool(EM, "plugin", self.plugin, "list")
        command = words(self.fstool, "oneach", self.fstool, "plugin", self.plugin, "list")
        answer = self._done(EM, "asking every node", command)
        told = {EM: own.out, **by_node(answer.out)}
        silent = [node for node, text in told.items() if node != EM and not _answered(text)]
        if silent:
            raise Unreachable(
                f"fstool oneach got no answer from {' and '.join(silent)}, so nothing was changed; name "
                "the nodes to be set in nodes"
            )
        enabled = [node for node, text in told.items() if plugin_states(text).get(self.plugin)]
        if not enabled:
            self._require_enabled(EM, own)
        return enabled

    def _require_enabled(self, node: str, answer: Ended) -> None:
        states = plugin_states(answer.out)
        if not _answered(answer.out):
            self._expect(node, answer, "listing the plugins")
            raise ApplianceError(f"on {node} {self.fstool} lists no plugins: {answer.said}")
        if self.plugin not in states:
            raise NotFound(
                f'on {node} there is no plugin "{self.plugin}"; forescout_module_info with discover lists '
                "those that there are"
            )
        if not states[self.plugin]:
            raise Unsupported(
                f'on {node} the plugin "{self.plugin}" is not enabled; enable it in the Console'
            )

    def _states(self, names: list[str]) -> dict[str, bool]:
        """Ask which plugins are enabled; the question must name one that fstool knows."""
        for anchor in [self.plugin] if self.plugin else names:
            states = plugin_states(self._fstool(EM, "plugin", anchor, "list").out)
            if states:
                return states
        raise NotFound(
            f'on {EM} there is no plugin "{self.plugin}"; leave plugin_name out to list them'
            if self.plugin
            else f"{self.fstool} knows none of the plugins in {self.folder}"
        )

    def _key_names(self) -> list[str]:
        path = words(self._path(self.plugin))
        script = f"[ ! -e {path} ] || {words(*KEY_NAMES)} {path}"
        return sorted(set(self._done(EM, "listing the properties", script).out.split()))

    def _shown(self, address: str) -> str:
        """Return an address as it is, and hide what is none: the keys may be the wrong way round."""
        return address if address in ("", self.address) or _is_address(address) else NO_ADDRESS

    def _store(self, node: str) -> Store:
        path, backup = words(self._path(self.plugin)), words(self._path(self.plugin) + BACKUP)
        marked = f"if [ -e {backup} ]; then echo interrupted; else echo whole; fi"
        answer = self._done(node, "reading the settings", f"{marked}; [ ! -e {path} ] || cat {path}")
        mark, _newline, text = answer.out.partition("\n")
        return Store(mark.strip() == "interrupted", text, parsed(text, self._is_escaped()))

    def _is_escaped(self) -> bool:
        """Say how the files are written: as told, or as was observed on the version that runs."""
        if self.escapes == "auto" and self.version is None:
            command = words(self.fstool, "version")
            found = VERSION.search(self._done(EM, "asking for the version", command).out)
            if not found:
                raise Unsupported(f"{self.fstool} version names no version: set escapes to java or to raw")
            self.version = found[1]
        if self.escapes == "auto":
            return int(str(self.version).split(".", maxsplit=1)[0]) >= 9
        return self.escapes == "java"

    def _refuse_unknown_keys(self) -> None:
        for node, store in self.stores.items():
            missing = [key for key, value in store.of(self.keys.values()).items() if value is None]
            if missing:
                raise NotFound(
                    f'on {node} the plugin "{self.plugin}" has no property {" and ".join(missing)}: apply '
                    "the module's settings once in the Console and look with forescout_module_info and "
                    "discover, or set create_keys if the keys are certain"
                )

    def _path(self, plugin: str) -> str:
        return f"{self.folder}/{plugin}/local.properties"

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
                    self._expect(
                        node,
                        self._fstool(node, self.plugin, "set_property", key, wanted[key]),
                        "set_property",
                    )
            self._read_back(node, before, wanted)

    def _back_up(self, node: str) -> None:
        """Copy the store for its owner's eyes only; a copy that an interrupted task left is the older one."""
        path, backup = words(self._path(self.plugin)), words(self._path(self.plugin) + BACKUP)
        copied = f"{{ [ ! -e {path} ] || cat {path}; }} > {backup}.new && mv {backup}.new {backup}"
        self._done(node, "saving the settings", f"umask 077; [ -e {backup} ] || {{ {copied}; }}")

    def _give_secret(self, node: str, key: str, value: str) -> None:
        """Feed a secret to the node by the command's input, which stands in no process list or history."""
        if self.token_by_file:
            text = with_value(self._store(node).text, key, value, self._is_escaped())
            self._done(node, "writing the token", f"cat > {words(self._path(self.plugin))}", stdin=text)
            return
        setting = words(self.fstool, self.plugin, "set_property", key)
        script = f'IFS= read -r value && exec {setting} "$value"'
        self._expect(node, self._run(node, script, self.seconds, value + "\n"), "set_property")

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
            self._start_again(node)
            if self._store(node).of(self.keys.values()) != self.stores[node].of(self.keys.values()):
                self._changed_meanwhile(node)

    def _changed_meanwhile(self, node: str) -> NoReturn:
        """Leave the node as it is; copies on the others tell the next task to go on there."""
        self._forget_backups([node])
        raise ChangedMeanwhile(
            f"on {node} the settings are neither the old ones nor those that were written: somebody may have "
            "applied others in the Console meanwhile, so nothing was rolled back; look there, and run again"
        )

    def _start_again(self, node: str) -> None:
        """Restart the plugin once and wait until it runs."""
        command = words(self.fstool, self.plugin, "restart")
        self._expect(node, self._run(node, command, self.restart_seconds), f'restarting "{self.plugin}"')
        deadline = time.monotonic() + self.restart_seconds
        while not _runs(answer := self._status(node)):
            if time.monotonic() > deadline:
                raise ApplianceError(
                    f'on {node} the plugin "{self.plugin}" does not run {self.restart_seconds} seconds after '
                    f"its restart: {answer.said}"
                )
            time.sleep(POLL_SECONDS)

    def _status(self, node: str) -> Ended:
        """Ask in both ways that were observed; which one a plugin understands is not known."""
        first = words(self.fstool, self.plugin, "status")
        second = words(self.fstool, "plugin", self.plugin, "status")
        return self._run(node, f"{first} || {second}", self.seconds)

    def _roll_back(self, begun: list[str], restarted: list[str], error: ApplianceError) -> NoReturn:
        """Put back what was there, and say so; the error that made it necessary comes first."""
        path, backup = words(self._path(self.plugin)), words(self._path(self.plugin) + BACKUP)
        try:
            for node in begun:
                restored = f"[ ! -e {backup} ] || {{ cat {backup} > {path}; }}"
                self._done(node, "putting the settings back", restored)
                if node in restarted:
                    self._start_again(node)
            self._forget_backups(begun)
        except ApplianceError as failed:
            error.reason += (
                f"; rolling back failed too ({failed.reason}), so look at the module in the Console: the "
                f"previous settings are in {self._path(self.plugin)}{BACKUP}"
            )
            raise error from None
        if begun:
            error.reason += "; the previous settings were put back" + (
                " and the plugin runs with them" if restarted else " and the plugin was not restarted"
            )
        raise error

    def _forget_backups(self, nodes: list[str]) -> None:
        for node in nodes:
            self._done(node, "removing the copy", words("rm", "-f", self._path(self.plugin) + BACKUP))

    # --- commands -------------------------------------------------------------------------------------------

    def _fstool(self, node: str, *arguments: str) -> Ended:
        return self._run(node, words(self.fstool, *arguments), self.seconds)

    def _done(self, node: str, attempt: str, script: str, stdin: str = "") -> Ended:
        answer = self._run(node, script, self.seconds, stdin)
        self._expect(node, answer, attempt)
        return answer

    def _run(self, node: str, script: str, seconds: int, stdin: str = "") -> Ended:
        """Run a script on a node. Raises ApplianceError where it did not come to its own end."""
        command, as_code = words("sh", "-c", script), DIED
        if node != EM:
            options = f"-o BatchMode=yes -o ConnectTimeout={self.connect_seconds}"
            command, as_code = f"ssh {options} {words(node, _without_lost(command, DIED))}", NOT_CONNECTED
        answer = self.shell.run(_without_lost(f"timeout {seconds} {command}", as_code), stdin)
        if answer.code == TIMED_OUT:
            raise Unreachable(f"{node} did not come to an end with a command within {seconds} seconds")
        if answer.code == NOT_CONNECTED and node != EM:
            raise Unreachable(
                f"the platform's own ssh did not reach {node} ({answer.said}); or make {node} an "
                "inventory host of its own"
            )
        return answer

    def _expect(self, node: str, answer: Ended, attempt: str) -> None:
        if answer.code == NOT_FOUND:
            raise Unsupported(
                f"on {node} a command was not found ({answer.said}): is this a Forescout platform, and is "
                "fstool_path right?"
            )
        if answer.code != 0:
            raise ApplianceError(f"on {node} {attempt} ended with {answer.code}: {answer.said}")


def _without_lost(command: str, code: int) -> str:
    """Return a command line that never ends with the code of a lost connection."""
    return f"{command}; code=$?; [ $code -ne {LOST} ] || code={code}; exit $code"


def _answered(text: str) -> bool:
    return bool(plugin_states(text)) or "does not exist" in text


def _runs(answer: Ended) -> bool:
    return bool(RUNNING.search(answer.out)) and not NOT_RUNNING.search(answer.out)


def _refuse_unprintable(wanted: Mapping[str, str]) -> None:
    for key, value in wanted.items():
        if not value.isascii() or not value.isprintable():
            raise Unsupported(
                f"the value for {key} has characters beyond printable ASCII, which were never seen in a store"
            )
