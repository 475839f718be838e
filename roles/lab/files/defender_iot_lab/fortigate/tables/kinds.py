# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of attributes: which values they accept, store and return."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .attribute import (
    Attribute,
    Row,
    Rules,
    Version,
    described,
    initial,
    known,
    merged,
    parse_version,
    shown,
    with_origin,
)
from .refusal import (
    BAD_ADDRESS,
    BAD_NETMASK,
    COMMAND_ERROR,
    DUPLICATE,
    EMPTY_VALUE,
    NOT_IN_DATASOURCE,
    OUT_OF_RANGE,
    invalid,
)

ZERO_UUID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Text(Attribute):
    """A string of limited length. With datasources, it is the name of an object in one of them.

    Comments are a `var-string`. Schemas show no default for it, but a read returns an empty one. The code for
    a forbidden character is assumed.
    """

    limit: int
    datasources: tuple[str, ...] = ()
    kind: str = "string"
    forbidden: str = ""
    default: str = ""

    def initial(self) -> str:
        return self.default

    def parse(self, value: Any, rules: Rules) -> str:
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise invalid(value)
        text = str(value)
        if self.required and not text:
            raise invalid(text, EMPTY_VALUE)
        if not set(self.forbidden).isdisjoint(text):
            raise invalid(text)
        text = self._limited(text, rules)
        if text and self.datasources and not any(rules.exists(each, text) for each in self.datasources):
            raise invalid(text, NOT_IN_DATASOURCE, "entry not found in datasource")
        return text

    def _limited(self, text: str, rules: Rules) -> str:
        """Return a text of permitted length. What FortiOS does with a longer one is unknown."""
        if len(text) > self.limit and isinstance(rules.overlong_text, int):
            raise invalid(text, rules.overlong_text)
        return text[: self.limit]

    def described(self) -> Row:
        described: Row = {"type": self.kind, "category": "unitary", "size": self.limit}
        if self.kind == "string":
            described["default"] = self.default
        return described | ({"datasource": list(self.datasources)} if self.datasources else {})


@dataclass(frozen=True)
class Choice(Attribute):
    """One of a few words, by default the first. `later` lists words with the first release that has them."""

    words: tuple[str, ...]
    later: tuple[tuple[str, str], ...] = ()

    def known(self, version: Version, features: frozenset[str]) -> Choice:
        later = tuple(word for word, first in self.later if parse_version(first) <= version)
        return replace(self, words=self.words + later)

    def initial(self) -> str:
        return self.words[0]

    def parse(self, value: Any, rules: Rules) -> str:
        if value not in self.words:
            raise invalid(value)
        return str(value)

    def described(self) -> Row:
        options = [{"name": word, "help": word} for word in self.words]
        described = {"type": "option", "category": "unitary", "default": self.initial(), "options": options}
        return described | {"multiple_values": False}


@dataclass(frozen=True)
class Number(Attribute):
    """An integer in a range."""

    low: int
    high: int
    default: int = 0

    def initial(self) -> int:
        return self.default

    def parse(self, value: Any, rules: Rules) -> int:
        """Accept integers, also as text."""
        if isinstance(value, bool):
            raise invalid(value)
        try:
            number = int(value)
        except (TypeError, ValueError):
            raise invalid(value) from None
        if not self.low <= number <= self.high:
            raise invalid(value, OUT_OF_RANGE)
        return number

    def described(self) -> Row:
        limits = {"min-value": self.low, "max-value": self.high}
        return {"type": "integer", "category": "unitary", "default": self.default, **limits}


@dataclass(frozen=True)
class Network4(Attribute):
    """An IPv4 network: accepts `address/length` and `address mask`, returns `address mask` (observed)."""

    def initial(self) -> str:
        return "0.0.0.0 0.0.0.0"

    def parse(self, value: Any, rules: Rules) -> str:
        """Return `address mask`. Whether FortiOS keeps host bits is unknown, so there is an option."""
        try:
            interface = ipaddress.IPv4Interface("/".join(str(value).split()))
        except ipaddress.NetmaskValueError:
            raise invalid(value, BAD_NETMASK) from None
        except ValueError:
            raise invalid(value, BAD_ADDRESS) from None
        address = interface.ip if rules.host_bits == "kept" else interface.network.network_address
        return f"{address} {interface.netmask}"

    def described(self) -> Row:
        return {"type": "ipv4-classnet", "category": "unitary", "default": self.initial()}


@dataclass(frozen=True)
class Network6(Attribute):
    """An IPv6 network: returns `prefix/length`, compressed and in lower case (observed)."""

    def initial(self) -> str:
        return "::/0"

    def parse(self, value: Any, rules: Rules) -> str:
        try:
            interface = ipaddress.IPv6Interface(str(value))
        except ipaddress.NetmaskValueError:
            raise invalid(value, BAD_NETMASK) from None
        except ValueError:
            raise invalid(value, BAD_ADDRESS) from None
        return str(interface if rules.host_bits == "kept" else interface.network)

    def described(self) -> Row:
        return {"type": "ipv6-prefix", "category": "unitary", "default": self.initial()}


@dataclass(frozen=True)
class Host(Attribute):
    """One IP address, by default the unspecified one."""

    default: str = "0.0.0.0"  # noqa: S104 - no socket

    def initial(self) -> str:
        return self.default

    def parse(self, value: Any, rules: Rules) -> str:
        try:
            address = ipaddress.ip_address(str(value))
        except ValueError:
            raise invalid(value, BAD_ADDRESS) from None
        if address.version != ipaddress.ip_address(self.default).version:
            raise invalid(value, BAD_ADDRESS)
        return str(address)

    def described(self) -> Row:
        kind = "ipv6-address" if ":" in self.default else "ipv4-address-any"
        return {"type": kind, "category": "unitary", "default": self.default}


@dataclass(frozen=True)
class Uuid(Attribute):
    """The identity of an object. The device assigns it if a write does not."""

    def initial(self) -> str:
        return ZERO_UUID

    def parse(self, value: Any, rules: Rules) -> str:
        try:
            return str(uuid.UUID(str(value)))
        except ValueError:
            raise invalid(value) from None

    def described(self) -> Row:
        return {"type": "uuid", "category": "unitary", "default": ZERO_UUID}


@dataclass(frozen=True)
class Masked(Attribute):
    """A secret that cannot be written in clear (observed on 6.4.4). Reads return it masked."""

    limit: int

    def initial(self) -> None:
        """Return None, because the device generates the secret."""

    def parse(self, value: Any, rules: Rules) -> str:
        raise invalid("api-key", COMMAND_ERROR)

    def described(self) -> Row:
        return {"type": "password-2", "category": "unitary", "size": self.limit}


@dataclass(frozen=True)
class Group(Attribute):
    """An object of attributes. A write merges it child by child."""

    children: Mapping[str, Attribute] = field(default_factory=dict)

    def known(self, version: Version, features: frozenset[str]) -> Group:
        return replace(self, children=known(self.children, version, features))

    def initial(self) -> Row:
        return initial(self.children)

    def parse(self, value: Any, rules: Rules) -> Row:
        return self.merged(self.initial(), value, rules)

    def merged(self, have: Row, value: Any, rules: Rules) -> Row:
        return merged(self.children, have, value, rules)

    def shown(self, value: Row) -> Row:
        return shown(self.children, value)

    def described(self) -> Row:
        return {"category": "complex", "children": described(self.children)}


@dataclass(frozen=True)
class Rows(Attribute):
    """A child table. A write replaces it as a whole (observed)."""

    key: str
    children: Mapping[str, Attribute] = field(default_factory=dict)

    def initial(self) -> list[Row]:
        return []

    def parse(self, value: Any, rules: Rules) -> list[Row]:
        """Accept a list of objects. The next free number replaces a key 0."""
        if not isinstance(value, list):
            raise invalid(value)
        rows: list[Row] = []
        keys = set()
        for item in value:
            row = merged(self.children, initial(self.children), item, rules)
            if row[self.key] == 0:
                row[self.key] = max((other[self.key] for other in rows), default=0) + 1
            if row[self.key] in keys:
                raise invalid(row[self.key], DUPLICATE)
            keys.add(row[self.key])
            rows.append(row)
        return rows

    def shown(self, value: list[Row]) -> list[Row]:
        """Return the rows in the order of the write, each with its origin key."""
        return [with_origin(shown(self.children, row), self.key) for row in value]

    def described(self) -> Row:
        keys = {"mkey": self.key, "mkey_type": self.children[self.key].described()["type"]}
        return {"category": "table", **keys, "children": described(self.children)}


@dataclass(frozen=True)
class Names(Rows):
    """A list of names of other objects. `size` is the most names, 0 without a limit.

    FortiOS ignores an object in place of the list (observed).
    """

    key: str = "name"
    size: int = 0

    @classmethod
    def of(cls, *datasources: str, **more: Any) -> Names:
        """Return a list of names from these datasources."""
        return cls(children={"name": Text(79, datasources, required=True)}, **more)

    def merged(self, have: list[Row], value: Any, rules: Rules) -> list[Row]:
        return have if isinstance(value, dict) else super().merged(have, value, rules)

    def described(self) -> Row:
        return {**super().described(), "max_table_size_item": self.size}
