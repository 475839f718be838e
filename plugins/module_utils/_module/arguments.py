# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options of each product, and the validation of all options."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult

from .._engine.errors import InvalidOptions

Spec = dict[str, Any]

STATE: Spec = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}

ROTATE_ONLY: Spec = {"rotate_only": {"type": "bool", "default": False}}

SELF_CHANGE: Spec = {"allow_self_change": {"type": "bool", "default": False}}

ONE_TIME_SECRET: Spec = {
    "secret_ref": {"type": "str", "required": True, "no_log": False},
    "rotation_id": {"type": "str"},
    "max_age": {"type": "int"},
    "return_secret": {"type": "bool", "default": False, "no_log": False},
}


class Arguments:
    """The argument spec of one module, with rules such as ``required_if`` under Ansible's own names.

    ``texts`` are the options that must not be numbers, suboptions with a dot. Ansible would turn a number
    into a text, and YAML reads 2.10 without quotes as the number 2.1.
    """

    def __init__(self, spec: Spec, texts: Collection[str] = (), **rules: Any) -> None:
        self.spec = spec
        self.texts = texts
        self.rules = rules
        self._validator = ArgumentSpecValidator(spec, **rules)

    def validate(
        self,
        options: Mapping[str, Any],
        clearable: Collection[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> tuple[dict[str, Any], set[str]]:
        """Return the options with defaults and types applied, and the values that no output may show.

        None and an empty text mean that an option is not set, but are refused for a list that is empty by
        default. Only the ``clearable`` options may be empty, see Resource.clearable. ``environment``
        overrides the variables of this process. Raises InvalidOptions.
        """
        given = {**self._fallbacks(environment or {}), **_given(self.spec, options, clearable)}
        self._refuse_numbers(given)
        checked = self._validator.validate(given)
        self._refuse_unsupported(checked)
        problems = [*checked.error_messages, *_empty_parts(checked.validated_parameters)]
        if problems:
            raise InvalidOptions(" and ".join(problems), _remedy(options, given))
        return checked.validated_parameters, set(checked._no_log_values)

    def _fallbacks(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the options that an environment sets: each by the first variable that is not empty."""
        variables = {name: spec["fallback"][1] for name, spec in self.spec.items() if "fallback" in spec}
        found = {
            name: next(filter(None, map(environment.get, each)), None) for name, each in variables.items()
        }
        return {name: value for name, value in found.items() if value is not None}

    def _refuse_numbers(self, given: Mapping[str, Any]) -> None:
        """Raise InvalidOptions for a number or a truth value where a text is meant."""
        for path in self.texts:
            for value in _values_of(given, path.split(".")):
                if isinstance(value, (bool, int, float)):
                    raise InvalidOptions(
                        f"{path} is {value}, which is not a text: YAML reads 2.10 without quotes as the "
                        "number 2.1, and yes as true",
                        'write the text in quotes, such as "2.10"',
                    )

    def _refuse_unsupported(self, checked: ValidationResult) -> None:
        """Raise InvalidOptions for unknown options and suboptions, with the names they may be meant for."""
        found = checked.unsupported_parameters
        paths = sorted([*each] if isinstance(each, tuple) else [each] for each in found)
        if not paths:
            return
        close = [name for path in paths for name in _close_names(self.spec, path)]
        raise InvalidOptions(
            f"unsupported option {', '.join('.'.join(path) for path in paths)}",
            f"use {' or '.join(dict.fromkeys(close))}" if close else "remove it",
        )


def _values_of(value: Any, path: Sequence[str]) -> Iterator[Any]:
    """Yield the values of an option, also of each entry of a list."""
    if isinstance(value, list):
        for each in value:
            yield from _values_of(each, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping):
        yield from _values_of(value.get(path[0]), path[1:])


def _close_names(spec: Spec, path: list[str]) -> list[str]:
    """Return the supported options whose names are similar to the last name of a path, the closest first."""
    for option in path[:-1]:
        spec = spec[option]["options"]
    return [".".join([*path[:-1], name]) for name in get_close_matches(path[-1], spec)]


def _given(spec: Spec, options: Mapping[str, Any], clearable: Collection[str] = ()) -> dict[str, Any]:
    """Return the options and suboptions that are set."""
    given = {
        str(option): "" if value is None else value
        for option, value in options.items()
        if value not in (None, "")
        or (value == "" and option in clearable)
        or _is_guarded(spec.get(option, {}))
    }
    return {option: _inner_given(spec.get(option, {}), value) for option, value in given.items()}


def _is_guarded(option: Spec) -> bool:
    """Return whether an option is a list that is empty by default, so that a lost value has to be noticed.

    Such a list protects something. An unset variable behind it would remove that protection.
    """
    return option.get("default") == []


def _inner_given(option: Spec, value: Any) -> Any:
    return _given(option["options"], value) if "options" in option and isinstance(value, Mapping) else value


def _empty_parts(params: Mapping[str, Any]) -> Iterator[str]:
    """Name the options whose lists or suboptions contain an empty text."""
    for option, value in params.items():
        parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
        if "" in parts:
            yield f"{option} contains an empty text"


def _remedy(options: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """Name the empty options too: often a variable or a lookup behind them has no value."""
    names = [option for option, value in options.items() if value == "" and option not in given]
    note = f", and note that an empty text counts as not set: {', '.join(names)}" if names else ""
    return f"correct the options of the task{note}"


def require(params: Mapping[str, Any], *options: str) -> None:
    """Raise InvalidOptions if an option is not set that only some modules of a product require."""
    missing = [option for option in options if params[option] is None]
    if missing:
        raise InvalidOptions(
            f"missing required arguments: {', '.join(missing)}", f"set {' and '.join(missing)}"
        )


def from_environment(*variables: str) -> Any:
    """Return the first environment variable that is set and not empty. The fallback of an option."""
    return env_fallback(*(variable for variable in variables if os.environ.get(variable)))


def connection(product: str, *second: str) -> Spec:
    """Return the connection options of a product, each with an environment variable as fallback.

    ``second`` are environment variables of other tools, as ``OPTION=VARIABLE``. They are read last.
    """
    others = dict(pair.split("=") for pair in second)

    def option(name: str, **spec: Any) -> Spec:
        variables = [f"{product}_{name.upper()}", *([others[name]] if name in others else [])]
        return {name: {**spec, "fallback": (from_environment, variables)}}

    return {
        **option("url", type="str", required=True),
        **option("token", type="str", no_log=True),
        **option("username", type="str"),
        **option("password", type="str", no_log=True),
        **option("validate_certs", type="bool", default=True),
        **option("ca_path", type="path"),
        **option("cert_fingerprint", type="str"),
        **option("client_cert", type="path"),
        **option("client_key", type="path", no_log=False),
        **option("proxy", type="str", no_log=True),
        **option("connect_timeout", type="int", default=10),
        **option("timeout", type="int", default=30),
    }
