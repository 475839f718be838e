# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records in a store as somebody else left them: written by hand, half empty, or none at all."""

from __future__ import annotations

import copy
import re
from datetime import date
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._errors import SecretStoreError
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._keeper import StoreKeeper

REF = "memory:key"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class MemoryStore:
    """Holds one record."""

    def __init__(self, record: Any) -> None:
        self.record = record

    def read(self) -> Any:
        return copy.deepcopy(self.record), "1"

    def write(self, record: Any, expected: Any) -> str:
        self.record = copy.deepcopy(record)
        return "1"


def keeper_of(record: Any) -> StoreKeeper:
    """Keep the secret of this record."""
    return StoreKeeper(REF, MemoryStore(record), set())


def test_a_value_that_an_operator_stored_is_enough() -> None:
    secret = keeper_of({"value": "by hand"}).stored()
    assert (secret.value, secret.pending, secret.created_at) == ("by hand", False, None)
    assert (secret.verified_at, secret.delivered) == (None, {})


def test_a_value_that_an_operator_stored_can_be_verified_and_delivered() -> None:
    keeper = keeper_of({"value": "by hand", "note": "from the console"})
    mark = keeper.stored().fingerprint
    keeper.delivered("box/settings", mark)
    secret = keeper.commit(verified=True)
    assert TIME.fullmatch(secret.verified_at)
    assert (secret.value, secret.fingerprint, secret.delivered) == ("by hand", mark, {"box/settings": mark})
    assert keeper.store.record["note"] == "from the console"


def test_another_value_put_in_by_an_operator_is_not_verified() -> None:
    keeper = keeper_of({"value": "first"})
    assert keeper.commit(verified=True).verified_at
    keeper.store.record["value"] = "by hand"
    assert keeper.stored().verified_at is None


@pytest.mark.parametrize(
    "empty", [None, {}, {"value": ""}, {"note": "to do"}, {"pending": {"value": ""}, "value": "old"}]
)
def test_a_record_without_a_value_is_no_secret(empty: Any) -> None:
    assert keeper_of(empty).stored() is None


@pytest.mark.parametrize("name", ["pending", "verified", "delivered"])
def test_a_part_that_is_left_empty_is_as_good_as_none(name: str) -> None:
    secret = keeper_of({"value": "by hand", name: None}).stored()
    assert (secret.value, secret.pending) == ("by hand", False)
    assert (secret.verified_at, secret.delivered) == (None, {})


def test_a_time_that_yaml_takes_for_a_date_is_shown_as_text() -> None:
    assert keeper_of({"value": "v", "created_at": date(2026, 11, 2)}).stored().created_at == "2026-11-02"


def test_the_longest_salt_is_accepted() -> None:
    assert keeper_of({"value": "v", "salt": "x" * 16}).stored().salt == "x" * 16


MALFORMED = {
    "value is a number": {"value": 123},
    "value is missing": {"value": None},
    "value is a list": {"value": ["s3cr3t"]},
    "salt is a number": {"value": "s3cr3t", "salt": 1},
    "salt is too long": {"value": "s3cr3t", "salt": "x" * 17},
    "pending is a text": {"value": "s3cr3t", "pending": "yes"},
    "pending value is a number": {"value": "s3cr3t", "pending": {"value": 123}},
    "verified is a text": {"value": "s3cr3t", "verified": "yes"},
    "delivered is a list": {"value": "s3cr3t", "delivered": ["a/settings"]},
}


@pytest.mark.parametrize(
    ("verb", "arguments"), [("stored", ()), ("reserve", ()), ("persist", ("new",)), ("forget", ())]
)
@pytest.mark.parametrize("record", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_record_is_neither_used_nor_overwritten(record: Any, verb: str, arguments: Any) -> None:
    keeper = keeper_of(record)
    with pytest.raises(SecretStoreError) as caught:
        getattr(keeper, verb)(*arguments)
    assert caught.value.sentence("box") == (
        f"box: reading the secret {REF} failed: what is stored there is no record of a secret"
    )
    assert keeper.store.record == record
