# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes that a run in check mode has predicted so far: later tasks may depend on them."""

from __future__ import annotations


class Predictions:
    """The objects of one host that predicted changes create or delete, by path and name."""

    def __init__(self) -> None:
        self._exists: dict[tuple[str, str], bool] = {}

    def note(self, path: str, name: str, *, exists: bool) -> None:
        """Record that an object exists after a predicted change, or no longer exists."""
        self._exists[path, name] = exists

    def forget(self, path: str, name: str) -> None:
        """Drop the prediction for an object that is really written."""
        self._exists.pop((path, name), None)

    def exists(self, path: str, name: str) -> bool | None:
        """Return whether an object exists after the predicted changes, None if none concerns it."""
        return self._exists.get((path, name))
