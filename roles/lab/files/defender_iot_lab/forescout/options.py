# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mock Forescout leaves open: the switches for what is unknown, assumed or seen both ways."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.options import switch
from .nodes import FstoolOptions


@dataclass(frozen=True)
class ForescoutOptions(FstoolOptions):
    """Switches of a Forescout; those of its nodes come first.

    nat: the address every connection seems to come from; None means its real source.
    poll_interval: seconds between two calls to the sensor; unknown on real platforms.
    value_delay: seconds from such a call until hosts have what it brought; unknown too.
    module_installed: whether the module, and so its properties, exist.
    web_token: how the Web API wants its token; bare in the vendor's samples, Bearer observed once.
    web_token_seconds: life of such a token (observed default: five minutes).
    names: whether the web interface calls things as `endpoints/forescout.yml` says, or as the seed says.
    web_client: whether the address of the client is among the Client IPs; the refusal is assumed.
    web_busy: whether logins are answered with 429 (observed of another interface of the platform).
    restarting: whether the web server has nothing behind it, as after a restart (status assumed).
    etags: whether answers of the Web API have entity tags (a chapter of the guide; details assumed).
    host_ids: how hosts are numbered; identifiers are signed 64-bit numbers (observed of policies).
    value_lists: whether a property has several values, each with a time (observed).
    sensor_change: whether another address is taken at once, or only where both fields were emptied before;
        the tutorial empties them, and nobody says what happens otherwise.
    namesake: whether another module has a property with the label "Vendor".
    """

    nat: str | None = None
    poll_interval: float = 2
    value_delay: float = 0
    module_installed: bool = switch(True, False)
    web_token: str = switch("bare", "bearer", "both")
    web_token_seconds: float = 300
    names: str = switch("fixed", "shuffled")
    web_client: str = switch("listed", "unlisted")
    web_busy: bool = switch(False, True)
    restarting: bool = switch(False, True)
    etags: bool = switch(False, True)
    host_ids: str = switch("address", "signed_64")
    value_lists: bool = switch(False, True)
    sensor_change: str = switch("at_once", "after_clearing")
    namesake: bool = switch(False, True)
