# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration transactions: writes that take effect together."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import CMDB


def start(firewall: Any, **body: Any) -> dict[str, str]:
    """Start a transaction and return its header."""
    number = firewall.done("POST", f"{CMDB}?action=transaction-start", body)["results"]["transaction-id"]
    return {"X-TRANSACTION-ID": str(number)}


def control(firewall: Any, method: str, action: str, **headers: str) -> Any:
    """Send a request about a transaction."""
    return firewall(method, f"{CMDB}?action=transaction-{action}", None, **headers)


def test_writes_take_effect_together(firewall: Any) -> None:
    mine = start(firewall)
    firewall.done("POST", "address", {"name": "a"}, **mine)
    firewall.done("POST", "addrgrp", {"name": "blocked", "member": [{"name": "a"}]}, **mine)
    assert firewall("GET", "address/a").status_code == 404
    assert firewall("GET", "address/a", None, **mine).status_code == 200
    revision = firewall.done("GET", "address")["revision"]
    assert control(firewall, "POST", "commit", **mine).status_code == 200
    assert firewall.members() == ["a"]
    assert firewall.done("GET", "address")["revision"] != revision
    assert control(firewall, "POST", "commit", **mine).status_code == 404


def test_an_abort_has_no_effect(firewall: Any) -> None:
    mine = start(firewall)
    firewall.done("DELETE", "address/spare", None, **mine)
    assert control(firewall, "POST", "abort", **mine).status_code == 200
    assert firewall("GET", "address/spare").status_code == 200
    assert firewall("DELETE", "address/spare", None, **mine).status_code == 404


def test_others_cannot_change_what_a_transaction_changed(firewall: Any, caller: Any) -> None:
    mine, other = start(firewall), start(firewall)
    firewall.done("PUT", "address/spare", {"comment": "mine"}, **mine)
    firewall.done("PUT", "address/spare", {"comment": "mine again"}, **mine)
    assert firewall.refused("PUT", "address/spare", {"comment": "theirs"}) == (500, -61)
    assert firewall("PUT", "address/spare", {}, **other).json()["error"] == -61
    firewall.done("PUT", "address/vendor", {"comment": "theirs"})
    assert caller(address="read-write")("GET", "address", None, **mine).status_code == 404
    assert control(firewall, "POST", "commit", **mine).status_code == 200
    firewall.done("PUT", "address/spare", {"comment": "theirs"})


@pytest.mark.parametrize("reported", ["at_once", "at_commit"])
def test_a_refused_write(lab: Any, firewall: Any, reported: str) -> None:
    lab.options("fgt", transaction_errors=reported)
    mine = start(firewall)
    firewall.done("POST", "address", {"name": "a"}, **mine)
    answer = firewall("POST", "address", {"name": "a"}, **mine)
    assert answer.status_code == (500 if reported == "at_once" else 200)
    committed = control(firewall, "POST", "commit", **mine)
    assert committed.status_code == (200 if reported == "at_once" else 500)
    assert firewall("GET", "address/a").status_code == (200 if reported == "at_once" else 404)


def test_an_idle_transaction_ends(lab: Any, firewall: Any) -> None:
    mine, short = start(firewall), start(firewall, timeout=10)
    lab.control("POST", "/clock", {"advance": 11})
    assert firewall("POST", "address", {"name": "a"}, **short).status_code == 404
    firewall.done("POST", "address", {"name": "a"}, **mine)
    lab.control("POST", "/clock", {"advance": 301})
    assert control(firewall, "POST", "commit", **mine).status_code == 404


def test_transactions_are_listed(lab: Any, firewall: Any) -> None:
    mine = start(firewall, timeout=60)
    entry = {"id": 1, "user": "automation", "timeout": 60}
    assert control(firewall, "GET", "list").json()["results"] == [entry]
    assert control(firewall, "GET", "show", **mine).json()["results"] == entry
    lab.options("fgt", version="7.4.0")
    assert control(firewall, "GET", "show", **mine).status_code == 405


@pytest.mark.parametrize("supported", [True, False])
def test_transactions_may_not_be_supported(lab: Any, firewall: Any, supported: bool) -> None:
    lab.options("fgt", transactions=supported)
    answer = control(firewall, "POST", "start")
    assert answer.status_code == (200 if supported else 404)
    firewall.done("POST", "address", {"name": "a"}, **({} if supported else {"X-TRANSACTION-ID": "1"}))
