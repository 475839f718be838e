# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The deny policies that use a block list: their description, and the plan for them and their places. Pure.

Field names: FortiOS CMDB schema of firewall/policy, 6.4 to 7.6.5 (documented). The list that FortiOS returns
is in the order of evaluation (observed).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._engine.errors import Conflict, InvalidOptions
from .._engine.plan import Plan, plan
from .._engine.resource import Field, Incomplete, Resource
from .._engine.task import complete
from .._engine.version import since
from .._module.arguments import STATE, Spec
from .address import GROUP_COMMENT
from .block_options import BLOCK_LIST, prepare_group

Params = dict[str, Any]
Row = Mapping[str, Any]

TOWARDS = "-towards"
"""What the name of the second policy ends with."""

LONGEST_NAME = 35


def _names(wire: str) -> Field:
    return Field(
        wire,
        type="list",
        elements="str",
        normalise=sorted,
        decode=lambda rows: [row["name"] for row in rows],
        encode=lambda names: [{"name": name} for name in names],
    )


def _off(wire: str, **more: Any) -> Field:
    """Return a switch that is off in a new policy. If it is on, the policy matches other packets."""
    return Field(wire, default="disable", optional=True, **more)


def _service(rows: list[Row]) -> list[str]:
    # FortiOS returns the built-in service in its own spelling.
    return ["ALL" if row["name"].upper() == "ALL" else row["name"] for row in rows]


def _comments(text: str) -> str:
    """Ignore what an operator has added."""
    return GROUP_COMMENT if text.startswith(GROUP_COMMENT) else text


POLICY = Resource(
    label="firewall policy",
    kind="policy",
    path="firewall/policy",
    fields={
        "name": Field("name", option_default="defender-iot-blocked", max_length=LONGEST_NAME),
        "source_interfaces": _names("srcintf"),
        "destination_interfaces": _names("dstintf"),
        "source": _names("srcaddr"),
        "destination": _names("dstaddr"),
        "source6": _names("srcaddr6"),
        "destination6": _names("dstaddr6"),
        "service": Field(
            "service",
            type="list",
            elements="str",
            decode=_service,
            encode=lambda names: [{"name": name} for name in names],
        ),
        "schedule": Field("schedule"),
        "action": Field("action"),
        "status": Field("status"),
        "log": Field("logtraffic"),
        "match_vip": Field("match-vip"),
        "source_negated": _off("srcaddr-negate"),
        "destination_negated": _off("dstaddr-negate"),
        "service_negated": _off("service-negate"),
        "source6_negated": _off("srcaddr6-negate", versions=since("7.2.1")),
        "destination6_negated": _off("dstaddr6-negate", versions=since("7.2.1")),
        "internet_service": _off("internet-service"),
        "internet_service_source": _off("internet-service-src"),
        "comments": Field("comments", optional=True, default="", normalise=_comments),
    },
)

LOOKUP = Resource(
    label="policy lookup", kind="policy_lookup", path="firewall/policy-lookup", fields={"name": Field("name")}
)
CENTRAL_MANAGEMENT = Resource(
    label="central management",
    kind="central_management",
    path="system/central-management",
    fields={"name": Field("name")},
)

PROOF_OPTIONS: Spec = {
    "interface": {"type": "str", "required": True},
    "destination": {"type": "str", "required": True},
    "destination_interface": {"type": "str"},
}

POLICY_OPTIONS: Spec = {
    **STATE,
    "name": POLICY.argument_spec()["name"],
    **BLOCK_LIST.argument_spec(),
    "before": {"type": "str"},
    "towards": {"type": "bool"},
    "proof": {"type": "dict", "options": PROOF_OPTIONS},
}


def prepare_block_policy(params: Params) -> Params:
    """Raise InvalidOptions for names that do not fit, and for a proof that lacks an interface."""
    prepare_group(params)
    if params["towards"] and len(params["name"] + TOWARDS) > LONGEST_NAME:
        raise InvalidOptions(
            f'the second policy would be "{params["name"]}{TOWARDS}", at most {LONGEST_NAME} characters are '
            "possible",
            "shorten name",
        )
    if params["before"] in (params["name"], params["name"] + TOWARDS):
        raise InvalidOptions("before names the policy itself", "set it to another policy")
    proof = params["proof"]
    if proof:
        _refuse_no_address(proof["destination"])
    if proof and params["towards"] and not proof["destination_interface"]:
        raise InvalidOptions(
            "proof has no destination_interface, which the proof of the second policy needs",
            "set it to the interface at which packets from the destination arrive",
        )
    return params


def _refuse_no_address(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise InvalidOptions(
            f'proof.destination "{text}" is not an IP address', "set it to the address of one host"
        ) from None


def desired_policies(options: Mapping[str, Any]) -> dict[str, dict[str, Any] | None]:
    """Return the desired fields of each policy, by name. None means that it must not exist.

    Every field that decides about a packet is set: defaults differ between releases. ``match-vip`` was off by
    default before 7.2.3 or 7.2.4 (documented in two places), and the policy then misses packets to virtual
    IPs.
    """
    name, group = options["name"], [options["group"]]
    if options["state"] == "absent":
        return {name: None, name + TOWARDS: None}
    found: dict[str, dict[str, Any] | None] = {name: _deny(name, group, ["all"])}
    if options["towards"] is not None:
        other = name + TOWARDS
        found[other] = _deny(other, ["all"], group) if options["towards"] else None
    return found


def _deny(name: str, source: list[str], destination: list[str]) -> dict[str, Any]:
    switches = [option for option, spec in POLICY.fields.items() if spec.default == "disable"]
    return {
        "name": name,
        "source_interfaces": ["any"],
        "destination_interfaces": ["any"],
        "source": source,
        "destination": destination,
        "source6": source,
        "destination6": destination,
        "service": ["ALL"],
        "schedule": "always",
        "action": "deny",
        "status": "enable",
        "log": "all",
        "match_vip": "enable",
        **dict.fromkeys(switches, "disable"),
        "comments": GROUP_COMMENT,
    }


@dataclass(frozen=True)
class PolicyStep:
    """The change of one policy. ``move`` is the name of the policy to move it before, None to leave it.

    Policies may have no name, so the neighbour is named by its number.
    """

    name: str
    plan: Plan
    key: str | None
    move: str | None

    @property
    def action(self) -> str:
        return "update" if self.plan.action == "keep" and self.move else self.plan.action

    @property
    def changed(self) -> bool:
        return self.action != "keep"


def plan_policies(rows: Sequence[Row], options: Mapping[str, Any]) -> list[PolicyStep]:
    """Plan both policies and their places. Raises Conflict."""
    _refuse_policy_mode(rows)
    wanted = desired_policies(options)
    target = _target(rows, options)
    return [_step(rows, name, want, target) for name, want in wanted.items()]


def _step(rows: Sequence[Row], name: str, want: dict[str, Any] | None, target: str | None) -> PolicyStep:
    row = own_policy(rows, name)
    have = None if row is None else complete(POLICY.from_wire, row)
    change = plan(POLICY, have, want or {}, "absent" if want is None else "present")
    is_moved = want is not None and target is not None and not is_in_place(rows, name, target)
    return PolicyStep(name, change, None if row is None else number(row), target if is_moved else None)


def own_policy(rows: Sequence[Row], name: str) -> Row | None:
    """Return the policy of a name, None if there is none. Raises Conflict if it is another's."""
    found = [row for row in rows if row.get("name") == name]
    if len(found) > 1:
        raise Conflict(f'there are {len(found)} policies with the name "{name}"', "rename all but one")
    if found and not is_ours(found[0]):
        raise Conflict(
            f'the policy "{name}" was not made by this collection, so it is left unchanged',
            "rename it on the FortiGate, or set another name",
        )
    return found[0] if found else None


def is_ours(row: Row) -> bool:
    return str(row.get("comments", "")).startswith(GROUP_COMMENT)


def number(row: Row) -> str:
    """Return the key of a policy. Raises Conflict if the answer has none."""
    found = row.get("policyid")
    if not isinstance(found, int) or found < 1:
        raise Conflict("a policy in the answer has no policyid", "check the FortiGate's policies")
    return str(found)


def _target(rows: Sequence[Row], options: Mapping[str, Any]) -> str | None:
    """Return the policy before which ours belong: the named one, or the first that is not ours."""
    before = options["before"]
    if options["state"] == "absent":
        return None
    if before is None:
        return next((number(row) for row in rows if not is_ours(row)), None)
    found = [row for row in rows if row.get("name") == before]
    if len(found) != 1:
        count = f"there are {len(found)} policies" if found else "there is no policy"
        raise Conflict(f'{count} with the name "{before}", which before names', "correct before")
    return number(found[0])


def is_in_place(rows: Sequence[Row], name: str, target: str) -> bool:
    """Return whether only policies of the collection are between a policy and its target."""
    following = [row for row in rows if row.get("name") == name or not is_ours(row) or number(row) == target]
    places = [index for index, row in enumerate(following) if row.get("name") == name]
    after = following[places[0] + 1 : places[0] + 2] if places else []
    return bool(after) and number(after[0]) == target


def require_whole(row: Row) -> None:
    """Raise Incomplete for a policy without its status, which it has in every mode, unlike its action."""
    if "status" not in row:
        raise Incomplete("status")


def _refuse_policy_mode(rows: Sequence[Row]) -> None:
    if any("action" not in row for row in rows):
        raise Conflict(*POLICY_MODE)


POLICY_MODE = (
    "its firewall policies have no action, as in NGFW policy-based mode, where only security policies can "
    "deny",
    "block in a security policy, which this collection does not manage, or use another VDOM",
)


def permits_above(rows: Sequence[Row], name: str) -> Iterator[str]:
    """Yield the enabled policies before a policy that are no denials."""
    for row in rows:
        if row.get("name") == name:
            return
        if row.get("action") != "deny" and row.get("status", "enable") == "enable":
            yield str(row.get("name") or row.get("policyid"))


def defects(rows: Sequence[Row], name: str, want: Mapping[str, Any]) -> str | None:
    """Return why a policy cannot deny what it should, None if its fields are as desired."""
    row = next((row for row in rows if row.get("name") == name), None)
    if row is None:
        return f'the policy "{name}" does not exist'
    if "action" not in row:
        return f'the policy "{name}" has no action, as in NGFW policy-based mode'
    if row.get("status") == "disable":
        return f'the policy "{name}" is disabled'
    have = complete(POLICY.from_wire, row)
    differing = [option for option in want if have[option] != want[option]]
    return (
        f'the policy "{name}" differs from the desired state in {" and ".join(differing)}'
        if differing
        else None
    )
