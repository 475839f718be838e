# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trusted hosts that come from the inventory: one that is merely missing there keeps its access.

An address is removed only by a declaration: its host is decommissioned, has another address, or belongs to
another site. The record of the API key knows which address came from which host. What it does not know was
added by others, and is removed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .._engine.apply import apply
from .._engine.secret import SecretEntry
from .._engine.task import Task
from .api_admin import network, networks

Hosts = Mapping[str, str]
"""Names by address, in the form of the option ``trusted_hosts`` after normalising."""


@dataclass(frozen=True)
class InventoryTrust:
    """The trusted hosts of one administrator.

    ``wanted`` are those that the inventory declares, ``kept`` those that stay although it does not, with an
    empty name if their origin is unknown. ``recorded`` is None if the store has no record of them.
    """

    wanted: Hosts
    kept: Hosts
    recorded: Hosts | None = None

    @property
    def now(self) -> dict[str, str]:
        return {**self.wanted, **self.kept}

    @property
    def meanwhile(self) -> dict[str, str]:
        """What may be a trusted host while the administrator is written."""
        return {**(self.recorded or {}), **self.now}

    def warnings(self) -> Iterator[str]:
        for address, name in sorted(self.kept.items()):
            if name:
                yield (
                    f"trusts {address} of {name}, which is left behind: the inventory does not have this "
                    "host, so it keeps its access; to remove it, add the host to its group and to the group "
                    "decommissioned, or set trusted_hosts"
                )
            else:
                yield (
                    f"trusts {address}, which may be a host that the inventory no longer has, so it keeps "
                    "its access; to remove it, set trusted_hosts"
                )


def inventory_trust(
    there: Sequence[str], wanted: Sequence[str], recorded: Hosts | None, inventory: Hosts
) -> InventoryTrust:
    """Return what is trusted after the task.

    ``there`` are the trusted hosts on the FortiGate, ``inventory`` the addresses of hosts by name, of all
    that may be or were declared. Without a record, the origin of a single address is not known.
    """
    names = {network(address): name for name, address in sorted(inventory.items())}
    hosts = {each: names.get(each, "") for each in networks(wanted)}
    extra = [each for each in there if each not in hosts and each not in names]
    if recorded is None:
        kept = {each: "" for each in extra if _is_single(each)}
    else:
        kept = {
            each: recorded[each] for each in extra if each in recorded and recorded[each] not in inventory
        }
    return InventoryTrust(hosts, kept, recorded)


def _is_single(host: str) -> bool:
    """Return whether a trusted host is one address: no host of an inventory is a network."""
    try:
        return ipaddress.ip_network(host).num_addresses == 1
    except ValueError:
        return False


@dataclass(frozen=True)
class TrustRecord:
    """The record of trusted hosts in the store of the administrator's key."""

    entry: SecretEntry
    hosts: Hosts

    def foresee(self) -> None:
        """Return None: a prediction writes nothing."""

    def carry_out(self) -> None:
        """Write it if it differs."""
        self.entry.remember_trusted(self.hosts)


def remember(task: Task, trusts: Mapping[str, InventoryTrust], *, is_done: bool) -> None:
    """Record the trusted hosts of each administrator with a stored key, before or after it was written.

    Before that, the hosts to remove are kept in the record: an interrupted run must not forget them.
    """
    if task.options["rotate_only"]:
        return
    for name, trust in trusts.items():
        if name in task.secrets:
            hosts = trust.now if is_done else trust.meanwhile
            apply(task, TrustRecord(task.secrets[name], dict(sorted(hosts.items()))))
