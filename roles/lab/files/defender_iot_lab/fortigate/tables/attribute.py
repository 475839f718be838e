# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of FortiOS tables, and rows of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from .refusal import invalid

Row = dict[str, Any]
Version = tuple[int, ...]


@dataclass(frozen=True)
class Rules:
    """The context of a check: existing objects, and those options of the device that have these names."""

    exists: Callable[[str, str], bool]
    unknown_attribute: str
    host_bits: str
    inactive_permission: str
    store_zero_trusthost: bool
    overlong_text: int | str
    member_put: int
    member_twice: int
    absent_member: int

    @classmethod
    def of(cls, options: Any, exists: Callable[[str, str], bool]) -> Rules:
        """Return the rules of a device. `exists` takes a datasource and a name, and may raise Refusal."""
        names = [item.name for item in fields(cls) if item.name != "exists"]
        return cls(exists, **{name: getattr(options, name) for name in names})


def parse_version(text: str) -> Version:
    """Return `7.4.5` as a comparable value."""
    return tuple(int(part) for part in text.split("."))


def since(first: str, before: str | None = None) -> tuple[tuple[str, str | None], ...]:
    """Return the firmware span from the release `first` to the release before `before`."""
    return ((first, before),)


def until(before: str) -> tuple[tuple[str, str | None], ...]:
    """Return the span of all firmware before a release."""
    return since("0", before)


@dataclass(frozen=True, kw_only=True)
class Attribute(ABC):
    """One attribute. It exists in its firmware spans, and if it has a feature, only with that feature."""

    spans: tuple[tuple[str, str | None], ...] = (("0", None),)
    feature: str | None = None
    required: bool = False

    def exists_in(self, version: Version, features: frozenset[str]) -> bool:
        """Return whether a firmware with these features has the attribute."""
        return (self.feature is None or self.feature in features) and any(
            parse_version(first) <= version and (before is None or version < parse_version(before))
            for first, before in self.spans
        )

    def known(self, version: Version, features: frozenset[str]) -> Attribute:
        """Return the attribute in the form that a firmware has."""
        return self

    def merged(self, have: Any, value: Any, rules: Rules) -> Any:
        """Return the value to store when `value` is written over `have`. Raises Refusal."""
        return self.parse(value, rules)

    def shown(self, value: Any) -> Any:
        """Return the value that a read returns for a stored value."""
        return value

    @abstractmethod
    def initial(self) -> Any:
        """Return the value in a new row that does not set the attribute."""

    @abstractmethod
    def parse(self, value: Any, rules: Rules) -> Any:
        """Return the value to store for a written value. Raises Refusal."""

    @abstractmethod
    def described(self) -> Row:
        """Return the description of the attribute in `action=schema`."""


def known(
    attributes: Mapping[str, Attribute], version: Version, features: frozenset[str]
) -> dict[str, Attribute]:
    """Return the attributes that exist in a firmware with these features."""
    return {
        name: attribute.known(version, features)
        for name, attribute in attributes.items()
        if attribute.exists_in(version, features)
    }


def initial(attributes: Mapping[str, Attribute]) -> Row:
    """Return a row of defaults."""
    return {name: attribute.initial() for name, attribute in attributes.items()}


def merged(attributes: Mapping[str, Attribute], have: Row, body: Any, rules: Rules) -> Row:
    """Return a new row with the values of a write. `have` stays unchanged, so a refusal has no effect."""
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
    """Return a row as this firmware returns it. Attributes that the row lacks have their default."""
    return {
        name: attribute.shown(row.get(name, attribute.initial())) for name, attribute in attributes.items()
    }


def described(attributes: Mapping[str, Attribute]) -> dict[str, Row]:
    """Return the descriptions of attributes in `action=schema`."""
    required = {True: {"required": True}, False: {}}
    return {
        name: {"name": name, **attribute.described(), **required[attribute.required]}
        for name, attribute in attributes.items()
    }


def with_origin(row: Row, key: str) -> Row:
    """Return a row with its origin key after its key, as in recorded answers."""
    return {key: row[key], "q_origin_key": row[key], **row}
