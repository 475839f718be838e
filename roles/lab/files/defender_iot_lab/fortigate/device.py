# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name, the firmware and the options of a mock FortiGate."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..core.options import ConfigurationError, switch
from .firewall.options import FirewallOptions
from .schema import SUPER_ADMIN
from .tables.attribute import Version, parse_version

# Builds in published logs. Other versions get an arbitrary number.
BUILDS = {"7.2.4": 1396, "7.2.8": 1639, "7.4.5": 2702, "7.6.5": 3651}


@dataclass(frozen=True)
class FortiGateOptions(FirewallOptions):
    """Switches of a FortiGate. Those from `refused_status` on select between answers that no source settles.

    Those of the firewall tables are inherited.

    version: firmware; decides fields, error shapes, URL tokens, logins and re-authentication.
    vdoms: virtual domains; `root` is the management VDOM.
    multi_vdom: whether multi-VDOM mode is on. With `null`, it is on if there is more than one VDOM.
    admin_profile: profile of the administrator who logs in with a password; it must exist.
    second_factor: whether that administrator has a second factor.
    password_change: whether that administrator must change the password before anything else.
    pre_login_banner, post_login_banner: whether a login must acknowledge a banner.
    wanopt: whether the model has WAN optimisation and so `wanoptgrp`.
    nat: source address of every connection; `null` keeps the real source.
    url_token: whether `?access_token=` works; with `null`, the version decides (off from 7.4.5, documented).
    gzip: whether answers are compressed without a request (observed on the newest builds).
    refused_status: status of a duplicate, missing or invalid value: 500 (observed) or 424 (documented).
    forbidden_read: whether a caller without the right to read is refused, sees only names (both observed,
        the latter on another table), or sees an empty table (unknown).
    quoted_csrf_token: whether a change may send the CSRF token with the quotes of its cookie, as some clients
        do.
    unknown_attribute: whether a write ignores or rejects an unknown attribute.
    put_missing: status of a change of a missing object; all three were observed.
    overlong_text: error of a text that is too long, or whether it is truncated.
    member_put: status of a PUT of one name in a list, such as a group's member.
    member_twice: whether a POST of a name that is already in the list is refused (-5) or accepted (200).
    absent_member: status of a DELETE of a name that is not in the list.
    store_zero_trusthost: whether 0.0.0.0/0 is stored as trusted host (observed on 7.0) or refused (observed
        on 6.4).
    host_bits: whether 192.0.2.7/24 is stored as its network or as written.
    opposite_family: whether a trusted host also shows the default of the other address family.
    api_key_mask_before_first_key: whether reads return `api-key` before there is a key.
    inactive_permission: whether permissions below a group that is not custom are dropped, stored or rejected.
    ordinary_expiry: whether a key of an ordinary REST API administrator may have an expiry.
    wrong_admin_password: whether a wrong X-Admin-Passwd is refused (7.6.5 and later) and counts as a failure.
    token_reauthentication: whether a caller with a key may confirm with the administrator's password.
    login_refused_status: HTTP status of a refused /api/v2/authentication; 200 was observed, also during a
        lockout.
    login_success: number in the answer to a successful login from 7.6.3 on; both were observed.
    no_api_login: status of /api/v2/authentication before 6.4.2; both were observed.
    """

    version: str = "7.4.5"
    vdoms: tuple[str, ...] = ("root",)
    multi_vdom: bool | None = switch(None, True, False)
    admin_profile: str = SUPER_ADMIN
    second_factor: bool = switch(False, True)
    password_change: bool = switch(False, True)
    pre_login_banner: bool = switch(False, True)
    post_login_banner: bool = switch(False, True)
    wanopt: bool = switch(True, False)
    nat: str | None = None
    url_token: bool | None = switch(None, True, False)
    gzip: bool = switch(False, True)
    refused_status: int = switch(500, 424)
    forbidden_read: str = switch("refuse", "trim", "empty")
    quoted_csrf_token: str = switch("refuse", "accept")
    unknown_attribute: str = switch("ignore", "reject")
    put_missing: int = switch(404, 405, 500)
    overlong_text: int | str = switch(-1, -72, "truncate")
    member_put: int = switch(200, 405)
    member_twice: int = switch(-5, 200)
    absent_member: int = switch(404, 200)
    store_zero_trusthost: bool = switch(False, True)
    host_bits: str = switch("masked", "kept")
    opposite_family: bool = switch(True, False)
    api_key_mask_before_first_key: str = switch("absent", "masked")
    inactive_permission: str = switch("dropped", "stored", "rejected")
    ordinary_expiry: str = switch("accept", "refuse")
    wrong_admin_password: str = switch("refuse", "accept")
    token_reauthentication: str = switch("accept", "refuse")
    login_refused_status: int = switch(401, 200)
    login_success: int = switch(5, 6)
    no_api_login: int = switch(401, 404)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d+\.\d+\.\d+", str(self.version)):
            raise ConfigurationError(f"version is {self.version!r}; set a text such as '7.4.5'")
        if isinstance(self.vdoms, str) or "root" not in self.vdoms:
            raise ConfigurationError(f"vdoms is {self.vdoms!r}; set a list that contains root")

    @property
    def in_multi_vdom_mode(self) -> bool:
        """Whether multi-VDOM mode is on."""
        return len(self.vdoms) > 1 if self.multi_vdom is None else self.multi_vdom


@dataclass
class Device:
    """The identity of one FortiGate and its current options."""

    name: str
    serial: str
    options: FortiGateOptions

    @property
    def version(self) -> Version:
        """The firmware version as a comparable value."""
        return parse_version(self.options.version)

    @property
    def build(self) -> int:
        """The build number of the firmware. 9999 if unknown."""
        return BUILDS.get(self.options.version, 9999)

    @property
    def url_token_works(self) -> bool:
        """Whether a key in the URL is accepted: not by default from 7.4.5 on (documented)."""
        allowed = self.options.url_token
        return self.version < (7, 4, 5) if allowed is None else allowed
