# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of a site: which alerts lead to a block, how long, who is exempt, and how many at most."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ...module_utils._engine.errors import InvalidOptions
from .addresses import Network
from .catalogue import BENIGN, CATALOGUE, MATCHABLE, title_key
from .device_types import DEFAULT_ALLOWED

WRITE_NETWORK = "write an IP address, or a network without host bits, as in 192.0.2.0/24"

MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
"""IPv4 addresses written as IPv6. No packet on the network has one."""

EXPIRE = ("while_unhandled", "fixed")

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Match:
    """Alerts of one engine that lead to a block: with one of these titles, or all but the excluded ones.

    Titles are in the form of ``title_key``. Without ``titles``, every other title of the engine matches.
    """

    engine: str
    titles: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()

    def matches(self, engine: str, title: str) -> bool:
        if engine != self.engine or title in self.excluded:
            return False
        return self.titles is None or title in self.titles


DEFAULT_MATCH = (Match("malware", excluded=frozenset(map(title_key, BENIGN))),)


@dataclass(frozen=True)
class Caps:
    """The limits of a run. Exceeding one stops all its new blocks.

    ``entries`` counts all blocked addresses after the run, ``cell_share`` is the largest share of a cell's
    devices that may be blocked. One device always may.
    """

    new: int = 5
    per_hour: int = 10
    entries: int = 50
    cell_share: float = 0.1

    def __post_init__(self) -> None:
        for name in ("new", "per_hour", "entries"):
            if getattr(self, name) < 0:
                raise InvalidOptions(f"max_{name} is {getattr(self, name)}", "set it to 0 or more")
        if not 0 <= self.cell_share <= 1:
            raise InvalidOptions(
                f"max_cell_share is {self.cell_share:g}", "set it from 0 to 1, as in 0.1 for a tenth"
            )


@dataclass(frozen=True)
class Rules:
    """The rules. ``protected`` has a reason for each network, ``cells`` the name of each declared cell.

    With ``while_unhandled``, an alert blocks as long as it is unhandled, at most for ``maximum`` without a
    person's approval; with ``fixed``, at most for ``ttl``. Handling the alert releases the address in both.
    ``dynamic_ttl`` is the ``ttl`` and the maximum of a dynamic address; zero means that none is blocked.
    """

    match: tuple[Match, ...] = DEFAULT_MATCH
    expire: str = "while_unhandled"
    ttl: timedelta = timedelta(hours=4)
    dynamic_ttl: timedelta = timedelta(hours=1)
    maximum: timedelta = timedelta(days=7)
    allowed_types: frozenset[str] = frozenset(DEFAULT_ALLOWED)
    allow_public: bool = False
    protected: Mapping[Network, str] = field(default_factory=dict)
    cells: Mapping[Network, str] = field(default_factory=dict)
    caps: Caps = Caps()

    def __post_init__(self) -> None:
        if self.expire not in EXPIRE:
            raise InvalidOptions(f'expire is "{self.expire}"', f"set it to {' or '.join(EXPIRE)}")
        if self.ttl < MINUTE or not timedelta() <= self.dynamic_ttl <= self.ttl <= self.maximum:
            raise InvalidOptions(
                f"in minutes, ttl is {self.ttl // MINUTE}, dynamic_ttl is {self.dynamic_ttl // MINUTE}, and "
                f"max_duration is {self.maximum // MINUTE}",
                "set ttl from 1 to max_duration, and dynamic_ttl from 0 to ttl",
            )

    def matches(self, engine: str, title: str) -> bool:
        """Return whether an alert leads to a block, by its engine and its title in any case."""
        key = title_key(title)
        return any(each.matches(engine, key) for each in self.match)


def hours(duration: timedelta) -> str:
    """Return a duration in hours."""
    number = f"{duration.total_seconds() / 3600:.3g}"
    return f"{number} {'hour' if number == '1' else 'hours'}"


def read_match(items: Iterable[Mapping[str, Any]]) -> tuple[Match, ...]:
    """Read ``respond_match``: ``engine``, and ``titles`` or ``except``. Raises InvalidOptions.

    Every engine but malware needs titles. A title that the catalogue does not know needs
    ``offender: source``: the statement that the source of such an alert is the offender.
    """
    return tuple(_match(number, item) for number, item in enumerate(items, 1))


def _match(number: int, item: Mapping[str, Any]) -> Match:
    where = f"respond_match, item {number}"
    unknown = sorted(item.keys() - {"engine", "titles", "except", "offender"})
    if unknown:
        raise InvalidOptions(
            f'{where} has the unknown key "{unknown[0]}"', "use engine, titles, except and offender"
        )
    engine, titles = item.get("engine"), item.get("titles")
    if engine not in MATCHABLE:
        raise InvalidOptions(f'{where} has the engine "{engine}"', f"use one of {', '.join(MATCHABLE)}")
    if not titles and engine != "malware":
        raise InvalidOptions(
            f"{where} has no titles", f"list each title of {engine} that may lead to a block"
        )
    for key in ("titles", "except"):
        _refuse_no_texts(f"{where}: {key}", item.get(key, []))
    for title in titles or ():
        _refuse_blameless(where, engine, title, item.get("offender") == "source")
    excluded = item.get("except", () if titles else BENIGN)
    return Match(
        engine,
        frozenset(map(title_key, titles)) if titles else None,
        frozenset(map(title_key, excluded)),
    )


def _refuse_no_texts(where: str, titles: Any) -> None:
    """Raise InvalidOptions for a text, whose letters would be taken for titles, and for everything else."""
    if not isinstance(titles, (list, tuple)) or not all(
        isinstance(each, str) and each.strip() for each in titles
    ):
        raise InvalidOptions(f"{where} is no list of titles", "write it as in [Port Scan Detected]")


def _refuse_blameless(where: str, engine: str, title: str, is_stated: bool) -> None:
    kind = CATALOGUE.get((engine, title_key(title)))
    if kind is not None and not kind.blames_source:
        raise InvalidOptions(
            f'{where} has the title "{title}", whose source may not be the offender', "remove this title"
        )
    if kind is None and not is_stated:
        raise InvalidOptions(
            f'{where} has the title "{title}", which is not in the catalogue of {engine}',
            "correct it, or set offender: source if the source of such an alert is the offender",
        )


def read_networks(option: str, texts: Iterable[str], label: str) -> dict[Network, str]:
    """Read addresses and networks, all with one label. Raises InvalidOptions."""
    found: dict[Network, str] = {}
    for text in texts:
        try:
            network = ipaddress.ip_network(text.strip())
        except ValueError as error:
            raise InvalidOptions(f"{option}: {error}", WRITE_NETWORK) from None
        if "%" in text or (isinstance(network, ipaddress.IPv6Network) and network.subnet_of(MAPPED)):
            what = "a zone" if "%" in text else "an IPv4 address written as IPv6"
            raise InvalidOptions(
                f'{option}: "{text}" has {what}, so it is no address of a packet', WRITE_NETWORK
            )
        found[network] = label
    return found
