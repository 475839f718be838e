# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switches of an appliance: a frozen dataclass whose fields say which values they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields, replace
from typing import Any, TypeVar

Options = TypeVar("Options")


class ConfigurationError(Exception):
    """The configuration of the lab, or a change of it, makes no sense; the message says why."""


def switch(default: Any, *others: Any) -> Any:
    """Declare an option that takes its default or one of the other values."""
    # Called where a dataclass declares its fields.
    return field(default=default, metadata={"choices": (default, *others)})  # pylint: disable=invalid-field-call


def changed(options: Options, changes: Mapping[str, Any]) -> Options:
    """Return the options with some of them changed, after checking names and values."""
    known = {item.name: item for item in fields(options)}  # type: ignore[arg-type]
    for name, value in changes.items():
        if name not in known:
            raise ConfigurationError(f"there is no option {name!r}; known: {', '.join(known)}")
        choices = known[name].metadata.get("choices")
        if choices and value not in choices:
            raise ConfigurationError(f"option {name!r} takes {', '.join(map(repr, choices))}, not {value!r}")
    return replace(options, **changes)  # type: ignore[type-var]
