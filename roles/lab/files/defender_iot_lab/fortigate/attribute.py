# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of FortiOS tables: what they accept, how they are stored, how they read back."""

from __future__ import annotations

import ipaddress
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Row = dict[str, Any]
Version = tuple[int, ...]

INVALID_LENGTH = -1
NOT_IN_DATASOURCE = -3
TABLE_FULL = -4
DUPLICATE = -5
BAD_ADDRESS = -8
BAD_NETMASK = -9
IN_USE = -23
PERMISSION_DENIED = -37
EMPTY_VALUE = -56
COMMAND_ERROR = -61
OUT_OF_RANGE = -650
INVALID_VALUE = -651
PASSWORD_REQUIRED = -8102
# What the documentation calls a failed dependency: a duplicate, missing or invalid parameter.
FAILED_DEPENDENCY = frozenset(
    {
        INVALID_LENGTH,
        NOT_IN_DATASOURCE,
        DUPLICATE,
        BAD_ADDRESS,
        BAD_NETMASK,
        EMPTY_VALUE,
        OUT_OF_RANGE,
        INVALID_VALUE,
    }
)


class Refusal(Exception):
    """FortiOS refuses a request: error code, the lines the command line would print, and HTTP status.

    A code of None means that the status says it all. `more` goes into the envelope.
    """

    def __init__(
        self, code: int | None = None, lines: Sequence[str] = (), status: int = 500, **more: Any
    ) -> None:
        super().__init__(code)
        self.code = code
        self.lines = list(lines)
        self.status = status
        self.more = more


def invalid(value: object, code: int = INVALID_VALUE, *reasons: str) -> Refusal:
    """Return the refusal of a value that cannot be parsed (lines observed for -3)."""
    parse_error = f"value parse error before '{value}'"
    return Refusal(code, [*reasons, parse_error, f"Command fail. Return code {code}"])


@dataclass(frozen=True)
class Rules:
    """What a value is checked against besides its attribute."""

    exists: Callable[[str, str], bool]
    unknown_attribute: str
    host_bits: str
    inactive_permission: str
    store_zero_trusthost: bool


def parse_version(text: str) -> Version:
    """Return `7.4.5` as a comparable value."""
    return tuple(int(part) for part in text.split("."))


def since(first: str, before: str | None = None) -> tuple[tuple[str, str | None], ...]:
    """Return the span of firmware from a release on, up to but not including another."""
    return ((first, before),)


def until(before: str) -> tuple[tuple[str, str | None], ...]:
    """Return the span of firmware before a release."""
    return since("0", before)


@dataclass(frozen=True, kw_only=True)
class Attribute(ABC):
    """One attribute; it exists in the spans of firmware given, and with a feature only where that is on."""

    spans: tuple[tuple[str, str | None], ...] = (("0", None),)
    feature: str | None = None
    required: bool = False

    def exists_in(self, version: Version, features: frozenset[str]) -> bool:
        """Tell whether a firmware with these features knows the attribute."""
        return (self.feature is None or self.feature in features) and any(
            parse_version(first) <= version and (before is None or version < parse_version(before))
            for first, before in self.spans
        )

    def known(self, version: Version, features: frozenset[str]) -> Attribute:
        """Return the attribute as a firmware knows it."""
        return self

    def merged(self, have: Any, value: Any, rules: Rules) -> Any:
        """Return what is stored when a value is written over what is there."""
        return self.parse(value, rules)

    def shown(self, value: Any) -> Any:
        """Return how a stored value reads back."""
        return value

    @abstractmethod
    def initial(self) -> Any:
        """Return the value of a new row that does not name the attribute."""

    @abstractmethod
    def parse(self, value: Any, rules: Rules) -> Any:
        """Return a written value as it is stored, or refuse it."""

    @abstractmethod
    def described(self) -> Row:
        """Return the attribute as `action=schema` describes it."""


@dataclass(frozen=True)
class Text(Attribute):
    """A string of limited length, possibly the name of something that must exist.

    Comments are a `var-string`, for which schemas show no default; it reads back empty all the same.
    """

    limit: int
    datasource: str | None = None
    kind: str = "string"

    def initial(self) -> str:
        """Return the empty string."""
        return ""

    def parse(self, value: Any, rules: Rules) -> str:
        """Accept strings and numbers."""
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise invalid(value)
        text = str(value)
        if len(text) > self.limit:
            raise invalid(text, INVALID_LENGTH)
        if self.required and not text:
            raise invalid(text, EMPTY_VALUE)
        if self.datasource and not rules.exists(self.datasource, text):
            raise invalid(text, NOT_IN_DATASOURCE, "entry not found in datasource")
        return text

    def described(self) -> Row:
        """Describe a string."""
        described: Row = {"type": self.kind, "category": "unitary", "size": self.limit}
        if self.kind == "string":
            described["default"] = ""
        return described | ({"datasource": [self.datasource]} if self.datasource else {})


@dataclass(frozen=True)
class Choice(Attribute):
    """One of a few words, the first by default; later firmware may know more (word, first release)."""

    words: tuple[str, ...]
    later: tuple[tuple[str, str], ...] = ()

    def known(self, version: Version, features: frozenset[str]) -> Choice:
        """Return the choice with the words a firmware knows."""
        later = tuple(word for word, first in self.later if parse_version(first) <= version)
        return replace(self, words=self.words + later)

    def initial(self) -> str:
        """Return the default."""
        return self.words[0]

    def parse(self, value: Any, rules: Rules) -> str:
        """Accept the words only."""
        if value not in self.words:
            raise invalid(value)
        return str(value)

    def described(self) -> Row:
        """Describe an option."""
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
        """Return the default."""
        return self.default

    def parse(self, value: Any, rules: Rules) -> int:
        """Accept integers and their digits."""
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
        """Describe an integer."""
        limits = {"min-value": self.low, "max-value": self.high}
        return {"type": "integer", "category": "unitary", "default": self.default, **limits}


@dataclass(frozen=True)
class Network4(Attribute):
    """An IPv4 network; takes `address/length` and `address mask`, reads back the latter (observed)."""

    def initial(self) -> str:
        """Return the network of all addresses."""
        return "0.0.0.0 0.0.0.0"

    def parse(self, value: Any, rules: Rules) -> str:
        """Return `address mask`; whether bits below the mask survive is unknown, hence an option."""
        try:
            interface = ipaddress.IPv4Interface("/".join(str(value).split()))
        except ipaddress.NetmaskValueError:
            raise invalid(value, BAD_NETMASK) from None
        except ValueError:
            raise invalid(value, BAD_ADDRESS) from None
        address = interface.ip if rules.host_bits == "kept" else interface.network.network_address
        return f"{address} {interface.netmask}"

    def described(self) -> Row:
        """Describe a network."""
        return {"type": "ipv4-classnet", "category": "unitary", "default": self.initial()}


@dataclass(frozen=True)
class Network6(Attribute):
    """An IPv6 network; reads back as `prefix/length`, compressed and in lower case (observed)."""

    def initial(self) -> str:
        """Return the network of all addresses."""
        return "::/0"

    def parse(self, value: Any, rules: Rules) -> str:
        """Return `prefix/length`."""
        try:
            interface = ipaddress.IPv6Interface(str(value))
        except ipaddress.NetmaskValueError:
            raise invalid(value, BAD_NETMASK) from None
        except ValueError:
            raise invalid(value, BAD_ADDRESS) from None
        return str(interface if rules.host_bits == "kept" else interface.network)

    def described(self) -> Row:
        """Describe a prefix."""
        return {"type": "ipv6-prefix", "category": "unitary", "default": self.initial()}


@dataclass(frozen=True)
class Masked(Attribute):
    """A secret that cannot be written in clear (observed on 6.4.4) and reads back masked."""

    limit: int

    def initial(self) -> None:
        """Return nothing: the device makes the secret."""

    def parse(self, value: Any, rules: Rules) -> str:
        """Refuse every value."""
        raise invalid("api-key", COMMAND_ERROR)

    def described(self) -> Row:
        """Describe a password."""
        return {"type": "password-2", "category": "unitary", "size": self.limit}


@dataclass(frozen=True)
class Group(Attribute):
    """An object of attributes that a write merges child by child."""

    children: Mapping[str, Attribute] = field(default_factory=dict)

    def known(self, version: Version, features: frozenset[str]) -> Group:
        """Return the group with the children a firmware knows."""
        return replace(self, children=known(self.children, version, features))

    def initial(self) -> Row:
        """Return the defaults of all children."""
        return initial(self.children)

    def parse(self, value: Any, rules: Rules) -> Row:
        """Accept an object."""
        return self.merged(self.initial(), value, rules)

    def merged(self, have: Row, value: Any, rules: Rules) -> Row:
        """Write some children over those that are there."""
        return merged(self.children, have, value, rules)

    def shown(self, value: Row) -> Row:
        """Return all children this firmware knows, in its order."""
        return shown(self.children, value)

    def described(self) -> Row:
        """Describe a complex attribute."""
        return {"category": "complex", "children": described(self.children)}


@dataclass(frozen=True)
class Rows(Attribute):
    """A child table that a write replaces as a whole (observed)."""

    key: str
    children: Mapping[str, Attribute] = field(default_factory=dict)

    def initial(self) -> list[Row]:
        """Return no rows."""
        return []

    def parse(self, value: Any, rules: Rules) -> list[Row]:
        """Accept a list of objects; a number 0 as key is replaced by the next free one."""
        if not isinstance(value, list):
            raise invalid(value)
        rows: list[Row] = []
        for item in value:
            row = merged(self.children, initial(self.children), item, rules)
            if row[self.key] == 0:
                row[self.key] = max((other[self.key] for other in rows), default=0) + 1
            if any(other[self.key] == row[self.key] for other in rows):
                raise invalid(row[self.key], DUPLICATE)
            rows.append(row)
        return rows

    def shown(self, value: list[Row]) -> list[Row]:
        """Return the rows in the order they were written, each with its origin key."""
        return [with_origin(shown(self.children, row), self.key) for row in value]

    def described(self) -> Row:
        """Describe a table."""
        keys = {"mkey": self.key, "mkey_type": self.children[self.key].described()["type"]}
        return {"category": "table", **keys, "children": described(self.children)}


def known(
    attributes: Mapping[str, Attribute], version: Version, features: frozenset[str]
) -> dict[str, Attribute]:
    """Return the attributes that a firmware with these features knows."""
    return {
        name: attribute.known(version, features)
        for name, attribute in attributes.items()
        if attribute.exists_in(version, features)
    }


def initial(attributes: Mapping[str, Attribute]) -> Row:
    """Return a row of defaults."""
    return {name: attribute.initial() for name, attribute in attributes.items()}


def merged(attributes: Mapping[str, Attribute], have: Row, body: Any, rules: Rules) -> Row:
    """Return a row after a write; the row that is there stays untouched, so a refusal leaves no trace."""
    if not isinstance(body, dict):
        raise invalid(body)
    row = dict(have)
    for name, value in body.items():
        if name in attributes:
            attribute = attributes[name]
            row[name] = attribute.merged(have.get(name, attribute.initial()), value, rules)
        elif rules.unknown_attribute == "reject" and name != "q_origin_key":
            raise invalid(name)
    return row


def shown(attributes: Mapping[str, Attribute], row: Row) -> Row:
    """Return a row as this firmware shows it; what it did not know at the write has its default."""
    return {
        name: attribute.shown(row.get(name, attribute.initial())) for name, attribute in attributes.items()
    }


def described(attributes: Mapping[str, Attribute]) -> dict[str, Row]:
    """Return the attributes as `action=schema` lists them."""
    required = {True: {"required": True}, False: {}}
    return {
        name: {"name": name, **attribute.described(), **required[attribute.required]}
        for name, attribute in attributes.items()
    }


def with_origin(row: Row, key: str) -> Row:
    """Return a row with its origin key, which follows the key as in recorded answers."""
    return {key: row[key], "q_origin_key": row[key], **row}
