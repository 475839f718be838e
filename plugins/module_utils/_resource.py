# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a manageable object is: its options, and how the appliance holds them.

Pure: standard library only. Private to this collection: may change at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


class Incomplete(Exception):
    """The appliance's answer lacks a usable field that every version has, so it is not the whole object."""


def same(value: Any) -> Any:
    """Leave a value as it is."""
    return value


@dataclass(frozen=True)
class Field:
    """One option and its place on the appliance.

    ``default`` is what the appliance holds when the field was never sent; such a value is not sent on
    create. ``optional`` fields are missing on some versions or models, where they read as the default.
    ``normalise`` brings a user's value and the appliance's to one form: idempotent, and it passes through
    what it does not understand. ``decode`` and ``encode`` translate from and to the wire.
    ``only_if`` names an option and the value it must have for this one to mean anything.
    """

    wire: str
    default: Any = None
    optional: bool = False
    max_length: int | None = None
    children: Mapping[str, Field] | None = None
    normalise: Callable[[Any], Any] = same
    decode: Callable[[Any], Any] = same
    encode: Callable[[Any], Any] = same
    only_if: tuple[str, Any] | None = None

    def applies(self, options: Mapping[str, Any]) -> bool:
        """Say whether this field means anything beside the other options."""
        return self.only_if is None or options.get(self.only_if[0]) == self.only_if[1]

    def desired(self, value: Any) -> Any:
        """Normalise what the user wrote; sub-options left out stay out."""
        if self.children is None:
            return self.normalise(value)
        return {o: child.desired(value[o]) for o, child in self.children.items() if value.get(o) is not None}

    def observed(self, raw: Mapping[str, Any]) -> Any:
        """Read this field out of the appliance's object. Raises Incomplete."""
        try:
            if self.optional and self.wire not in raw:
                return self.default
            return self._decoded(raw[self.wire])
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Incomplete(self.wire) from None

    def _decoded(self, value: Any) -> Any:
        if self.children is None:
            return self.normalise(self.decode(value))
        return {o: child.observed(value) for o, child in self.children.items()}

    def sent(self, value: Any) -> Any:
        """Put a normalised value into the appliance's form."""
        if self.children is None:
            return self.encode(value)
        return {child.wire: child.sent(value[o]) for o, child in self.children.items() if o in value}

    def without_unknown(self, value: Any, had: Any) -> Any:
        """Return what has to be sent on update: not what this appliance may never have heard of."""
        if self.children is None or not isinstance(had, Mapping):
            return value
        return {o: v for o, v in value.items() if v != had.get(o) or not self.children[o].is_absence(v)}

    def is_absence(self, value: Any) -> bool:
        """Say whether a value is also what an appliance without this field reads as."""
        return bool(self.optional and value == self.default)

    def without_defaults(self, value: Any) -> Any:
        """Return what has to be sent on create, None for nothing."""
        if self.children is None:
            return None if value == self.default else value
        kept = {o: child.without_defaults(value[o]) for o, child in self.children.items() if o in value}
        return {o: v for o, v in kept.items() if v is not None} or None


@dataclass(frozen=True)
class Resource:
    """A kind of object on an appliance, as data.

    ``kind`` is its name in sentences, ``noun`` its key in results, ``path`` its place on the appliance.
    ``secrets`` maps an option whose value the appliance accepts but never returns to the option that holds
    the reference to it; such a value is compared by the fingerprint last delivered. ``resend`` options go
    along with every update. ``immutable`` options cannot change, ``create_requires`` must be known to
    create. ``facts`` are fields that are shown but not managed. A ``singleton`` always exists. ``on_parent``
    says that a secret the appliance invents has no entry of its own: reading it finds the object that it
    belongs to. ``fold`` and ``unfold`` join and split wire fields that are one option to the user.
    """

    kind: str
    noun: str
    path: str
    fields: Mapping[str, Field]
    key: str = "name"
    facts: Mapping[str, Field] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    resend: frozenset[str] = frozenset()
    immutable: frozenset[str] = frozenset()
    create_requires: frozenset[str] = frozenset()
    singleton: bool = False
    on_parent: bool = False
    fold: Callable[[Mapping[str, Any]], Mapping[str, Any]] = same
    unfold: Callable[[dict[str, Any]], dict[str, Any]] = same

    def title(self, key: Any) -> str:
        """Name one object in a sentence."""
        return self.kind if self.singleton else f'{self.kind} "{key}"'

    def problems(self, params: Mapping[str, Any]) -> list[str]:
        """Say what cannot be right in the options, whatever the appliance holds."""
        return [*self._too_long(params), *self._without_meaning(params)]

    def _too_long(self, params: Mapping[str, Any]) -> Iterable[str]:
        for option, spec in self.fields.items():
            value = params.get(option)
            if spec.max_length is not None and value is not None and len(value) > spec.max_length:
                yield f"{option} has {len(value)} characters, at most {spec.max_length} are possible"

    def _without_meaning(self, params: Mapping[str, Any]) -> Iterable[str]:
        for option, spec in self.fields.items():
            if spec.only_if and params.get(option) is not None and not spec.applies(params):
                yield f"{option} needs {spec.only_if[0]}: {spec.only_if[1]}"

    def desired(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the user said, normalised; what was left out stays out."""
        return {o: f.desired(params[o]) for o, f in self.fields.items() if params.get(o) is not None}

    def observed(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the appliance holds, in the user's words.

        Raises Incomplete when a field is missing that every version has.
        """
        folded = self.fold(raw)
        return self.applicable(
            {o: f.observed(folded) for o, f in self.fields.items() if o not in self.secrets}
        )

    def applicable(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Leave out what means nothing beside the other options."""
        return {o: value for o, value in options.items() if self.fields[o].applies(options)}

    def described(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the appliance holds together with the facts that are not managed."""
        return {**self.observed(raw), **{o: f.observed(raw) for o, f in self.facts.items()}}

    def sent(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values as the appliance wants to receive them."""
        return self.unfold({f.wire: f.sent(values[o]) for o, f in self.fields.items() if o in values})

    def without_defaults(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that a create has to send."""
        kept = {o: self.fields[o].without_defaults(value) for o, value in values.items()}
        return {o: value for o, value in kept.items() if value is not None}
