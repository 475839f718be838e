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
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.module_settings import (
    SETTINGS,
    configure,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.web import Forescout
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.mint import mint
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.access_token import TOKEN
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.web import Sensor
from ansible_collections.otsec.defender_iot.plugins.module_utils._wire.web_interface import WebInterface
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.drafting.draft import (
    draft,
    text_of,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.drafting.session import (
    Draft,
    RecordedSession,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.load import (
    checked_endpoint_map,
)
from ansible_collections.otsec.defender_iot.tests.support.web_sessions import (
    DESCRIPTION,
    Behaviour,
    Browser,
    Interface,
    MemoryHttp,
    again,
)
from ansible_collections.otsec.defender_iot.tests.support.web_settings import (
    ADDRESS,
    Settings,
    SettingsBehaviour,
    SettingsBrowser,
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
    return _drafted(log, interface, browser, "sensor", description=DESCRIPTION)


def recorded_settings(behaviour: SettingsBehaviour, seed: int) -> Drafted:
    """Record how the settings are entered, draft a map, and make sure that it has no secret."""
    interface = Settings(behaviour, seed, seed + 1)
    browser = SettingsBrowser(interface)
    return _drafted(json.loads(browser.record()), interface, browser, "forescout", server_address=ADDRESS)


def _drafted(log: Any, interface: Interface, browser: Browser, product: str, **typed: str) -> Drafted:
    session = RecordedSession(product, interface.username, interface.password, browser.token, **typed)
    made = draft(json.dumps(log), session)
    output = "\n".join([text_of(made), *made.found, *made.missing])
    assert not [value for value in interface.secrets if value in output]
    return Drafted(interface, made)


def _params(drafted: Drafted, interface: Interface) -> dict[str, Any]:
    account = {"token": None, "username": interface.username, "password": interface.password}
    return {**account, "endpoint_map": checked_endpoint_map(drafted.made.endpoints)}


def sensor(drafted: Drafted, interface: Interface, **connection: Any) -> Sensor:
    """Open the sensor by the drafted map: in memory, or by the connection to a server."""
    params = _params(drafted, interface)
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


def configured(drafted: Drafted) -> None:
    """Move the platform to another sensor by the map, again without a change, and clear its settings.

    The interface is the recorded one on another day. Raises ApplianceError.
    """
    interface = again(drafted.interface, 77)
    assert isinstance(interface, Settings)
    entry = MemoryEntry("a-token-of-another-sensor")

    def run(**options: Any) -> Any:
        box = Forescout.__new__(Forescout)
        box.web = WebInterface(MemoryHttp(interface), _params(drafted, interface))
        wanted = {"state": "present", "transport": "rest", "rotate_only": False, **options}
        with closing(box):
            return do(configure, Task(SETTINGS, wanted, box, "box", False, {"access_token_ref": entry}))

    cleared = {"address": "", "token": ""}
    wanted = {"address": "192.0.2.12", "token": "a-token-of-another-sensor"}
    assert run(server_address="192.0.2.12")["changed"]
    assert not run(server_address="192.0.2.12")["changed"]
    assert interface.writes == [cleared, wanted]
    assert run(state="absent", server_address=None)["changed"]
    assert interface.held == cleared
