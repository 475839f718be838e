# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draft a map from a recording of a small web interface, and manage a token by it."""

from __future__ import annotations

import copy
import json
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.mint import mint
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.access_token import TOKEN
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.web import Sensor
from ansible_collections.otsec.defender_iot.plugins.module_utils._wire.web_interface import WebInterface
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.draft import draft, text_of
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.load import (
    checked_endpoint_map,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.session import (
    Draft,
    RecordedSession,
)
from ansible_collections.otsec.defender_iot.tests.support.web_sessions import (
    DESCRIPTION,
    Behaviour,
    Browser,
    Interface,
    MemoryHttp,
    again,
)
from ansible_collections.otsec.defender_iot.tests.unit.fakes import CONNECTION, MemoryEntry, do


@dataclass
class Drafted:
    """An interface that was recorded, and the draft of a map for it."""

    interface: Interface
    made: Draft

    @property
    def missing(self) -> list[str]:
        """Return the parts of the map that are missing."""
        return [each.partition(": ")[0] for each in self.made.missing]


def recorded(behaviour: Behaviour, seed: int, change: Any = None) -> Drafted:
    """Record an interface, perhaps change the entries, draft a map, and make sure that it has no secret."""
    interface = Interface(behaviour, seed, seed + 1)
    browser = Browser(interface)
    log = json.loads(browser.record())
    if change:
        change(log["log"], interface, browser)
    session = RecordedSession(
        "sensor", interface.username, interface.password, browser.token, description=DESCRIPTION
    )
    made = draft(json.dumps(log), session)
    output = "\n".join([text_of(made), *made.found, *made.missing])
    assert not [value for value in interface.secrets if value in output]
    return Drafted(interface, made)


def sensor(drafted: Drafted, interface: Interface, **connection: Any) -> Sensor:
    """Open the sensor by the drafted map: in memory, or by the connection to a server."""
    account = {"token": None, "username": interface.username, "password": interface.password}
    params = {**account, "endpoint_map": checked_endpoint_map(drafted.made.endpoints)}
    if connection:
        return Sensor({**CONNECTION, **connection, **params})
    box = Sensor.__new__(Sensor)
    box.http = MemoryHttp(interface)
    box.web = WebInterface(box.http, params)
    return box


def managed(
    drafted: Drafted, interface: Interface | None = None, *, others: int = 3, **connection: Any
) -> Any:
    """Create a token by the map, keep it, read when it was used, and delete it; return the time of use.

    Without an interface it is the recorded one on another day. Raises ApplianceError. Tokens of others have
    to be as they were, even then.
    """
    interface = interface or again(drafted.interface, 77)
    for number in range(others):
        interface.add(f"other-{number}")
    foreign = copy.deepcopy(interface.tokens)
    try:
        return _managed(drafted, interface, connection)
    finally:
        assert [token for token in interface.tokens if token["description"] != DESCRIPTION] == foreign


def _managed(drafted: Drafted, interface: Interface, connection: dict[str, Any]) -> Any:
    entry = MemoryEntry()

    def run(**options: Any) -> dict[str, Any]:
        with closing(sensor(drafted, interface, **connection)) as box:
            task = Task(
                TOKEN, {"description": DESCRIPTION, **options}, box, "box", False, {"secret_ref": entry}
            )
            return do(mint, task)

    before = [token["id"] for token in interface.tokens]
    first = run()
    assert first["minted"]
    assert entry.current.value == interface.last_token
    assert not run()["changed"]
    (own,) = [token for token in interface.tokens if token["description"] == DESCRIPTION]
    own["used"] = True
    with closing(sensor(drafted, interface, **connection)) as box:
        (used,) = [row["used"] for row in box.table(TOKEN) if row["description"] == DESCRIPTION]
    assert used
    if "delete" in drafted.made.endpoints["tokens"]:
        assert run(state="absent")["changed"]
        assert [token["id"] for token in interface.tokens] == before
    return used
