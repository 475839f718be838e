# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of every module for a Defender for IoT sensor."""

from __future__ import annotations

from typing import Any

from .._module.arguments import Arguments, Spec, connection


def sensor(own: Spec, **rules: Any) -> Arguments:
    """Return the connection options and a module's own."""
    return Arguments({**connection("SENSOR"), **own}, required_together=[("username", "password")], **rules)


def sensor_api(own: Spec, **rules: Any) -> Arguments:
    """Return the options of :func:`sensor`, and the choice between a sensor and a management console."""
    api = {"type": "str", "choices": ["sensor", "management_console"], "default": "sensor"}
    return sensor({"api": api, **own}, **rules)
