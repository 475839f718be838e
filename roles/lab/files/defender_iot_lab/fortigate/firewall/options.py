# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a FortiGate's firewall tables."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.options import switch


@dataclass(frozen=True)
class FirewallOptions:
    """Limits, settings and unknown behaviour of the firewall tables.

    member_limit: most members of an IPv4 address group; with `null`, the version decides: 600 before 7.2
        (documented for 6.4.14), then 5000 (documented for a 180F with 7.2.8). The real limit is that of the
        model.
    table_limit: most rows of each firewall table; `null` is that of a 180F with 7.2.8 (documented).
    answer_limit: most rows of an answer from 7.2 on, with `limit_reached`; `null` is no limit.
    ngfw_mode: with `policy-based`, firewall policies have no action and no schedule (documented); a write of
        them has no effect (unknown).
    session_check: whether a change re-evaluates the sessions that are already open (documented setting).
    member_edit_reevaluates: whether a change of only a group's members does so too (unknown).
    empty_group: how a group without members is refused before 7.2: -56, -651, or 200 without a change
        (observed on 6.0.11).
    last_member: whether the deletion of a group's last member by its own path is refused like that, ignored
        or accepted before 7.2 (unknown).
    empty_group_matches: which addresses a policy with an empty group matches (unknown).
    full_code: error of one row or one member too many (unknown).
    duplicate_policy_name: whether two policies may have the same name (unknown).
    match_vip_since: first release in which `match-vip` is enabled by default; both are documented.
    move_changes_revision: whether a move of a policy counts as a change (unknown).
    unknown_neighbour: status of a move before or after a policy that does not exist (unknown).
    references_without_right: whether a write may refer to objects, such as the service ALL, that the caller
        has no right to read; if not, they are missing (-3) or forbidden (403) (unknown).
    lookup_without_match: whether a policy lookup that no policy matches names policy 0 or has no success
        (unknown).
    transactions: whether configuration transactions are supported.
    transaction_errors: whether a refused write in a transaction is refused at once or by the commit
        (unknown).
    install_deletes: whether the installation of a FortiManager package deletes the objects that no policy
        uses (documented).
    cfg_save: with `manual`, a reboot loses every change since the start or since this option (assumed).
    """

    member_limit: int | None = None
    table_limit: int | None = None
    answer_limit: int | None = None
    ngfw_mode: str = switch("profile-based", "policy-based")
    session_check: str = switch("check-all", "check-new")
    member_edit_reevaluates: bool = switch(True, False)
    empty_group: int | str = switch(-56, -651, "ignore")
    last_member: str = switch("refuse", "ignore", "accept")
    empty_group_matches: str = switch("none", "all")
    full_code: int = switch(-4, -1)
    duplicate_policy_name: str = switch("refuse", "accept")
    match_vip_since: str = switch("7.2.4", "7.2.3")
    move_changes_revision: bool = switch(True, False)
    unknown_neighbour: int = switch(500, 404)
    references_without_right: str = switch("allow", "missing", "forbid")
    lookup_without_match: str = switch("policy_0", "no_success")
    transactions: bool = switch(True, False)
    transaction_errors: str = switch("at_once", "at_commit")
    install_deletes: bool = switch(True, False)
    cfg_save: str = switch("automatic", "manual")
