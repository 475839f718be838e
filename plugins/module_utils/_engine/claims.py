# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which host of a run stores which key.

Two hosts with two references for one key would each replace the key that the other has stored.
"""

from __future__ import annotations


class Claims:
    """The first claim of each key in a run."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], tuple[str, str]] = {}

    def rival(self, appliance: str, name: str, ref: str, host: str) -> str | None:
        """Claim a key for a reference. Return the other host that has claimed it for another reference.

        ``appliance`` is its serial number or address, ``name`` the name of the key's administrator, ``host``
        the inventory host of the task.
        """
        first_ref, first_host = self._first.setdefault((appliance, name), (ref, host))
        return None if first_ref == ref or first_host == host else first_host
