# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ordinary values instead of Ansible's own."""

from __future__ import annotations

import json
from typing import Any


def plain(value: Any) -> Any:
    """Return a copy made of built-in types alone.

    What reaches a plugin from ansible-core 2.19 on are tagged strings and lazy containers, which other
    libraries need not know.
    """
    return json.loads(json.dumps(value, default=str))
