# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Long recordings, of pages that ask for the state of the appliance all the time."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.recording import same_request
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.recording.har import (
    read_recording,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.recording.places_sent import (
    addresses,
)
from ansible_collections.otsec.defender_iot.tests.unit.endpoint_maps.entries import (
    BOTH,
    ENTRIES,
    X_CSRF,
    entry,
    made,
)

ROWS = [{"nr": 4000 + number, "name": f"plc-{number}", "ip": f"10.7.7.{number}"} for number in range(5)]
POLLS: dict[str, Callable[[int], dict[str, Any]]] = {
    "get": lambda number: entry("GET", f"/poll?at={number}", answer={"devices": ROWS}, cookies=BOTH),
    "post": lambda number: entry(
        "POST", "/poll", {"since": f"s{number}"}, {"devices": ROWS}, headers=X_CSRF, cookies=BOTH
    ),
    "sending": lambda number: entry(
        "POST", "/poll", {"at": number, "seen": ROWS}, {}, headers=X_CSRF, cookies=BOTH
    ),
}


def work(poll: Callable[[int], dict[str, Any]], count: int) -> int:
    """Draft a recording with so many polls between the other requests; return how many calls it took."""
    polls = [poll(number) for number in range(count)]
    login, rest = ENTRIES[:2], ENTRIES[2:]
    entries = [*login, *polls, *(each for one in rest for each in (one, *polls[: count // 4]))]
    calls: Counter[str] = Counter()
    sys.setprofile(lambda _frame, event, _argument: calls.update([event]))
    try:
        found = made(*entries)
    finally:
        sys.setprofile(None)
    assert found.missing == []
    return calls["call"]


@pytest.mark.parametrize("poll", POLLS.values(), ids=POLLS)
def test_the_work_grows_as_the_recording_does(poll: Callable[[int], dict[str, Any]]) -> None:
    work(poll, 4)
    short, longer, longest = (work(poll, count) for count in (20, 40, 80))
    assert longest - longer < 2.3 * (longer - short)


def key(body: Any) -> tuple[str, str]:
    """Return the key of a request that sends a body."""
    text = json.dumps({"log": {"entries": [entry("POST", "/rpc", body, {})]}})
    return same_request.key_of(read_recording(text).exchanges[0])


def test_of_a_long_body_only_the_texts_at_the_top_name_the_operation() -> None:
    long = [f"word {number}" for number in range(same_request.MOST_TEXTS + 1)]
    assert key({"method": "add", "rows": long, "size": 3}) == ("POST", "/rpc add")
    assert key({"method": "add", "rows": long[2:], "size": 3}) != ("POST", "/rpc add")
    assert key(long) == ("POST", "/rpc")


@pytest.mark.parametrize(
    ("path", "body", "is_named"),
    [
        ("/t/7", None, True),
        ("/t?nr=7", None, True),
        ("/t(7)", None, True),
        ("/t/%37", None, True),
        ("/t", {"nr": 7}, True),
        ("/t", {"nr": "7"}, True),
        ("/t", {"nr": [3, 7]}, True),
        ("/t", {"nr": "3,7"}, True),
        ("/t", {"nr": "3\n7"}, True),
        ("/t", {"query": "{ drop(nr: 7) }"}, True),
        ("/t", {"nr": "10.7.7.1"}, False),
        ("/t", {"nr": 77}, False),
        ("/t/7-a", {"nr": "v7"}, False),
    ],
)
def test_an_object_is_named_by_its_number_only_where_it_is_a_word(
    path: str, body: Any, is_named: bool
) -> None:
    text = json.dumps({"log": {"entries": [entry("POST", path, body, {})]}})
    assert addresses(read_recording(text).exchanges[0], 7) == is_named
