# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access tokens with every value of every switch of the lab's sensor, as real sensors may match any."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from typing import Any

import pytest
from defender_iot_lab.sensor.appliance import RECENTLY, SensorOptions

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import Refused
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.access_token import TOKEN
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.web import Sensor
from ansible_collections.otsec.defender_iot.tests.support.lab import Lab

SENSOR = "sensor-north-01"
CHOICES = {
    each.name: each.metadata["choices"] for each in fields(SensorOptions) if "choices" in each.metadata
}
# These refuse every login to the web interface.
CLOSED = {"password_expired": True}
POSITIONS = [
    {name: choice}
    for name, choices in CHOICES.items()
    for choice in choices
    if CLOSED.get(name) is not choice
]
UTC_TIME = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
LOGIN = "/api/authentication/login"


@contextmanager
def opened(lab: Lab, endpoints: dict[str, Any] | None = None, **account: str) -> Iterator[Sensor]:
    """Open the sensor with its own endpoint map, or another."""
    place = lab.appliances[SENSOR]
    params = {"url": place["url"], "ca_path": lab.ca_path, "validate_certs": True}
    times = {"timeout": 5, "connect_timeout": 5}
    given = {"token": None, **place["credentials"], **account}
    known = {"endpoint_map": endpoints or lab.endpoint_map(SENSOR)}
    with closing(Sensor({**params, **times, **given, **known})) as sensor:
        yield sensor


def is_accepted(lab: Lab, token: str, position: dict[str, Any]) -> bool:
    """Call the documented API with a token. Return whether it answers with data."""
    base = "/external/v1" if position.get("console") else "/api/v1"
    data = "alerts" if "devices_answer" in position else "devices"
    answer = lab.call(SENSOR, "GET", f"{base}/{data}", headers={"Authorization": token})
    return answer.status_code == 200 and answer.text.startswith("[")


@pytest.mark.parametrize(
    "position", POSITIONS, ids=lambda position: "{}={!r}".format(*next(iter(position.items())))
)
def test_tokens_are_made_listed_used_and_deleted_in_every_position(
    lab: Lab, position: dict[str, Any]
) -> None:
    lab.switch(SENSOR, **position)
    with opened(lab) as sensor:
        made = [sensor.mint(TOKEN, "Forescout") for _time in range(2)]
        rows = sensor.table(TOKEN)
        assert [row["description"] for row in rows] == ["Forescout"] * 2
        assert [row["id"] for row in rows] == [id_ for _value, id_ in made]
        assert [row["used"] for row in rows] == [None, None]
        assert is_accepted(lab, made[1][0], position)
        first, second = sensor.table(TOKEN)
        assert first["used"] is None
        words = position.get("used_format") == "words"
        assert re.fullmatch(RECENTLY if words else UTC_TIME, second["used"])
        sensor.delete(TOKEN, "Forescout", first)
        assert sensor.table(TOKEN) == [second]
    assert not is_accepted(lab, made[0][0], position)
    assert is_accepted(lab, made[1][0], position)


@pytest.mark.parametrize("never", CHOICES["never_used"])
def test_what_the_documents_show_for_never_is_no_use_whatever_the_map_says(lab: Lab, never: Any) -> None:
    lab.switch(SENSOR, never_used=never)
    endpoints = lab.endpoint_map(SENSOR)
    for unsaid in ("never_used", "used_format"):
        del endpoints["tokens"]["list"][unsaid]
    with opened(lab, endpoints) as sensor:
        sensor.mint(TOKEN, "Forescout")
        (row,) = sensor.table(TOKEN)
    assert row["used"] == (never if never in ("Never", "-") else None)


@pytest.mark.parametrize("status", CHOICES["refused_login"])
@pytest.mark.parametrize("why", ["wrong", "expired", "locked out"])
def test_a_login_that_opens_no_session_is_refused_after_one_try(lab: Lab, status: int, why: str) -> None:
    lab.switch(SENSOR, refused_login=status, password_expired=why == "expired")
    if why == "locked out":
        lab.switch(SENSOR, max_failed_logins=0)
    account = {"password": "wrong"} if why == "wrong" else {}
    with (
        opened(lab, **account) as sensor,
        pytest.raises(Refused, match="the password may be wrong") as caught,
    ):
        sensor.table(TOKEN)
    assert caught.value.status == status
    assert [call["path"] for call in lab.calls(SENSOR)] == ["/", LOGIN]


def test_a_source_is_locked_out_by_its_failures_whatever_the_account_and_others_are_not(lab: Lab) -> None:
    for number in range(SensorOptions.max_failed_logins):
        with opened(lab, username=f"user-{number}") as sensor, pytest.raises(Refused):
            sensor.table(TOKEN)
    with opened(lab) as sensor, pytest.raises(Refused, match="or this source address locked out"):
        sensor.table(TOKEN)
    lab.switch(SENSOR, nat="192.0.2.77")
    with opened(lab) as sensor:
        assert sensor.table(TOKEN) == []
