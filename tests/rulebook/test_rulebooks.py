# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both rulebooks in a real ansible-rulebook, from an alert in the lab to the verdict of its packet oracle."""

from __future__ import annotations

from typing import Any

import requests

from ansible_collections.otsec.defender_iot.tests.support.patience import STEP_SECONDS, wait_for
from ansible_collections.otsec.defender_iot.tests.support.rulebook import (
    PCS,
    Plant,
    RunningRulebook,
)
from ansible_collections.otsec.defender_iot.tests.support.servers import free_port

FIRST, SECOND = PCS
NEVER = 86400
UNREADABLE = 4
WEBHOOK_TOKEN = "of-the-webhook"


def test_polling_blocks_releases_and_expires_even_after_a_crash(plant: Plant) -> None:
    state = str(plant.node.folder / "state.json")
    poll = {"sensors": plant.sensors, "poll_seconds": 10, "state_file": state}
    with plant.node.rulebook("respond", **poll, tick_seconds=NEVER) as rulebook:
        rulebook.wait_for_runs(2)  # the first tick, and the first poll without a state
        assert not plant.is_blocked(FIRST)
        alert = plant.infect(FIRST)
        wait_for(lambda: plant.is_blocked(FIRST))
        rulebook.wait_for_runs(3)
        assert rulebook.codes == [0, 0, 0]
        rulebook.kill()
        assert plant.token not in rulebook.text
    plant.infect(SECOND)
    plant.command("sensor", "verdict", alert=alert, verdict="close")
    plant.set(respond_ttl=1, respond_dynamic_ttl=1)
    with plant.node.rulebook("respond", **poll, tick_seconds=15) as rulebook:
        wait_for(lambda: plant.is_blocked(SECOND) and not plant.is_blocked(FIRST))
        assert set(rulebook.codes) <= {0}
        # The block cannot be renewed any more, and ends a minute after its last renewal.
        plant.lab.fault("sensor", "status", status=500)
        wait_for(lambda: not plant.is_blocked(SECOND))
        assert set(rulebook.codes) == {0, UNREADABLE}
    assert plant.token not in rulebook.text
    assert rulebook.text.count("polling goes on") == 1


def ring(port: int, **headers: str) -> int:
    """Call the webhook. Return the status."""
    body = {"payload": {"hosts": "evil"}, "meta": {"hosts": "evil"}, "text": "{{ 7 * 7 }}"}
    answer = requests.post(f"http://127.0.0.1:{port}/", json=body, headers=headers, timeout=STEP_SECONDS)
    return answer.status_code


def test_a_doorbell_starts_runs_and_decides_nothing(plant: Plant) -> None:
    webhook, syslog = free_port(), free_port()
    options: dict[str, Any] = {"webhook_token": WEBHOOK_TOKEN, "webhook_port": webhook, "syslog_port": syslog}
    with plant.node.rulebook(
        "respond_doorbell", **options, syslog_host="127.0.0.1", tick_seconds=NEVER
    ) as bell:
        bell.wait_for_runs(1)
        assert ring(webhook) == 401
        assert ring(webhook, Authorization="Bearer wrong") == 401
        forged = {"alert": 101, "sensor": "forged", "form": "current"}
        plant.command("sensor", "forward", port=syslog, **forged)
        bell.wait_for_runs(2)
        assert not any(map(plant.is_blocked, PCS))
        storm(plant, bell, webhook, syslog)
        alert = plant.infect(FIRST)
        plant.command("sensor", "forward", port=syslog, alert=alert, transport="tcp")
        wait_for(lambda: plant.is_blocked(FIRST))
        assert set(bell.codes) == {0}
        assert WEBHOOK_TOKEN not in bell.text
        assert "7 * 7" not in bell.text


def storm(plant: Plant, bell: RunningRulebook, webhook: int, syslog: int) -> None:
    """Ring often, by both ways. The rings within five seconds start one run."""
    before = len(bell.codes)
    for _call in range(50):
        assert ring(webhook, Authorization=f"Bearer {WEBHOOK_TOKEN}") == 200
        plant.command("sensor", "forward", port=syslog, alert=101, copies=100)
    bell.wait_for_runs(before + 1)
    assert len(bell.codes) <= before + 3
