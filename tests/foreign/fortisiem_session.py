# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Uses `pyfortisiem` as its documentation describes. Runs in the environment of the third-party clients.

Reads the connection from standard input, and prints the outcome of each step as JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import sys
from collections.abc import Callable
from typing import Any

from pyfortisiem import AsyncFortiSIEMClient, FortiSIEMClient


def outcome(step: Callable[[], Any]) -> Any:
    """Return what a step returns, or the name of its exception and the status in its message."""
    try:
        return step()
    except Exception as error:
        return [type(error).__name__, *re.findall(r"\b4\d\d\b", str(error))[:1]]


def client(given: dict[str, Any], **login: Any) -> AsyncFortiSIEMClient:
    """Return a client that does not wait between its attempts."""
    context = ssl.create_default_context(cafile=given["ca_path"])
    return AsyncFortiSIEMClient(given["host"], verify=context, backoff_factor=0, **login)


def fetched(given: dict[str, Any], query: str, **login: Any) -> str:
    """Return the answer with the rows of a query that has finished."""

    async def run() -> Any:
        async with client(given, **login) as siem:
            return await siem.search_events_by_query_id(query)

    return str(asyncio.run(run()).model_extra["raw_text"])


def token(given: dict[str, Any], secret: str) -> int:
    """Return the length of a new access token."""
    context = ssl.create_default_context(cafile=given["ca_path"])
    with FortiSIEMClient(given["host"], "reader", given["password"], verify=context) as siem:
        return len(siem.mint_token(given["client_id"], secret))


def main() -> None:
    given = json.load(sys.stdin)
    basic = {"username": "reader", "password": given["password"]}
    key = {name: given[name] for name in ("client_id", "client_secret")}
    steps: dict[str, Callable[[], Any]] = {
        "fetch by Basic": lambda: fetched(given, given["query"], **basic),
        "fetch in an organization": lambda: fetched(given, given["query"], domain="Plant", **basic),
        "fetch with a wrong password": lambda: fetched(given, given["query"], **{**basic, "password": "x"}),
        "fetch in an unknown organization": lambda: fetched(given, given["query"], domain="x", **basic),
        "fetch an unknown query": lambda: fetched(given, "1,2", **basic),
        "get a token with a wrong secret": lambda: token(given, "x"),
        "fetch by API token": lambda: fetched(given, given["query"], **key),
        "get a second token at once": lambda: token(given, given["client_secret"]),
    }
    json.dump({name: outcome(step) for name, step in steps.items()}, sys.stdout)


if __name__ == "__main__":
    main()
