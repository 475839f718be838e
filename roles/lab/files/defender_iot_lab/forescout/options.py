# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switches of a mock Forescout, for behaviour that is unknown, assumed or varies."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.options import switch
from .nodes import FstoolOptions
from .policies import PolicyOptions


@dataclass(frozen=True)
class ForescoutOptions(FstoolOptions, PolicyOptions):
    """Switches of a Forescout, in addition to those of its nodes and policies.

    nat: source address of every connection; `null` keeps the real source.
    poll_interval: seconds between two calls to the sensor; unknown on real platforms.
    value_delay: seconds from such a call until hosts have its values; unknown too.
    module_installed: whether the module and its properties exist.
    web_token: form of the Web API's token in requests; bare in the vendor's samples, Bearer observed once.
    web_token_seconds: lifetime of such a token (observed default: five minutes).
    names: whether the web interface has the names in `endpoints/forescout.yml` or names made from the seed.
    web_client: whether the Client IPs contain the client's address; the refusal is assumed.
    web_busy: whether logins are answered with 429 (observed on another interface of the platform).
    restarting: whether the service behind the web server is down, as after a restart (status assumed).
    etags: whether answers of the Web API have entity tags (a chapter of the guide; details assumed).
    host_ids: kind of a host's identifier; identifiers are signed 64-bit numbers (observed on policies).
    value_lists: whether a property has several values, each with a time (observed).
    sensor_change: whether another address is accepted at once, or only after both fields were cleared; the
        tutorial clears them, and no document says what happens otherwise.
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
