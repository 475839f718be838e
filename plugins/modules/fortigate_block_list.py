#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: fortigate_block_list
short_description: Manage the block list of a FortiGate
version_added: 0.1.0
description:
  - Keeps a list of hosts in an address group, until a time that each entry states. A deny policy of
    M(otsec.defender_iot.fortigate_block_policy) uses the group.
  - Each entry is one address object with the name C(GROUP-ADDRESS) and its data in the comment. The module
    changes and deletes only objects that have such a name, such a comment, and the address that is in the
    name. Other members of the group stay.
  - If another administrator changes the comment or the address of an entry, it is no entry any more, blocks
    until it is removed from the group, and each run warns. A task that is to release it fails.
  - The list has an IPv4 and an IPv6 group of the same name. The module creates both with the built-in address
    C(none) as a member, and adds it before it removes the last member, because FortiOS before 7.2.0 accepts
    no empty group.
  - The FortiGate does not release expired entries. The next run does, with O(mode=exact) those of O(owner)
    only. Schedule the run, for example every 15 minutes.
  - A run that cannot read the whole list releases nothing.
extends_documentation_fragment:
  - otsec.defender_iot.fortigate
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.actiongroup_fortigate
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) keeps O(entries) on the list.
      - V(released) releases every entry of every owner, and ignores O(entries). The groups stay.
      - V(absent) also deletes the groups that
        the module created, unless they have other members or are still in use.
    type: str
    choices: [present, released, absent]
    default: present
  group:
    description:
      - Name of the address groups, at most 39 letters, digits, dots, hyphens and underscores. No address and
        no virtual IP may have this name.
    type: str
    default: defender-iot-blocked
  entries:
    description:
      - The hosts to block. Required with O(state=present).
    type: list
    elements: dict
    suboptions:
      address:
        description:
          - IPv4 or IPv6 address of one host.
          - Networks, names, and multicast, loopback, unspecified and broadcast addresses are refused.
        type: str
        required: true
      until:
        description:
          - Time until which the host is blocked, in ISO 8601. A time without an offset is in UTC. A date
            without a time is refused.
          - With O(mode=merged), a time in the past releases the host, whoever owns the entry. Any other time
            replaces the one on the FortiGate. In an entry of another owner only a later one does.
        type: str
        required: true
      reason:
        description:
          - Why the host is blocked. If it is not set, it stays as it is.
          - The comment on the FortiGate has at most 255 characters for all values of the entry. Characters
            other than letters, digits and common punctuation count as three or more.
        type: str
      source:
        description:
          - The alert that led to the entry. If it is not set, it stays as it is.
        type: str
      approved_by:
        description:
          - Who approved the entry. If it is not set, it stays as it is.
        type: str
      since:
        description:
          - Time at which the host was blocked first, as returned by
            M(otsec.defender_iot.fortigate_block_list_info). It applies only to an entry that is added. By
            default, it is the time of the task.
        type: str
      owner:
        description:
          - The owner of this entry, as returned by M(otsec.defender_iot.fortigate_block_list_info). By
            default, it is O(owner).
        type: str
        choices: [manual, respond]
  mode:
    description:
      - V(merged) adds O(entries) and releases the entries of all owners that have expired.
      - V(exact) also releases all other entries of O(owner), with an empty list all of them. It releases no
        entry of another owner, even if it has expired, unless it is in O(protected).
    type: str
    choices: [merged, exact]
    default: merged
  owner:
    description:
      - The owner of new entries. An entry keeps its owner. If another owner declares the same address, only a
        later O(entries[].until) is taken over, or with O(mode=merged) one in the past.
    type: str
    choices: [manual, respond]
    default: manual
  protected:
    description:
      - Addresses and networks that are never blocked. If one of O(entries) whose time is not past is in them,
        the task fails and changes nothing.
      - An entry on the FortiGate that is in them is released, whoever owns it. If a member of the group
        that the module did not create covers one of them, the task warns. Each such member costs a request.
        Members without IP addresses, such as names and countries, are not checked.
      - An empty text is refused, because an unset variable would remove the protection.
    type: list
    elements: str
    default: []
  max_entries:
    description:
      - Maximum number of entries of all owners after the task. If new entries would exceed it, the task fails
        and changes nothing.
    type: int
    default: 100
  max_new:
    description:
      - Maximum number of hosts that the task adds. If there are more, the task fails and changes nothing.
    type: int
    default: 10
  clock_tolerance:
    description:
      - Maximum difference in seconds between the clocks of the control node and of the FortiGate. If it is
        larger, the task fails and changes nothing. If the FortiGate states no time, the task warns.
      - If the times of all O(entries) are past by both clocks, and O(mode=merged), the task releases these
        hosts even if the clocks differ. It then warns, and releases no others that have expired.
      - With O(state=released) and O(state=absent) the clocks are not compared.
    type: int
    default: 300
notes:
  - The account needs the permission C(address) V(read-write) of the access permission group C(firewall).
  - If the name of an entry to add belongs to an object of another administrator, the task carries out
    everything else, and then fails.
  - In sync, the module sends two requests for each address family. A change takes at most two writes for each
    entry, and a release one more read.
  - If another program changes the same tables during the task, the module reads and plans again.
  - The FortiGate states how many members a group can have. The address C(none) counts as a member.
  - A block list has limits. For example, it never stops packets to the FortiGate itself, and whether it stops
    sessions that are already open is not known. See the guide I(Block list).
  - Documented are the tables, the fields and their limits. Observed are that a member can be changed alone,
    that FortiOS before 7.2.0 refuses an empty group, and that an object in use is not deleted. Assumed is
    that the addresses C(none) and C(all) exist in every release. An answer without C(all) counts as
    unreadable.
seealso:
  - module: otsec.defender_iot.fortigate_block_list_info
  - module: otsec.defender_iot.fortigate_block_policy
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The tasks read the connection from FORTIGATE_URL and FORTIGATE_TOKEN.

- name: Block a host for a week, and release what has expired
  otsec.defender_iot.fortigate_block_list:
    entries:
      - address: 192.0.2.7
        until: "2026-12-01T06:00:00Z"
        reason: Suspicion of Conficker Malware
        source: "1834"
        approved_by: j.doe
    protected: [192.0.2.1, 198.51.100.0/24]

- name: Release what has expired
  otsec.defender_iot.fortigate_block_list:
    entries: []

- name: Keep exactly these hosts blocked, besides those of other owners
  otsec.defender_iot.fortigate_block_list:
    mode: exact
    entries:
      - address: 2001:db8::7
        until: "2026-12-01T06:00:00Z"

- name: Release every host and keep the groups
  otsec.defender_iot.fortigate_block_list:
    state: released

- name: Release every host and delete the groups
  otsec.defender_iot.fortigate_block_list:
    state: absent
"""

RETURN = r"""
entries:
  description:
    - The entries after the task, or as predicted in check mode.
    - Each entry has the option names of M(otsec.defender_iot.fortigate_block_list), and C(since) and
      C(owner).
  type: list
  elements: dict
  returned: success, and if a part of the task cannot be carried out
  sample:
    - address: 192.0.2.7
      until: "2026-12-01T06:00:00Z"
      since: "2026-11-27T19:40:00Z"
      owner: manual
      approved_by: j.doe
      source: "1834"
      reason: Suspicion of Conficker Malware
  contains:
    address:
      description: Address of the host.
      type: str
      returned: always
    until:
      description: Time until which the host is blocked, in UTC.
      type: str
      returned: always
    since:
      description: Time at which the host was added, in UTC.
      type: str
      returned: always
    owner:
      description: V(manual) or V(respond).
      type: str
      returned: always
    approved_by:
      description: Who approved the entry. Empty if unknown.
      type: str
      returned: always
    source:
      description: The alert that led to the entry. Empty if unknown.
      type: str
      returned: always
    reason:
      description: Why the host is blocked. Empty if unknown.
      type: str
      returned: always
foreign:
  description:
    - Members of the group, and address objects whose names begin with that of the group, that are no entries.
      This collection does not change them.
  type: list
  elements: dict
  returned: as RV(entries)
  sample:
    - name: printer-3
      family: IPv4
      reason: a member that was not made by this collection
  contains:
    name:
      description: Name of the object.
      type: str
      returned: always
    family:
      description: V(IPv4) or V(IPv6).
      type: str
      returned: always
    reason:
      description: What it is.
      type: str
      returned: always
objects:
  description:
    - The changed entries and groups, and the actions taken. One object for the whole list if nothing changes.
    - Also each host that stays blocked because its object is no entry any more, with the action V(none).
  type: list
  elements: dict
  returned: success, and on failure with the steps taken before
  sample:
    - kind: entry
      name: 192.0.2.7
      action: create
      changed: true
      before: {}
      after: {address: 192.0.2.7, until: "2026-12-01T06:00:00Z", owner: manual}
  contains:
    kind:
      description: Kind of the object, one of V(entry), V(group), V(group6) and V(block_list).
      type: str
      returned: always
    name:
      description: Address of the entry, or name of the group.
      type: str
      returned: always
    action:
      description: The action taken, or predicted in check mode, one of V(create), V(update), V(delete) and
        V(none).
      type: str
      returned: always
    changed:
      description: Whether the object changes.
      type: bool
      returned: always
    before:
      description: The entry before the task. Empty if there was none.
      type: dict
      returned: when the object changes
    after:
      description: The entry after the task. Empty if it was released.
      type: dict
      returned: when the object changes
    reason:
      description: Why the object is reported although it does not change.
      type: str
      returned: for a host that stays blocked
provenance:
  description:
    - Source of the knowledge about the interface.
    - Always V(documented), because the vendor documents the interface.
  type: str
  returned: success
  sample: documented
failure:
  description:
    - Details of a failure on the appliance, for programs. C(msg) describes it in a sentence.
    - Invalid options fail without this value, before the first request.
  type: dict
  returned: on failure, and if the appliance is unreachable
  sample:
    status: 403
    code: -37
    path: /api/v2/cmdb/firewall/addrgrp
  contains:
    status:
      description: HTTP status. V(null) if there was no response.
      type: int
      returned: always
    code:
      description: Error number of the appliance. V(null) if it returned none.
      type: int
      returned: always
    path:
      description: Requested path. V(null) if no request was sent.
      type: str
      returned: always
"""

from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api import connect
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.block_options import (
    BLOCK_LIST,
    BLOCK_LIST_OPTIONS,
    prepare_block_list,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.blocking import (
    TABLES,
    keep_block_list,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.options import fortigate
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module

MODULE = Module(
    arguments=fortigate(BLOCK_LIST_OPTIONS, required_if=[("state", "present", ("entries",))]),
    resource=BLOCK_LIST,
    also=TABLES,
    connect=connect,
    work=keep_block_list,
    prepare=prepare_block_list,
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
