# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An operator's steps with `hfortix` on FortiGates: a program for the environment of the third-party clients.

Each line of its standard input has addresses and accounts by name. It answers with a line of the results by
name and step.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from hfortix_fortios import FortiOS

PROFILE = {"name": "sdk", "comments": "by an SDK", "fwgrp": "custom", "fwgrp-permission": {"policy": "read"}}
ADMIN = {"name": "sdk", "accprofile": "sdk", "vdom": [{"name": "root"}]}
HOSTS = [{"id": 1, "type": "ipv4-trusthost", "ipv4-trusthost": "192.0.2.11/32"}]
POLICY = {
    "name": "sdk",
    "srcintf": [{"name": "any"}],
    "dstintf": [{"name": "any"}],
    "srcaddr": [{"name": "sdk-group"}],
    "dstaddr": [{"name": "all"}],
    "service": [{"name": "ALL"}],
    "schedule": "always",
    "action": "deny",
}
PACKET = {"srcintf": "lan", "sourceip": "192.0.2.7", "dest": "198.51.100.21", "protocol": "6"}


def steps(client: FortiOS) -> dict[str, Callable[[], Any]]:
    """Return the steps in order. Each returns the client's reading of the answer."""
    profiles, admins = client.api.cmdb.system.accprofile, client.api.cmdb.system.api_user
    keys, status = client.api.monitor.system.api_user.generate_key, client.api.monitor.system.status
    return {
        "read the status": lambda: status.get().raw["version"],
        "create a profile": lambda: profiles.post(payload_dict=PROFILE).raw["revision_changed"],
        "create it twice": lambda: profiles.post(payload_dict=PROFILE).raw["revision_changed"],
        "read the profile": lambda: profiles.get(name="sdk").fwgrp_permission["policy"],
        "change the profile": lambda: profiles.put(name="sdk", vpngrp="read").raw["revision_changed"],
        "keep the profile": lambda: profiles.put(name="sdk", vpngrp="read").raw["revision_changed"],
        "set an unknown value": lambda: profiles.put(name="sdk", vpngrp="write").raw["revision_changed"],
        "find profiles": lambda: [
            row.name for row in profiles.get(filter="name=@admin", sort="name,dsc", format="name|comments")
        ],
        "create an admin": lambda: admins.post(payload_dict={**ADMIN, "trusthost": HOSTS}).raw["mkey"],
        "read the admin": lambda: admins.get(name="sdk").trusthost[0]["ipv4_trusthost"],
        "generate a key": lambda: len(keys.post(api_user="sdk").raw["results"]["access_token"]),
        "delete a profile in use": lambda: profiles.delete(name="sdk").raw["revision_changed"],
        "change the admin": lambda: admins.put(name="sdk", comments="x").raw["revision_changed"],
        "refer to an unknown profile": lambda: admins.put(name="sdk", accprofile="none").raw["mkey"],
        **firewall_steps(client),
        "delete the admin": lambda: admins.delete(name="sdk").raw["revision_changed"],
        "delete the profile": lambda: profiles.delete(name="sdk").raw["revision_changed"],
        "delete it twice": lambda: profiles.delete(name="sdk").raw["revision_changed"],
        "read a missing profile": lambda: profiles.get(name="sdk").name,
    }


def firewall_steps(client: FortiOS) -> dict[str, Callable[[], Any]]:
    """Return the steps that block a host."""
    firewall, monitor = client.api.cmdb.firewall, client.api.monitor.firewall
    host = {"name": "sdk-host", "subnet": "192.0.2.7/32"}
    group = {"name": "sdk-group", "member": [{"name": "sdk-host"}]}
    return {
        "create an address": lambda: firewall.address.post(payload_dict=host).raw["revision_changed"],
        "read the address": lambda: firewall.address.get(name="sdk-host").subnet,
        "create a group": lambda: firewall.addrgrp.post(payload_dict=group).raw["revision_changed"],
        "create a policy": lambda: firewall.policy.post(payload_dict=POLICY).raw["mkey"],
        "move the policy": lambda: firewall.policy.move(8, "top").raw["revision_changed"],
        "read the order": lambda: [row.policyid for row in firewall.policy.get()],
        "look the policy up": lambda: monitor.policy_lookup.get(**PACKET).policy_id,
        "delete an address in use": lambda: firewall.address.delete(name="sdk-host").raw["mkey"],
        "delete the policy": lambda: firewall.policy.delete(policyid=8).raw["revision_changed"],
    }


def outcome(step: Callable[[], Any]) -> Any:
    """Return the result of a step: a value, or the client's exception and its code."""
    try:
        return step()
    except Exception as error:  # the test checks the client's own exceptions
        return [
            type(error).__name__,
            getattr(error, "error_code", None) or getattr(error, "http_status", None),
        ]


def session(place: dict[str, Any], account: dict[str, str]) -> dict[str, Any]:
    """Log in, carry out the steps, log out. Return the results by step."""
    try:
        client = FortiOS(place["host"], port=place["port"], max_retries=0, **account)
    except ValueError as error:
        return {"log in": str(error)}
    outcomes = {name: outcome(step) for name, step in steps(client).items()}
    client.close()
    return outcomes


if __name__ == "__main__":
    for line in sys.stdin:
        outcomes = {name: session(**each) for name, each in json.loads(line).items()}
        print(json.dumps(outcomes, default=str), flush=True)
