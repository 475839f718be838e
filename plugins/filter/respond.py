# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sites of a run of the role respond, and the appliances that are never blocked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._engine.errors import InvalidOptions
from ..plugin_utils._respond_run.infrastructure import appliance_at
from ..plugin_utils._respond_run.sites import plan_sites


def respond_sites(
    groups: Mapping[str, Iterable[str]],
    hostvars: Mapping[str, Mapping[str, Any]],
    hosts: Iterable[str],
    only: Iterable[str] | str | None = None,
) -> dict[str, Any]:
    """Return the sites of a run. Raises AnsibleFilterError."""
    try:
        return plan_sites(groups, hostvars, hosts, only)
    except InvalidOptions as error:
        raise AnsibleFilterError(error.sentence("control node")) from None


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"appliance_at": appliance_at, "respond_sites": respond_sites}
