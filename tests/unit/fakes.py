# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An appliance, a keeper and a wire in memory. Each writes down what was done to it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.appliance import Appliance
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.belonging import Belonging
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import Refused
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.secret import (
    Pending,
    Secret,
    StoredSecret,
    fingerprint,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Outcome, Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._wire.https import Response

CONNECTION = {
    "url": "appliance.example",
    "validate_certs": True,
    "ca_path": None,
    "connect_timeout": 1,
    "timeout": 1,
}
REF = "vault_file:/srv/secrets/x"
SALT = "0123456789abcdef"
MINTED = "minted-value"
ESCROW = "/home/u/.ansible/defender_iot_escrow/x.yml"

VALID = ("valid", 200)
INVALID = ("invalid", 401)
UNKNOWN = ("unknown", None)


def mark(value: str) -> str:
    """Return the fingerprint of a value that a memory keeper holds."""
    return fingerprint(SALT, value)


def secret(value: str, **known: Any) -> Secret:
    """Make one value of the secret that a memory keeper holds."""
    return Secret(REF, value, SALT, **known)


def begun(value: Secret | None = None, known: Sequence[Any] = (), *, is_minting: bool = False) -> Pending:
    """Make a minting that another process has begun."""
    return Pending(value, tuple(str(each) for each in known), "process 7 on elsewhere", is_minting)


def do(work: Callable[[Task, Outcome], None], task: Task) -> dict[str, Any]:
    """Carry a task out and return its result, with a diff even of no change."""
    outcome = Outcome()
    work(task, outcome)
    return {**outcome.result(), **({} if outcome.diff is None else {"diff": outcome.diff})}


class Noted:
    """Writes its events into a list that it may share; ``errors`` maps a verb, or ``store read``, to
    what it raises.

    A write in check mode is a failed test.
    """

    name = "thing"

    def __init__(
        self,
        *,
        check_mode: bool = False,
        events: list[str] | None = None,
        errors: Mapping[str, Exception] | None = None,
    ) -> None:
        self.check_mode = check_mode
        self.events = [] if events is None else events
        self.errors = errors or {}

    def _write(self, verb: str, about: str = "") -> None:
        assert not self.check_mode, f"{verb} in check mode"
        self._note(verb, about)

    def _note(self, verb: str, about: str = "", *, key: str = "") -> None:
        self.events.append(f"{self.name} {verb}{about}")
        if (key or verb) in self.errors:
            raise self.errors[key or verb]


class MemoryAppliance(Noted, Appliance):
    """Holds raw objects by key. Merges updates like a real one.

    ``keeps`` is left on the object by a write, whatever was sent. Minting a secret with an entry of its own
    adds the row ``made`` and answers with ``id_``. Each probe takes the next of ``verdicts``, the last stays.
    ``own`` says that the account in use may be any object, ``uses`` how often each is referred to.
    """

    name = "appliance"

    def __init__(
        self,
        objects: Mapping[Any, Mapping[str, Any]] | None = None,
        *,
        keeps: Mapping[str, Any] | None = None,
        made: Mapping[str, Any] | None = None,
        id_: Any = None,
        verdicts: Sequence[tuple[str, int | None]] = (VALID,),
        own: bool = False,
        uses: int = 0,
        **noted: Any,
    ) -> None:
        super().__init__(**noted)
        self.objects = copy.deepcopy(dict(objects or {}))
        self.bodies: list[Any] = []
        self.keeps = keeps or {}
        self.made = made
        self.id_ = id_
        self.verdicts = list(verdicts)
        self.own = own
        self.uses = uses

    def is_own(self, resource: Any, key: Any) -> bool:
        return self.own

    def references(self, resource: Any, key: Any) -> int:
        return self.uses

    def read(self, resource: Any, key: Any) -> Any:
        self._note("read")
        return copy.deepcopy(self.objects.get(key))

    def table(self, resource: Any) -> Any:
        self._note("table")
        return copy.deepcopy(list(self.objects.values()))

    def create(self, resource: Any, key: Any, body: Any) -> None:
        self._send("create", body)
        self.objects[key] = {**copy.deepcopy(body), **self.keeps}

    def update(self, resource: Any, key: Any, body: Any) -> None:
        self._send("update", body)
        self.objects[key] = {**self.objects[key], **copy.deepcopy(body), **self.keeps}

    def delete(self, resource: Any, key: Any, raw: Any = None) -> None:
        self._send("delete", about=f" {raw['id']}" if raw else "")
        found = [each for each, row in self.objects.items() if row.get("id") == raw["id"]] if raw else [key]
        if not found:
            raise Refused("there is none")
        for each in found:
            del self.objects[each]

    def mint(self, resource: Any, key: Any) -> tuple[str, Any]:
        self._send("mint")
        if self.made is not None:
            self.objects["made"] = dict(self.made)
        return MINTED, self.id_

    def probe(self, resource: Any, key: Any, secret: str, raw: Any = None) -> tuple[str, int | None]:
        self._note("probe", f" {secret}")
        return self.verdicts.pop(0) if len(self.verdicts) > 1 else self.verdicts[0]

    def _send(self, verb: str, body: Any = None, about: str = "") -> None:
        self._write(verb, about)
        self.bodies.append(copy.deepcopy(body))


class MemoryEntry(Noted):
    """Keeps one secret. ``escrowed`` is the path that a value is saved in, None where that fails."""

    name = "store"

    def __init__(
        self,
        value: str | None = None,
        *,
        pending: Pending | None = None,
        previous: Secret | None = None,
        escrowed: str | None = ESCROW,
        doubted: bool = False,
        belongs_to: Belonging | None = None,
        trusted: Mapping[str, str] | None = None,
        others: Sequence[tuple[str, Belonging]] = (),
        check_mode: bool = False,
        events: list[str] | None = None,
        errors: Mapping[str, Exception] | None = None,
        **known: Any,
    ) -> None:
        super().__init__(check_mode=check_mode, events=events, errors=errors)
        self.ref = REF
        self.current = secret(value, **{"created_at": "then", **known}) if value else None
        self.pending = pending
        self.previous = previous
        self.escrowed = escrowed
        self.doubted = doubted
        self.belongs_to = belongs_to
        self.trusted = trusted
        self._others = others
        self.owner: Belonging | None = None

    def read(self) -> StoredSecret:
        self._note("read", key="store read")
        return StoredSecret(
            self.current, self.pending, self.previous, self.doubted, self.belongs_to, self.trusted
        )

    def claim(self, owner: Belonging) -> None:
        self.owner = owner

    def others(self, host: str) -> Iterator[tuple[str, Belonging]]:
        yield from self._others

    def remember_trusted(self, hosts: Mapping[str, str]) -> None:
        if self.current is not None and self.trusted != dict(hosts):
            self._write("remember")
            self.trusted = dict(hosts)

    def bind(self, owner: Belonging) -> None:
        self._write("bind")
        self.belongs_to = owner

    def reserve(self, known: Sequence[Any]) -> None:
        self._write("reserve")
        self.pending = begun(None, known)

    def release(self, *, doubted: bool = False) -> None:
        self._write("release", ", doubted" if doubted else "")
        self.pending = None
        self.doubted = self.doubted or (doubted and self.current is not None)

    def doubt(self) -> None:
        self._write("doubt")
        self.doubted = True

    def trust(self) -> None:
        self._write("trust")
        self.doubted = False

    def confirm(self) -> None:
        self._write("confirm")
        self.pending, self.doubted = None, False
        self.current = replace(self.current, verified_at="now")

    def persist(self, value: str, id_: Any, rotation_id: str | None) -> Secret:
        self._write("persist")
        fresh = secret(value, id=id_, created_at="now", rotation_id=rotation_id)
        self.pending = begun(fresh, self.pending.known)
        return fresh

    def escrow(self, value: str) -> str | None:
        self._write("escrow")
        return self.escrowed

    def commit(self, *, verified: bool, id_: Any, keep_previous: bool) -> Secret:
        self._write("commit", ", verified" if verified else "")
        self.previous = self.current if keep_previous else self.previous
        fresh, at = self.pending.secret, "now" if verified else None
        self.current = replace(fresh, id=fresh.id if id_ is None else id_, created_at="now", verified_at=at)
        self.pending, self.doubted = None, False
        return self.current

    def prove(self) -> Secret:
        self._write("prove")
        self.current = replace(self.current, verified_at="now")
        return self.current

    def retire(self) -> None:
        self._write("retire")
        self.previous = None

    def consumed(self, consumer: str) -> None:
        self._write("consumed")
        self.current = replace(self.current, consumers=(*self.current.consumers, consumer))

    def abandoned(self, consumers: Collection[str]) -> None:
        self._write("abandoned")
        left = tuple(each for each in self.current.consumers if each not in consumers)
        given = {name: mark for name, mark in self.current.delivered.items() if name not in consumers}
        self.current = replace(self.current, consumers=left, delivered=given)

    def delivered(self, consumer: str, fingerprint: str, at: str) -> None:
        self._write("delivered")
        held = {**self.current.delivered, consumer: fingerprint}
        times = {**self.current.delivered_at, consumer: at}
        self.current = replace(self.current, delivered=held, delivered_at=times)

    def forget(self) -> None:
        self._write("forget")
        self.current = self.pending = self.previous = None


class Wire:
    """Answers requests from a list and writes them down, in the place of an ``Http``."""

    url = "https://appliance.example"
    proxy = ""

    def __init__(self, *answers: Response, cookies: Mapping[str, str] | None = None) -> None:
        self.answers = list(answers)
        self.cookies = dict(cookies or {})
        self.requests: list[tuple[str, str]] = []
        self.contents: list[dict[str, Any]] = []
        self.closed = False

    def request(self, method: str, path: str, **content: Any) -> Response:
        self.requests.append((method, path))
        self.contents.append(content)
        return replace(self.answers.pop(0), path=path)

    def close(self) -> None:
        self.closed = True


def answer(
    status: int, body: Any = "", content_type: str = "application/json", path: str = "/path", **headers: str
) -> Response:
    """Make an answer; a body that is not text is sent as JSON."""
    text = body if isinstance(body, str) else json.dumps(body)
    return Response(status, {"Content-Type": content_type, **headers}, text, path)


def raising(error: Exception) -> Callable[..., NoReturn]:
    """Return a function that raises an error, whatever it is called with."""

    def fail(*_arguments: Any, **_content: Any) -> NoReturn:
        raise error

    return fail
