# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switches of an appliance: a frozen dataclass whose fields list their choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields, replace
from typing import Any, TypeVar

Options = TypeVar("Options")


class ConfigurationError(Exception):
    """The configuration of the lab, or a change of it, is invalid. The message says why and what to do."""


def switch(default: Any, *others: Any) -> Any:
    """Declare an option with its choices, the default first."""
    # Only used to declare the fields of a dataclass.
    return field(default=default, metadata={"choices": (default, *others)})  # pylint: disable=invalid-field-call


def require_known(given: Mapping[str, Any], *known: str) -> None:
    """Raise ConfigurationError for keys of a control request that are not known."""
    unknown = sorted(given.keys() - set(known))
    if unknown:
        raise ConfigurationError(
            f"there is no key {' and no key '.join(map(repr, unknown))}; use {', '.join(known)}"
        )


def changed(options: Options, changes: Mapping[str, Any]) -> Options:
    """Return a copy of the options with changes. Raises ConfigurationError for unknown names and values."""
    known = {item.name: item for item in fields(options)}  # type: ignore[arg-type]
    for name, value in changes.items():
        if name not in known:
            raise ConfigurationError(f"there is no option {name!r}; use one of {', '.join(known)}")
        choices = known[name].metadata.get("choices")
        if choices and value not in choices:
            raise ConfigurationError(
                f"option {name!r} is {value!r}; set one of {', '.join(map(repr, choices))}"
            )
    return replace(options, **changes)  # type: ignore[type-var]
