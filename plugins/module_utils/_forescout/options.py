# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of every module for a Forescout platform."""

from __future__ import annotations

from typing import Any

from .._module.arguments import Arguments, Spec, connection


def forescout(own: Spec, **rules: Any) -> Arguments:
    """Return the connection options and a module's own.

    The required connection options depend on the transport, so the rules of the module name them.
    """
    spec = connection("FORESCOUT")
    optional_url = {"url": {**spec["url"], "required": False}}
    return Arguments({**spec, **optional_url, **own}, required_together=[("username", "password")], **rules)
