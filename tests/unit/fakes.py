# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An appliance, a keeper and a wire in memory. Each writes down what was done to it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ansible_collections.otsec.defender_iot.plugins.module_utils._appliance import Appliance
from ansible_collections.otsec.defender_iot.plugins.module_utils._http import Answer
from ansible_collections.otsec.defender_iot.plugins.module_utils._secrets import Secret, fingerprint

REF = "vault_file:/srv/secrets/x"
SALT = "0123456789abcdef"


def mark(value: str) -> str:
    """Return the fingerprint of a value that a memory keeper holds."""
    return fingerprint(SALT, value)


class MemoryAppliance(Appliance):
    """Holds raw objects by key. Merges updates like a real one. A write in check mode is a failed test.

    ``errors`` maps a verb to what it raises; ``keeps`` is left on the object by a write, whatever was sent.
    """

    def __init__(
        self,
        objects: Mapping[Any, Mapping[str, Any]] | None = None,
        *,
        check_mode: bool = False,
        events: list[str] | None = None,
        errors: Mapping[str, Exception] | None = None,
        keeps: Mapping[str, Any] | None = None,
        mints: str = "minted-value",
        verdict: str = "valid",
    ) -> None:
        self.objects = copy.deepcopy(dict(objects or {}))
        self.check_mode = check_mode
        self.events = [] if events is None else events
        self.bodies: list[Any] = []
        self.errors = errors or {}
        self.keeps = keeps or {}
        self.mints = mints
        self.verdict = verdict

    def read(self, resource: Any, key: Any) -> Any:
        self._note("read")
        return copy.deepcopy(self.objects.get(key))

    def table(self, resource: Any) -> Any:
        self._note("table")
        return copy.deepcopy(list(self.objects.values()))

    def create(self, resource: Any, key: Any, body: Any) -> None:
        self._write("create", body)
        self.objects[key] = {**copy.deepcopy(body), **self.keeps}

    def update(self, resource: Any, key: Any, body: Any) -> None:
        self._write("update", body)
        self.objects[key] = {**self.objects[key], **copy.deepcopy(body), **self.keeps}

    def delete(self, resource: Any, key: Any) -> None:
        self._write("delete")
        del self.objects[key]

    def mint(self, resource: Any, key: Any) -> str:
        self._write("mint")
        return self.mints

    def probe(self, resource: Any, key: Any, secret: str) -> tuple[str, int | None]:
        self._note("probe")
        return self.verdict, {"valid": 200, "invalid": 401}.get(self.verdict)

    def _write(self, verb: str, body: Any = None) -> None:
        assert not self.check_mode, f"{verb} in check mode"
        self.bodies.append(copy.deepcopy(body))
        self._note(verb)

    def _note(self, verb: str) -> None:
        self.events.append(f"appliance {verb}")
        if verb in self.errors:
            raise self.errors[verb]


class MemoryKeeper:
    """Keeps one secret. Writing in check mode is a failed test; ``errors`` as with the appliance."""

    def __init__(
        self,
        value: str | None = None,
        *,
        pending: bool = False,
        verified_at: str | None = None,
        delivered: Mapping[str, str] | None = None,
        check_mode: bool = False,
        events: list[str] | None = None,
        errors: Mapping[str, Exception] | None = None,
    ) -> None:
        self.ref = REF
        self.check_mode = check_mode
        self.events = [] if events is None else events
        self.errors = errors or {}
        self.secret = value and Secret(REF, value, SALT, pending, "then", verified_at, dict(delivered or {}))

    def stored(self) -> Any:
        self._note("stored")
        return self.secret or None

    def reserve(self) -> None:
        self._write("reserve")

    def release(self) -> None:
        self._write("release")

    def persist(self, value: str) -> Any:
        self._write("persist")
        self.secret = Secret(REF, value, SALT, True, "now", None, {})
        return self.secret

    def commit(self, *, verified: bool) -> Any:
        self._write("commit, verified" if verified else "commit")
        assert self.secret, "commit of nothing"
        self.secret = Secret(REF, self.secret.value, SALT, False, "now", "now" if verified else None, {})
        return self.secret

    def delivered(self, consumer: str, fingerprint: str) -> None:
        self._write("delivered")
        self.secret.delivered[consumer] = fingerprint

    def forget(self) -> None:
        self._write("forget")
        self.secret = None

    def _write(self, verb: str) -> None:
        assert not self.check_mode, f"{verb} in check mode"
        self._note(verb)

    def _note(self, verb: str) -> None:
        self.events.append(f"store {verb}")
        if verb in self.errors:
            raise self.errors[verb]


class Wire:
    """Answers requests from a list and writes them down, in the place of an ``Http``."""

    url = "https://appliance.example"

    def __init__(self, *answers: Answer, cookies: Mapping[str, str] | None = None) -> None:
        self.answers = list(answers)
        self.cookies = dict(cookies or {})
        self.requests: list[tuple[str, str]] = []
        self.contents: list[dict[str, Any]] = []
        self.closed = False

    def request(self, method: str, path: str, **content: Any) -> Answer:
        self.requests.append((method, path))
        self.contents.append(content)
        return self.answers.pop(0)

    def close(self) -> None:
        self.closed = True


def answer(
    status: int, body: Any = "", content_type: str = "application/json", path: str = "/path"
) -> Answer:
    """Make an answer; a body that is not text is sent as JSON."""
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer(status, {"Content-Type": content_type}, text, path)


def raising(error: Exception) -> Callable[..., NoReturn]:
    """Return a function that raises an error, whatever it is called with."""

    def fail(*_arguments: Any, **_content: Any) -> NoReturn:
        raise error

    return fail
