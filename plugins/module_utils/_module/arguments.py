# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options of each product, and the validation of all options."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

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
    """The argument spec of one module, with rules such as ``required_if`` under Ansible's own names."""

    def __init__(self, spec: Spec, **rules: Any) -> None:
        self.spec = spec
        self.rules = rules
        self._validator = ArgumentSpecValidator(spec, **rules)

    def validate(
        self, options: Mapping[str, Any], clearable: Collection[str] = ()
    ) -> tuple[dict[str, Any], set[str]]:
        """Return the options with defaults and types applied, and the values that no output may show.

        None and an empty text mean that an option is not set. Only the ``clearable`` options may be empty,
        see Resource.clearable. Raises InvalidOptions.
        """
        given = _given(self.spec, options, clearable)
        checked = self._validator.validate(given)
        problems = [*checked.error_messages, *_empty_parts(checked.validated_parameters)]
        if problems:
            raise InvalidOptions(" and ".join(problems), _remedy(options, given))
        return checked.validated_parameters, set(checked._no_log_values)


def _given(spec: Spec, options: Mapping[str, Any], clearable: Collection[str] = ()) -> dict[str, Any]:
    """Return the options and suboptions that are set."""
    given = {o: v for o, v in options.items() if v is not None and (v != "" or o in clearable)}
    return {option: _inner_given(spec.get(option, {}), value) for option, value in given.items()}


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
