# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a stored secret belongs to: an object on an appliance."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Belonging:
    """The object that a secret belongs to.

    ``host`` is the inventory name of its appliance, ``address`` is that of :func:`address_of`, ``name`` is
    the object's name. ``serials`` are the serial numbers of the units that have answered: several for a
    cluster, none if the appliance states none.
    """

    host: str
    address: str
    name: str
    serials: tuple[str, ...] = ()

    def is_same(self, other: Belonging) -> bool:
        """Return whether both are the same object.

        A serial number alone cannot refute it: after a failover, another unit of an HA cluster answers, at
        the same address and for the same inventory host. Nor can an address, which an operator may change.
        Two hosts whose addresses were swapped differ in the serial number and in the address. Without serial
        numbers, the inventory name or the address decides.
        """
        if self.name != other.name:
            return False
        same_host, same_address = self.host == other.host, self.address == other.address
        if self.serials and other.serials:
            return not self.has_new_unit(other) or (same_host and same_address)
        return same_host or same_address

    def shares_appliance(self, other: Belonging) -> bool:
        """Return whether both are on one appliance, whatever its inventory names are."""
        if self.serials and other.serials:
            return not self.has_new_unit(other)
        return self.address == other.address

    def has_new_unit(self, other: Belonging) -> bool:
        """Return whether both have serial numbers, but no common one."""
        return bool(self.serials and other.serials) and not set(self.serials) & set(other.serials)

    @property
    def place(self) -> str:
        """The object and its appliance in a sentence."""
        known = ", ".join([self.address, *(f"serial number {serial}" for serial in self.serials)])
        return f'"{self.name}" of {self.host} ({known})'


def address_of(url: str) -> str:
    """Return host and port of a URL in lower case, without the default port. A malformed URL is returned."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
    except ValueError:
        return url
    return parts.netloc.rpartition("@")[2].lower().removesuffix(":443")
