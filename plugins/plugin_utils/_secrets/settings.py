# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of secret stores, as the variable ``defender_iot_secret_stores`` gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._engine.errors import InvalidOptions


def check_names(settings: Any, backend: str, known: Sequence[str]) -> None:
    """Raise InvalidOptions unless the settings are a mapping of known names."""
    if not isinstance(settings, Mapping) or not set(settings) <= set(known):
        raise InvalidOptions(
            f"the secret store {backend} takes a mapping of the settings {', '.join(known)} and no others"
        )
