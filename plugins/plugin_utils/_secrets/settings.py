# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of the secret stores, from the variable ``defender_iot_secret_stores``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._engine.errors import InvalidOptions


def check_names(settings: Any, backend: str, known: Sequence[str]) -> None:
    """Raise InvalidOptions unless the settings are a mapping of known names."""
    listed = ", ".join(known)
    if not isinstance(settings, Mapping):
        raise InvalidOptions(
            f"the settings of the secret store {backend} are not a mapping", f"use a mapping of {listed}"
        )
    unknown = sorted(str(name) for name in settings if name not in known)
    if unknown:
        raise InvalidOptions(
            f'the secret store {backend} has no setting "{unknown[0]}"', f"use only the settings {listed}"
        )
