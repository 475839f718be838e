# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describes manageable objects: their options, and their form on the appliance."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .version import Spans, in_words, within

OTHER_PATHS = ("", ".", "..")
"""Segments that name no object: HTTP libraries resolve them, and the path becomes another one."""

LOST_BYTES = re.compile("[\ud800-\udfff\N{REPLACEMENT CHARACTER}]")
"""What bytes that are not UTF-8 are read as. No request can name an object by them."""


MINTED_NOW = "minted_now"
"""Marks an entry to delete that the same task created: its id is certain, even if it is not listed yet."""


class Incomplete(Exception):
    """The answer lacks a usable field that every version has, so it is not the whole object."""


def same(value: Any) -> Any:
    """Return the value unchanged."""
    return value


@dataclass(frozen=True)
class Field:
    """One option and its field on the appliance.

    - ``type``, ``elements``, ``choices``, ``required`` and ``option_default`` describe the option as in an
      argument spec. Fields that are only read omit them. ``children`` are suboptions.
    - ``default`` is the appliance's value if the field was never sent. A create does not send it.
    - ``versions`` have the field, all versions if empty. ``feature`` is what a model needs to have it.
      ``former`` maps its names in other versions to those versions.
    - An answer may omit ``optional`` fields whatever the version and the model. A missing field reads as
      ``absent_value``, or else as the default.
    - ``normalise`` brings a user's value and the appliance's to one form. It is idempotent and leaves unknown
      forms unchanged. ``decode`` and ``encode`` translate from and to the wire.
    - ``limits`` are the smallest and the largest valid number.
    - ``only_if`` is an option, and its value that makes this field meaningful.
    - ``refers_to`` is the kind of the objects that the value names.
    - ``missing`` is why this appliance does not have the field, see :meth:`for_version`.
    """

    wire: str
    type: str = "str"
    elements: str | None = None
    choices: Sequence[str] | None = None
    required: bool = False
    option_default: Any = None
    default: Any = None
    optional: bool = False
    versions: Spans = ()
    former: Mapping[str, Spans] = field(default_factory=dict)
    feature: str = ""
    absent_value: Any = None
    max_length: int | None = None
    limits: tuple[int, int] | None = None
    children: Mapping[str, Field] | None = None
    normalise: Callable[[Any], Any] = same
    decode: Callable[[Any], Any] = same
    encode: Callable[[Any], Any] = same
    only_if: tuple[str, Any] | None = None
    refers_to: Resource | None = None
    missing: str = ""

    def option_spec(self) -> dict[str, Any]:
        """Return this option's entry in an argument spec."""
        traits = {
            "type": self.type if self.children is None else "dict",
            "elements": self.elements,
            "choices": self.choices,
            "required": self.required or None,
            "default": self.option_default,
            "options": self.children and _option_specs(self.children),
        }
        return {trait: value for trait, value in traits.items() if value is not None}

    @property
    def varies(self) -> bool:
        """Whether some appliances do not have this field."""
        return bool(self.versions or self.former or self.feature)

    def varies_in(self, value: Any) -> bool:
        """Return whether some appliances may not support a value."""
        if self.varies and not self.is_absence(value):
            return True
        inner = value if self.children is not None and isinstance(value, Mapping) else {}
        return any(self.children[option].varies_in(inner[option]) for option in inner if self.children)

    def for_version(self, version: str | None, sample: Mapping[str, Any] | None) -> Field:
        """Return this field with its name on one appliance, or with the reason why it is missing.

        ``sample`` is an object of the appliance and better evidence than its version. Either may be None.
        """
        if not self.varies and self.children is None:
            return self
        names = {self.wire: self.versions, **self.former}
        if not self.varies or (sample is None and version is None):
            known = [self.wire]
        elif sample is not None:
            known = [name for name in names if name in sample]
        else:
            known = [name for name, spans in names.items() if within(str(version), spans)]
        wire = known[0] if known else self.wire
        inner = None if sample is None else sample.get(wire)
        children = self.children and {
            o: child.for_version(version, inner) for o, child in self.children.items()
        }
        return replace(self, wire=wire, children=children, missing="" if known else self._why_missing())

    def _why_missing(self) -> str:
        return f"exists only with {self.feature}" if self.feature else in_words(self.versions)

    def names(self, value: Any) -> list[str]:
        """Return the names of other objects in a value."""
        if self.refers_to is None or not value:
            return []
        return value if isinstance(value, list) else [value]

    def unsupported(self, option: str, value: Any) -> Iterator[str]:
        """Yield each part of a value that this appliance does not support, with the reason."""
        if self.children is not None and isinstance(value, Mapping) and not self.missing:
            for inner in value:
                yield from self.children[inner].unsupported(f"{option}.{inner}", value[inner])
        elif self.missing and not self.is_absence(value):
            yield f"{option} {self.missing}"

    def applies(self, options: Mapping[str, Any]) -> bool:
        """Return whether the other options make this field meaningful."""
        return self.only_if is None or options.get(self.only_if[0]) == self.only_if[1]

    def desired(self, value: Any) -> Any:
        """Normalise a user's value. Omitted suboptions stay omitted."""
        if self.children is None:
            return self.normalise(value)
        return {o: child.desired(value[o]) for o, child in self.children.items() if value.get(o) is not None}

    def from_wire(self, raw: Mapping[str, Any]) -> Any:
        """Read this field from an appliance's object. Raises Incomplete."""
        try:
            name = next((name for name in (self.wire, *self.former) if name in raw), None)
            if name is None and (self.optional or self.varies):
                return self._absence()
            return self._decoded(raw[name or self.wire])
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Incomplete(self.wire) from None

    def _decoded(self, value: Any) -> Any:
        if self.children is None:
            return self.normalise(self.decode(value))
        return {o: child.from_wire(value) for o, child in self.children.items()}

    def to_wire(self, value: Any) -> Any:
        """Return a normalised value in the appliance's form."""
        if self.children is None:
            return self.encode(value)
        return _to_wire(self.children, value)

    def without_unknown(self, value: Any, had: Any) -> Any:
        """Return what an update must send, without suboptions that this appliance may not have."""
        if self.children is None or not isinstance(had, Mapping):
            return value
        return {o: v for o, v in value.items() if v != had.get(o) or not self.children[o].is_absence(v)}

    def is_absence(self, value: Any) -> bool:
        """Return whether a value equals the value read from an appliance without this field."""
        return bool((self.optional or self.varies) and value == self._absence())

    def _absence(self) -> Any:
        return self.default if self.absent_value is None else self.absent_value

    def without_defaults(self, value: Any) -> Any:
        """Return what a create must send, None for nothing."""
        if self.children is None:
            return None if value == self.default else value
        kept = {o: child.without_defaults(value[o]) for o, child in self.children.items() if o in value}
        return {o: v for o, v in kept.items() if v is not None} or None


def _option_specs(fields: Mapping[str, Field]) -> dict[str, Any]:
    return {option: spec.option_spec() for option, spec in fields.items()}


def _to_wire(fields: Mapping[str, Field], values: Mapping[str, Any]) -> dict[str, Any]:
    return {f.wire: f.to_wire(values[o]) for o, f in fields.items() if o in values and not f.missing}


@dataclass(frozen=True)
class Resource:
    """A kind of object on an appliance, as data.

    - ``label`` is its name in sentences, ``kind`` its key in results, ``path`` its path on the appliance.
    - ``facts`` are fields that are shown but not managed.
    - ``delivers`` is the option of a secret that the appliance accepts but never returns. It is compared by
      the fingerprint of the last delivered value. The option with the suffix ``_ref`` is its reference.
    - Every update sends the ``resend`` options. A create needs ``create_requires``.
    - A purge never removes ``built_in`` objects. ``fixed`` objects cannot be changed at all.
    - ``guarded`` are the options by which an account can lock itself out. If there are any, deleting the
      object can do so too.
    - A ``singleton`` always exists.
    - ``on_parent``: a generated secret has no entry of its own, and reading it returns its parent object.
    - ``key_in_path``: the key is a segment of the object's path.
    - ``prepare`` completes the validated options of one object, and raises InvalidOptions for errors that a
      spec cannot express.
    - ``warn`` yields warnings about the object in its desired state and the appliance's ``partition``.
    - ``fold`` and ``unfold`` join and split wire fields that are one option.
    """

    label: str
    kind: str
    path: str
    fields: Mapping[str, Field]
    key: str = "name"
    facts: Mapping[str, Field] = field(default_factory=dict)
    delivers: str = ""
    resend: frozenset[str] = frozenset()
    create_requires: frozenset[str] = frozenset()
    built_in: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    guarded: frozenset[str] = frozenset()
    singleton: bool = False
    on_parent: bool = False
    key_in_path: bool = False
    prepare: Callable[[dict[str, Any]], dict[str, Any]] = same
    warn: Callable[[Mapping[str, Any], str | None], Iterable[str]] = lambda options, partition: ()
    fold: Callable[[Mapping[str, Any]], Mapping[str, Any]] = same
    unfold: Callable[[dict[str, Any]], dict[str, Any]] = same

    def argument_spec(self) -> dict[str, Any]:
        """Return the argument spec of the fields, without a delivered secret: its reference is the option."""
        return _option_specs({o: f for o, f in self.fields.items() if o != self.delivers})

    @property
    def clearable(self) -> frozenset[str]:
        """The options that an empty text clears. For any other option, an empty text means not given."""
        return frozenset(option for option, spec in self.fields.items() if spec.default == "")

    def title(self, key: Any) -> str:
        """Return one object's name in a sentence."""
        return self.label if self.singleton else f'{self.label} "{key}"'

    def problems(self, params: Mapping[str, Any]) -> list[str]:
        """Return the errors in the options that do not depend on the appliance's state."""
        return [
            *self._no_segment(params),
            *self._not_utf8(params),
            *self._too_long(params),
            *self._out_of_range(params),
            *self._without_meaning(params),
        ]

    def _no_segment(self, params: Mapping[str, Any]) -> Iterable[str]:
        if self.key_in_path and params.get(self.key) in OTHER_PATHS:
            yield f'{self.key} cannot be "{params[self.key]}", which leads to another path'

    def _not_utf8(self, params: Mapping[str, Any]) -> Iterable[str]:
        for option, spec in self.fields.items():
            value = params.get(option)
            names = [value] if option == self.key and self.key_in_path else spec.names(value)
            if any(LOST_BYTES.search(name) for name in names if name is not None):
                yield f"{option} has bytes that are not UTF-8, so no request can name the object"

    def _too_long(self, params: Mapping[str, Any]) -> Iterable[str]:
        for option, spec in self.fields.items():
            value = params.get(option)
            if spec.max_length is not None and value is not None and len(value) > spec.max_length:
                yield f"{option} has {len(value)} characters, at most {spec.max_length} are possible"

    def _out_of_range(self, params: Mapping[str, Any]) -> Iterable[str]:
        for option, spec in self.fields.items():
            value = params.get(option)
            if spec.limits and value is not None and not spec.limits[0] <= value <= spec.limits[1]:
                yield f"{option} is {value}, only {spec.limits[0]} to {spec.limits[1]} are possible"

    def _without_meaning(self, params: Mapping[str, Any]) -> Iterable[str]:
        for option, spec in self.fields.items():
            if spec.only_if and params.get(option) is not None and not spec.applies(params):
                yield f"{option} needs {spec.only_if[0]}: {spec.only_if[1]}"

    def desired(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the user's options, normalised. Omitted options stay omitted."""
        return {o: f.desired(params[o]) for o, f in self.fields.items() if params.get(o) is not None}

    def from_wire(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return an appliance's object in the options' form.

        Raises Incomplete if a field is missing that every version has.
        """
        folded = self.fold(raw)
        return self.applicable({o: f.from_wire(folded) for o, f in self.fields.items() if o != self.delivers})

    def applicable(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Omit the options that the other options make meaningless."""
        return {o: value for o, value in options.items() if self.fields[o].applies(options)}

    def described(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return an appliance's object in the options' form, with its unmanaged facts."""
        return {**self.from_wire(raw), **{o: f.from_wire(raw) for o, f in self.facts.items()}}

    def to_wire(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values in the appliance's form."""
        return self.unfold(_to_wire(self.fields, values))

    def for_version(self, version: str | None, sample: Mapping[str, Any] | None) -> Resource:
        """Return this resource as one appliance has it, see :meth:`Field.for_version`."""
        return replace(self, fields={o: f.for_version(version, sample) for o, f in self.fields.items()})

    def varies_in(self, values: Mapping[str, Any]) -> bool:
        """Return whether some appliances may not support these values."""
        meant = [f for f in self.fields.values() if f.varies and f.only_if and f.applies(values)]
        return bool(meant) or any(self.fields[option].varies_in(value) for option, value in values.items())

    def unsupported(self, values: Mapping[str, Any]) -> list[str]:
        """Return the parts of these values that this appliance does not support, with the reasons."""
        found = [part for o in values for part in self.fields[o].unsupported(o, values[o])]
        for option, spec in self.fields.items():
            if spec.missing and spec.only_if and values.get(spec.only_if[0]) == spec.only_if[1]:
                found.append(f"{spec.only_if[0]}: {spec.only_if[1]} needs {option}, which {spec.missing}")
        return found

    def without_defaults(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that a create must send."""
        kept = {o: self.fields[o].without_defaults(value) for o, value in values.items()}
        return {o: value for o, value in kept.items() if value is not None}
