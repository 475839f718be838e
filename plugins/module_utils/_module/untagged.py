# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Built-in types instead of Ansible's own."""

from __future__ import annotations

import json
from typing import Any


def plain(value: Any) -> Any:
    """Return a copy that consists of built-in types only.

    ansible-core 2.19 and newer pass tagged strings and lazy containers to plugins, which other libraries may
    not handle.
    """
    return json.loads(json.dumps(value, default=str))
