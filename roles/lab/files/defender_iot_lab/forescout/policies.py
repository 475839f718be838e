# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policies of a mock Forescout: `fstool cliapi policy`, the lists of the Web API, mails and groups.

The commands and their texts were observed on version 8.5.2. Unknown behaviour has a switch.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, Protocol

from lxml import etree

from ..core.clock import Clock
from ..core.options import ConfigurationError, require_known, switch
from .exports import Action, Rule, add_to_group, export, mail, signed_64
from .properties import HostProperties

Result = tuple[str, int] | tuple[str, int, str]
"""Output and exit code of a command, and what it writes to stderr, if anything."""

COMPLETED = "Import policy completed"
TYPES: Mapping[str, Any] = {
    "any": lambda value, text: True,
    "contains": lambda value, text: text in value,
    "equals": lambda value, text: value == text,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "regexp": lambda value, text: re.search(text, value) is not None,
}
ROOTS = {"RULES": "RULE", "POLICY": "RULE", "POLICY_FOLDER": "POLICIES/POLICY/RULE"}
"""The place of the policy in each kind of file. The mock imports the first policy of a folder."""

CORE_FIELDS = {"mac", "in-group", "prim_classification", "online"}
GROUP = re.compile(r"id:(-?\d+);name:(.*)", re.DOTALL)
SOC_GROUP = "OT devices"


@dataclass(frozen=True)
class PolicyOptions:
    """Switches of the policies.

    refusal: how a refused import is reported; the text on stdout with exit code 0 was observed.
    import_warns: whether warnings precede the text that reports success.
    import_seconds: duration of an import (observed: 2).
    bad_imports, import_goes: number of the next imports that fail, and how: with an error of the platform,
        or with an SSH connection that breaks before or after the policy is stored.
    existing_name: result of an import if a policy has the name; unknown.
    existing_id: the same if a policy has the id; unknown.
    keeps_policy_ids: whether an imported policy keeps its id; unknown.
    removes: which of several policies of one name are removed; unknown.
    removal: text and exit code of a removal; the first was observed.
    remove_missing: the same if there is no such policy; unknown.
    unknown_group: result of an import with a group whose id is not known; unknown.
    unknown_property: result of an import with a property that is not known; unknown.
    policy_seconds: seconds until the Web API lists an imported policy (observed: up to 30).
    policy_description: form of a description in the Web API; with `absent`, it shows none. Unknown.
    imports_roots: whether only files that begin with `RULES` can be imported (observed), or those that begin
        with `POLICY` or `POLICY_FOLDER` too (unknown).
    npstats_lists: whether `fstool npstats` lists policies that no host matches; unknown.
    cliapi: whether `fstool` has `cliapi`; not known for version 9.
    """

    refusal: str = switch("stdout_0", "stdout_1", "stderr_0", "empty")
    import_warns: bool = switch(False, True)
    import_seconds: float = 0
    bad_imports: int = 0
    import_goes: str = switch("disk_full", "restarting", "lost", "lost_stored")
    existing_name: str = switch("second", "numbered", "overwrite", "refuse")
    existing_id: str = switch("new_id", "overwrite", "refuse")
    keeps_policy_ids: bool = switch(False, True)
    removes: str = switch("all", "first", "refuse")
    removal: str = switch("removed", "Removed", "silent", "exit_1")
    remove_missing: str = switch("exit_1", "exit_0")
    unknown_group: str = switch("by_name", "create", "dangling", "refuse")
    unknown_property: str = switch("refuse", "irresolvable")
    policy_seconds: float = 0
    policy_description: str = switch("whole", "truncated", "folded", "absent")
    imports_roots: str = switch("rules", "all")
    npstats_lists: str = switch("all", "matched")
    cliapi: bool = switch(True, False)


class Platform(Protocol):
    """The part of the platform that its policies use."""

    options: Any


class Refusal(Exception):
    """An import that the platform refuses, with its message."""


@dataclass(frozen=True)
class Policy:
    """One policy. ``listed_at`` is when the Web API lists it."""

    id: int
    name: str
    description: str
    enabled: bool
    root: Any
    listed_at: float
    rule_ids: tuple[int, ...]

    @property
    def rules(self) -> list[tuple[int, Any]]:
        """The sub-rules with their ids, in order."""
        return list(zip(self.rule_ids, self.root.findall("RULE_CHAIN/INNER_RULE"), strict=True))


@dataclass
class Policies:
    """All policies, groups and mails of one platform."""

    platform: Platform
    clock: Clock
    properties: HostProperties
    random: Random
    policies: list[Policy] = field(default_factory=list)
    groups: dict[int, str] = field(default_factory=dict)
    mails: list[dict[str, str]] = field(default_factory=list)
    mailed: set[tuple[int, str]] = field(default_factory=set)
    imports: int = 0
    failed: int = 0

    def __post_init__(self) -> None:
        """Create the group that exports refer to."""
        self.groups = {signed_64(self.random): SOC_GROUP}

    # --- fstool ---------------------------------------------------------------------------------------------

    async def cliapi(self, arguments: list[str]) -> Result:
        """Carry out `fstool cliapi policy`."""
        match arguments:
            case ["import", path]:
                return await self._import_file(Path(path))
            case ["remove", name]:
                return self._remove(name)
        return "Usage: fstool cliapi policy <import|remove> <argument>", 1

    def npstats(self) -> str:
        """Return the numbers of hosts that `fstool npstats` prints (observed)."""
        lists_all = self.platform.options.npstats_lists == "all"
        lines: list[str] = []
        for policy in self.policies:
            whole = self.matching({str(policy.id)})
            if not (whole or lists_all):
                continue
            lines += _statistics(policy.name, len(whole), len(self.hosts()))
            for number, rule in policy.rules:
                found = self.matching({str(number)})
                lines += _statistics(f"{policy.name} -> {rule.get('NAME')}", len(found), len(whole))
        return "\n".join(lines)

    async def _import_file(self, path: Path) -> Result:
        options = self.platform.options
        try:
            content = path.read_bytes()
        except OSError:
            return self._refused(f"java.io.FileNotFoundException: {path}")
        await asyncio.sleep(options.import_seconds)
        self.imports += 1
        if self.failed < options.bad_imports:
            self.failed += 1
            return self._failed_import(content)
        try:
            self.store(content)
        except Refusal as refusal:
            return self._refused(str(refusal))
        warnings = "WARN: a property has no known values\n" if options.import_warns else ""
        return f"{warnings}{COMPLETED}", 0

    def _failed_import(self, content: bytes) -> Result:
        goes = self.platform.options.import_goes
        if goes == "lost_stored":
            self.store(content)
        texts = {"disk_full": "java.io.IOException: No space left on device", "restarting": "Not connected"}
        return self._refused(texts[goes]) if goes in texts else ("", 255)

    def _refused(self, message: str) -> Result:
        text = f"Error: {message}"
        answers: dict[str, Result] = {
            "stdout_0": (text, 0),
            "stdout_1": (text, 1),
            "stderr_0": ("", 0, text),
            "empty": ("", 0),
        }
        return answers[self.platform.options.refusal]

    def _remove(self, name: str) -> Result:
        options = self.platform.options
        found = [each for each in self.policies if each.name == name]
        if options.removal == "exit_1":
            return "Failed", 1
        if not found:
            return "No such policy", 1 if options.remove_missing == "exit_1" else 0
        if len(found) > 1 and options.removes == "refuse":
            return "Several policies have this name", 0
        gone = found[:1] if options.removes == "first" else found
        self.policies = [each for each in self.policies if each not in gone]
        return "" if options.removal == "silent" else f"Policy '{name}' was {options.removal}", 0

    # --- import ---------------------------------------------------------------------------------------------

    def store(self, content: bytes) -> Policy:
        """Store the policy of a file. Raises Refusal."""
        root = self._parsed(content)
        options, name = self.platform.options, root.get("NAME")
        same_name = [each for each in self.policies if each.name == name]
        same_id = [each for each in self.policies if str(each.id) == root.get("ID")]
        if (same_name and options.existing_name == "refuse") or (same_id and options.existing_id == "refuse"):
            raise Refusal("java.lang.IllegalStateException: the policy exists")
        if same_name and options.existing_name == "numbered":
            name = f"{name} (1)"
        gone = same_name if options.existing_name == "overwrite" else []
        gone = [*gone, *(same_id if options.existing_id == "overwrite" else [])]
        self.policies = [each for each in self.policies if each not in gone]
        policy = self._policy(root, name, keeps_id=options.keeps_policy_ids and not same_id)
        self.policies.append(policy)
        self.evaluate()
        return policy

    def _policy(self, root: Any, name: str, *, keeps_id: bool) -> Policy:
        rules = [root, *root.findall("RULE_CHAIN/INNER_RULE")]
        ids = [int(each.get("ID")) if keeps_id else signed_64(self.random) for each in rules]
        return Policy(
            ids[0],
            name,
            root.get("DESCRIPTION", ""),
            root.get("ENABLED") == "true",
            root,
            self.clock.now() + self.platform.options.policy_seconds,
            tuple(ids[1:]),
        )

    def _parsed(self, content: bytes) -> Any:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        try:
            root = etree.fromstring(content, parser)
        except etree.XMLSyntaxError as error:
            raise Refusal(f"org.xml.sax.SAXParseException: {error}") from error
        rule = root.find(ROOTS.get(root.tag, "RULE"))
        known = {"RULES"} if self.platform.options.imports_roots == "rules" else ROOTS.keys()
        if root.tag not in known or rule is None:
            raise Refusal(f"java.lang.IllegalArgumentException: Unknown data-type {root.tag}")
        self._check(rule)
        return rule

    def _check(self, rule: Any) -> None:
        options = self.platform.options
        for filter_ in rule.iter("FILTER"):
            kind = filter_.get("TYPE")
            if kind is not None and kind not in TYPES:
                raise Refusal(f"java.lang.IllegalArgumentException: Unknown data-type {kind}")
        known = {*self.properties.tags.values(), *CORE_FIELDS}
        names = {each.get("FIELD_NAME") for each in rule.iter("CONDITION")}
        if names - known and options.unknown_property == "refuse":
            raise Refusal(f"java.lang.IllegalArgumentException: Unknown field {sorted(names - known)[0]}")
        for number, name in _groups(rule):
            self._know_group(number, name)

    def _know_group(self, number: int, name: str) -> None:
        how = self.platform.options.unknown_group
        if number in self.groups:
            return
        if how == "refuse" or (how == "by_name" and name not in self.groups.values()):
            raise Refusal(f"java.lang.IllegalArgumentException: Unknown group {name}")
        if how == "create":
            self.groups[number] = name

    # --- evaluation -----------------------------------------------------------------------------------------

    def hosts(self) -> list[str]:
        """Return the hosts with properties."""
        return sorted(self.properties.values)

    def matching(self, rule_ids: set[str]) -> list[str]:
        """Return the hosts that match one of the rules of enabled policies."""
        return sorted({ip for number, ip, _rule in self._matches() if str(number) in rule_ids})

    def _matches(self) -> Iterator[tuple[int, str, Any]]:
        for policy in self.policies:
            for ip in self.hosts() if policy.enabled else []:
                yield from _matched(policy, self.properties.values[ip], ip)

    def evaluate(self) -> None:
        """Send the mails of new matches. A policy that is imported again sends its mails again."""
        existing = {number for each in self.policies for number in (each.id, *each.rule_ids)}
        self.mailed = {each for each in self.mailed if each[0] in existing}
        for number, ip, rule in self._matches():
            if (number, ip) not in self.mailed:
                self.mailed.add((number, ip))
                self.mails += [_mail(action, ip) for action in _enabled_actions(rule, "sendmail")]

    def members(self) -> dict[str, list[str]]:
        """Return the hosts in each group. A host is a member while it matches."""
        found: dict[str, set[str]] = {name: set() for name in self.groups.values()}
        for _number, ip, rule in self._matches():
            for action in _enabled_actions(rule, "add-to-group"):
                for number, name in _groups(action):
                    known = self.groups.get(number) or (name if name in found else None)
                    if known is not None:
                        found[known].add(ip)
        return {name: sorted(hosts) for name, hosts in found.items()}

    # --- Web API and Console --------------------------------------------------------------------------------

    def listed(self) -> list[dict[str, Any]]:
        """Return the policies as the Web API lists them."""
        now = self.clock.now()
        return [self._row(each) for each in self.policies if each.listed_at <= now]

    def _row(self, policy: Policy) -> dict[str, Any]:
        rules = [
            {"ruleId": number, "name": rule.get("NAME"), "description": rule.get("DESCRIPTION", "")}
            for number, rule in policy.rules
        ]
        row: dict[str, Any] = {"policyId": policy.id, "name": policy.name, "rules": rules}
        shown = self.platform.options.policy_description
        if shown == "absent":
            return row
        text = policy.description
        return {
            **row,
            "description": {"truncated": text[:40], "folded": " ".join(text.split())}.get(shown, text),
        }

    def state(self) -> dict[str, Any]:
        """Return policies, groups and mails."""
        self.evaluate()
        return {
            "policies": [
                {
                    "name": each.name,
                    "description": each.description,
                    "enabled": each.enabled,
                    "actions": {
                        action.get("NAME"): action.get("DISABLED") != "true"
                        for action in each.root.iter("ACTION")
                    },
                    "ranges": [dict(part.attrib) for part in each.root.findall("RANGE")],
                }
                for each in self.policies
            ],
            "groups": self.members(),
            "mails": self.mails,
            "imports": self.imports,
        }

    def by_operator(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change a policy as an operator does in the Console. Raises ConfigurationError."""
        require_known(body, "name", "enabled", "value", "stripped")
        found = [each for each in self.policies if each.name == body.get("name")]
        if not found:
            raise ConfigurationError(f"there is no policy {body.get('name')!r}; import it first")
        changed = replace(found[0], enabled=bool(body.get("enabled", found[0].enabled)))
        for part in changed.root.iter("VALUE") if "value" in body else ():
            part.set("VALUE2", body["value"])
        if body.get("stripped"):
            _strip(changed.root)
        self.policies[self.policies.index(found[0])] = changed
        self.evaluate()
        return {}

    def exported(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the export of a policy about a property that an operator has created in the Console."""
        require_known(body, "name", "label", "value", "action")
        tag = self.properties.tags.get(body.get("label", "Firmware"))
        actions = {"sendmail": mail(), "add-to-group": self._to_group()}
        if tag is None or body.get("action") not in actions:
            raise ConfigurationError(f"set label to a property and action to one of {', '.join(actions)}")
        rule = Rule(
            "Found",
            tag,
            label=body.get("label", "Firmware"),
            value=body.get("value", "2."),
            actions=(actions[body["action"]],),
        )
        return {"xml": export(body.get("name", "Policy"), [rule], random=self.random)}

    def _to_group(self) -> Action:
        number, name = next(iter(self.groups.items()))
        return add_to_group(number, name)


def _statistics(name: str, matched: int, checked: int) -> list[str]:
    return [f"{name} : MATCH : {matched}", f"{name} : UNMATCH : {checked - matched}"]


# --- the document -------------------------------------------------------------------------------------------


def _matched(policy: Policy, fields: Mapping[str, Any], ip: str) -> Iterator[tuple[int, str, Any]]:
    """Yield the policy and its first sub-rule that match a host, each with its id."""
    if not _in_scope(policy.root, ip) or not _holds(policy.root.find("EXPRESSION"), fields):
        return
    yield policy.id, ip, policy.root
    for number, rule in policy.rules:
        if _holds(rule.find("EXPRESSION"), fields):
            yield number, ip, rule
            return


def _in_scope(root: Any, ip: str) -> bool:
    address = ipaddress.ip_address(ip)
    if address.version != 4:
        return True
    ranges = [(each.get("FROM"), each.get("TO")) for each in root.findall("RANGE")]
    return any(ipaddress.ip_address(low) <= address <= ipaddress.ip_address(high) for low, high in ranges)


def _holds(expression: Any, fields: Mapping[str, Any]) -> bool:
    """Return whether a host meets an expression. A rule without one applies to all hosts."""
    if expression is None:
        return True
    inner = [_holds(each, fields) for each in expression.findall("EXPRESSION")]
    inner += [_meets(each, fields) for each in expression.findall("CONDITION")]
    match expression.get("EXPR_TYPE"):
        case "OR":
            return any(inner)
        case "NOT":
            return not all(inner)
    return all(inner)


def _meets(condition: Any, fields: Mapping[str, Any]) -> bool:
    known = fields.get(condition.get("FIELD_NAME"))
    filter_ = condition.find("FILTER")
    if known is None or filter_ is None:
        return bool(condition.get("RET_VALUE_ON_UKNOWN") == "MATCH")
    values = known["value"] if isinstance(known["value"], list) else [known["value"]]
    texts = [each.get("VALUE2", "") for each in filter_.findall("VALUE")]
    holds = TYPES[filter_.get("TYPE", "any")]
    return any(holds(str(value), text) for value in values for text in texts)


def _strip(root: Any) -> None:
    """Remove the conditions on properties of modules, as a new import of their app does (documented)."""
    for condition in root.xpath(".//CONDITION[@PLUGIN_UNIQUE_NAME]"):
        condition.getparent().remove(condition)


def _enabled_actions(rule: Any, name: str) -> list[Any]:
    """Return the enabled actions of a rule, without those of its sub-rules."""
    return [
        each for each in rule.findall("ACTION") if each.get("NAME") == name and each.get("DISABLED") != "true"
    ]


def _mail(action: Any, ip: str) -> dict[str, str]:
    texts = {each.get("NAME"): each.get("VALUE") for each in action.findall("PARAM")}
    return {name: texts.get(name, "").replace("{ip}", ip) for name in ("to", "subject", "message")}


def _groups(element: Any) -> Iterator[tuple[int, str]]:
    """Yield the groups that an element refers to."""
    for each in element.iter("PARAM"):
        found = GROUP.fullmatch(each.get("VALUE", "")) if each.get("NAME") == "group-name" else None
        if found:
            yield int(found[1]), found[2]
