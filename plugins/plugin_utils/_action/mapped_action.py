# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind the modules that take an endpoint map.

Apart from the other, so that a module without one need not import what checks it. Private to this collection:
may change at any time.
"""

from __future__ import annotations

from typing import Any

from .._endpoint_maps.load import load_endpoint_map
from .appliance import ApplianceAction


class MappedAction(ApplianceAction):
    """Runs one module that may be told how an appliance's web interface works."""

    def endpoint_map(self, path: str) -> dict[str, Any]:
        """Load an endpoint map. Raises InvalidOptions."""
        return load_endpoint_map(path, self._loader)
