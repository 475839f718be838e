# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters for the rollouts of the playbook `site`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ..plugin_utils._rollout.batches import batches, errors, stop_reason


def rollout_stop_reason(
    rollout: Mapping[str, Any], planned: Sequence[Mapping[str, Any]], host: str, hostvars: Mapping[str, Any]
) -> str:
    """Return why the batch of this host must not start now, or an empty text."""
    return stop_reason(rollout, planned, host, hostvars, datetime.now(UTC))


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "rollout_errors": errors,
            "rollout_batches": batches,
            "rollout_stop_reason": rollout_stop_reason,
        }
