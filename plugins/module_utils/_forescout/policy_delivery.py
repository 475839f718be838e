# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delivers a policy's file: into a folder, for an import in the Console, or with ``fstool cliapi``.

``fstool cliapi policy import`` and ``remove`` were observed on version 8.5.2 by one third party. A refused
import exits with 0, so only the text counts. What an import does beside a policy of the same name is not
known, so a policy is replaced by removing and importing it, which is not atomic.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from .._engine.appliance import Appliance, Route
from .._engine.apply import apply
from .._engine.errors import (
    ApplianceError,
    Conflict,
    InvalidOptions,
    NotFound,
    Refused,
    attempting,
)
from .._engine.files import open_regular, overwrite_regular
from .._engine.resource import Resource
from .._engine.shell import CommandResult
from .._engine.task import Outcome, Task, difference, object_entry
from .._module.arguments import require
from .fstool_nodes import EM, Nodes
from .hosts import PROPERTY
from .policies import POLICY, read_policies
from .policy_file import ALLOWED_ACTIONS, PolicyFile, digest_of_file, overview, read_policy_file
from .policy_xml import LARGEST
from .web_api import WebApi

PREVIOUS = ".previous"
LAST_IMPORT = "the file that was imported last, because no interface shows the policy itself"
COMPLETED = "Import policy completed"
REMOVED = re.compile(r"\bremoved\b", re.IGNORECASE)
FAILED = re.compile(r"\b(error|exception|fail(ed|ure)?|not)s?\b", re.IGNORECASE)
INTERVAL = 2
SHOWN = 160
# The file exists only while the command runs, and only its owner can read it.
UPLOAD = (
    "umask 077; folder=$(mktemp -d) || exit 1; trap 'rm -rf \"$folder\"' EXIT; trap 'exit 1' HUP INT TERM; "
    'cat > "$folder/policy.xml" || exit 1; {} "$folder/policy.xml"'
)

OPTIONS: dict[str, Any] = {
    "src": {"type": "path", "required": True},
    "dest": {"type": "path", "required": True},
    **POLICY.argument_spec(),
    "description": {"type": "str"},
    "conditions": {
        "type": "list",
        "elements": "dict",
        "options": {
            "label": {"type": "str", "required": True},
            "rule": {"type": "str"},
            "value": {"type": "str", "required": True},
        },
    },
    "mail": {
        "type": "dict",
        "options": {"to": {"type": "str"}, "subject": {"type": "str"}, "text": {"type": "str"}},
    },
    "group": {
        "type": "dict",
        "options": {"id": {"type": "str", "required": True}, "name": {"type": "str", "required": True}},
    },
    "ranges": {"type": "list", "elements": "str"},
    "enabled": {"type": "bool", "default": False},
    "actions": {"type": "str", "choices": ["disabled", "as_exported"], "default": "disabled"},
    "allowed_actions": {"type": "list", "elements": "str", "default": ALLOWED_ACTIONS},
    "wait": {"type": "int", "default": 60},
    "fstool_path": {"type": "str", "default": "fstool"},
}

TEXTS = (
    *("name", "description", "conditions.label", "conditions.rule", "conditions.value"),
    *("mail.subject", "mail.text", "group.name"),
)


def prepare_policy(params: dict[str, Any]) -> dict[str, Any]:
    """Read the export and set its values. Raises InvalidOptions."""
    is_by_fstool = params["transport"] == "fstool"
    if is_by_fstool:
        require(params, "url", "username")
    for option in ("timeout", "connect_timeout", "wait"):
        if not 1 <= params[option] <= 3600:
            raise InvalidOptions(f"{option} is {params[option]}", f"set {option} to 1 to 3600 seconds")
    for option in ("src", "dest"):
        if not Path(params[option]).is_absolute():
            raise InvalidOptions(
                f"{option} is the relative path {params[option]}",
                "begin the path with playbook_dir or inventory_dir",
            )
    if Path(params["src"]).resolve() == Path(params["dest"]).resolve():
        raise InvalidOptions("src and dest are the same file", "set dest to another file")
    given = {**params, "conditions": params["conditions"] or [], "ranges": params["ranges"] or []}
    if params["ranges"] == []:
        raise InvalidOptions("ranges is empty", "list networks, or leave it out to keep those of the export")
    file = read_policy_file(params["src"], given)
    return {
        **params,
        "name": file.name,
        "policy_file": file,
        "provenance": "observed" if is_by_fstool else "documented",
    }


class PolicyPlatform(Appliance):
    """A platform that is read by its Web API and written by ``fstool`` on its Enterprise Manager."""

    def __init__(self, nodes: Nodes, web: Appliance) -> None:
        self.nodes = nodes
        self.web = web

    def table(self, resource: Resource) -> list[dict[str, Any]]:
        return self.web.table(resource)

    def create(self, resource: Resource, key: Any, body: Mapping[str, Any]) -> None:
        """Import the file. Raises Refused if the platform refuses it; any other error proves nothing."""
        command = UPLOAD.format(self.nodes.call("cliapi", "policy", "import"))
        answer = self.nodes.run(EM, command, self.nodes.seconds, body["content"])
        if COMPLETED not in answer.out:
            _raise_failed(self.nodes, answer, "the import")

    def delete(self, resource: Resource, key: Any, raw: Mapping[str, Any] | None = None) -> None:
        """Remove a policy by its name. Raises ApplianceError unless the output says that it is removed."""
        answer = self.nodes.fstool(EM, "cliapi", "policy", "remove", str(key))
        if answer.code != 0 or not REMOVED.search(answer.out):
            _raise_failed(self.nodes, answer, "the removal")

    def close(self) -> None:
        self.web.close()


def _raise_failed(nodes: Nodes, answer: CommandResult, attempt: str) -> NoReturn:
    """Raise Refused for a command that says that it failed, and ApplianceError if it says nothing."""
    nodes.expect(EM, answer, attempt)
    if FAILED.search(answer.out + answer.err):
        raise Refused(f"{attempt} was refused ({answer.said[:SHOWN]})", "check the policy in the Console")
    raise ApplianceError(
        f"{attempt} ended without the text that reports success ({answer.said[:SHOWN]})",
        "check the policy in the Console",
    )


def connect_policies(params: dict[str, Any], route: Route) -> Appliance:
    """Return the platform for the task's transport. With ``manual`` nothing is contacted."""
    if params["transport"] == "manual":
        return Appliance()
    return PolicyPlatform(Nodes(route.shell(), params), WebApi(params))


def deliver(task: Task, outcome: Outcome) -> None:
    """Write the file, or import it if the platform has not the same policy."""
    file: PolicyFile = task.options["policy_file"]
    outcome.values.update(
        policy={"name": file.name, "digest": file.digest, "enabled": file.enabled, "rules": list(file.rules)},
        conditions=list(file.conditions),
        actions=list(file.actions),
    )
    if task.options["transport"] == "manual":
        _write_for_operator(task, outcome, file)
    else:
        _import_if_due(task, outcome, file)


# --- manual -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FileChange:
    """The new content of the file on the control node."""

    path: str
    content: bytes

    def foresee(self) -> None:
        """Write nothing."""

    def carry_out(self) -> None:
        _write(self.path, self.content)


def _keep_file(task: Task, outcome: Outcome, file: PolicyFile) -> None:
    path = task.options["dest"]
    old = _read(path)
    if old != file.content:
        outcome.changed = True
        outcome.diff = _difference(task, old, file, "the file that was written last")
        apply(task, FileChange(path, file.content))


def _write_for_operator(task: Task, outcome: Outcome, file: PolicyFile) -> None:
    _keep_file(task, outcome, file)
    outcome.objects = [
        object_entry(task, "unknown", {}, {}, previewable=False, reason="an operator imports the file")
    ]
    outcome.values["steps"] = _steps(task, file)


def _steps(task: Task, file: PolicyFile) -> list[str]:
    state = "enabled" if file.enabled else "disabled"
    enabled = sum(each["enabled"] for each in file.actions)
    return [
        f"Copy {task.options['dest']} to the computer with the Forescout Console of {task.host}.",
        f'In the Console, open the Policy view. If it has a policy "{file.name}", export it as a backup and '
        "delete it.",
        "Import the file with the Import button of the policy folder.",
        f'Check the scope, conditions and actions of "{file.name}". It arrives {state}, with {enabled} of '
        f"{len(file.actions)} actions enabled.",
        "Select Apply.",
    ]


def _difference(task: Task, old: bytes, file: PolicyFile, origin: str) -> dict[str, Any]:
    """Return a diff of two files. No interface shows the policy on the platform."""
    shown = difference(task, overview(old), overview(file.content))
    before = f"{shown['before_header']} ({origin if old else 'no file yet'})"
    return {**shown, "before_header": before}


def _digest(digest: str | None) -> dict[str, str]:
    return {"digest": digest} if digest else {}


# --- fstool -------------------------------------------------------------------------------------------------


def _import_if_due(task: Task, outcome: Outcome, file: PolicyFile) -> None:
    have = _existing(task, file)
    digest = have["digest"] if have else None
    if digest == file.digest:
        _keep_file(task, outcome, file)
        outcome.objects = [object_entry(task, "none", {}, {})]
        return
    with attempting(f"planning the import of {task.title}"):
        _refuse_missing_properties(task, file)
        old = _file_of(task, digest) if digest else None
    before, after = _digest(digest), _digest(file.digest)
    apply(task, PolicyChange(task, outcome, file, old))
    outcome.changed = True
    outcome.objects = [object_entry(task, "update" if digest else "create", before, after)]
    outcome.diff = _difference(task, (old or "").encode(), file, LAST_IMPORT)


def _existing(task: Task, file: PolicyFile) -> dict[str, Any] | None:
    """Return the policy that an earlier task imported. Raises Conflict for any other of this name."""
    found = [row for row in read_policies(task) if row["name"] == file.name]
    if len(found) > 1:
        raise Conflict(
            f'the platform has {len(found)} policies "{file.name}"', "delete all but one in the Console"
        )
    if found and found[0]["digest"] is None:
        raise Conflict(
            f'the platform has a policy "{file.name}" whose description has no digest of this collection',
            "set another name, or export the policy as a backup and delete it in the Console",
        )
    return found[0] if found else None


def _refuse_missing_properties(task: Task, file: PolicyFile) -> None:
    """Raise NotFound for properties of modules that the platform does not list. It may list no others."""
    with attempting("reading every host property"):
        known = {row.get("name") for row in task.appliance.table(PROPERTY)}
    missing = sorted(
        {each["property"] for each in file.conditions if each["module"] and each["property"] not in known}
    )
    if missing:
        raise NotFound(
            f"the platform has no property {' and '.join(missing)}, which the conditions need",
            "install the module, or export the policy on this platform",
        )


def _file_of(task: Task, digest: str) -> str:
    """Return the file that was imported last. Without it, a refused import could not be undone."""
    path = task.options["dest"]
    if digest_of_file(path) != digest:
        raise Conflict(
            f"the file imported last is not at {path}, so a refused import could not be undone",
            f"if another entry of the inventory has the policy {task.options['name']} too, give one of them "
            f"another name; otherwise put the file with the digest {digest} there, or delete the policy in "
            "the Console",
        )
    return _read(path).decode()


@dataclass(frozen=True)
class PolicyChange:
    """The import of a file. ``old`` is the content of the one that it replaces."""

    task: Task
    outcome: Outcome
    file: PolicyFile
    old: str | None

    def foresee(self) -> None:
        """Import nothing."""

    def carry_out(self) -> None:
        """Remove the old policy, import the new one, and wait until the Web API lists it."""
        task, path = self.task, self.task.options["dest"]
        if self.old is not None:
            _write(path + PREVIOUS, self.old.encode())
            with attempting(f"removing {task.title}"):
                task.appliance.delete(POLICY, self.file.name)
            self.outcome.changed = True
        with attempting(f"importing {task.title}"):
            self._import()
            self.outcome.changed = True
            _write(path, self.file.content)
            self._confirm()

    def _import(self) -> None:
        try:
            self.task.appliance.create(POLICY, self.file.name, {"content": self.file.content.decode()})
        except ApplianceError as error:
            # A lost connection does not end the command.
            if not isinstance(error, Refused) and self._has_arrived(error):
                return
            self._restore(error)

    def _has_arrived(self, error: ApplianceError) -> bool:
        """Return whether the import has worked. Raises its error if nothing can be read.

        Importing the old policy beside an unseen new one would leave two of one name.
        """
        try:
            return self._arrives()
        except ApplianceError as unread:
            error.why += f", and it is not known whether the policy is there, because {unread.why}"
            old = f"; if it is absent, import {self.task.options['dest']}{PREVIOUS}" if self.old else ""
            error.remedy = f'look for the policy "{self.file.name}" in the Console{old}'
            raise error from None

    def _restore(self, error: ApplianceError) -> NoReturn:
        """Import the old policy again, and raise the error with the result."""
        name = self.file.name
        if self.old is None:
            raise error
        try:
            self.task.appliance.create(POLICY, name, {"content": self.old})
        except ApplianceError as failed:
            error.why += (
                f', THE POLICY "{name}" IS ABSENT, and importing the old file failed too ({failed.why})'
            )
            error.remedy = f"import {self.task.options['dest']}{PREVIOUS} in the Console now"
        else:
            error.why += ", so the old policy was imported again"
        raise error

    def _confirm(self) -> None:
        if not self._arrives():
            raise ApplianceError(
                f"it was reported as completed, but the Web API does not list one policy with the digest "
                f"{self.file.digest} after {self.task.options['wait']} s",
                "check the policy and its description in the Console, or increase wait",
            )

    def _arrives(self) -> bool:
        """Return whether the Web API lists exactly this policy under its name, within the time limit."""
        end = time.monotonic() + self.task.options["wait"]
        while True:
            found = [row for row in read_policies(self.task) if row["name"] == self.file.name]
            if [row["digest"] for row in found] == [self.file.digest]:
                return True
            if time.monotonic() >= end:
                return False
            time.sleep(INTERVAL)


# --- files --------------------------------------------------------------------------------------------------


def _read(path: str) -> bytes:
    """Return a file of this collection, empty if there is none."""
    try:
        with open_regular(path) as file:
            return file.read(LARGEST + 1)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise Conflict(f"{path} cannot be read ({error.strerror})", "correct dest") from None


def _write(path: str, content: bytes) -> None:
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        overwrite_regular(path, content)
    except OSError as error:
        raise Conflict(f"{path} cannot be written ({error.strerror})", "correct dest") from None
