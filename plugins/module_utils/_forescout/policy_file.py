# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contents of an exported policy, and the file to import that is made from it.

The words of the format, with their misspellings, are those of files that Forescout has published, of versions
7.0 to 9.1.4 (observed). The names of the properties of the Defender for IoT module are in none of them, so no
condition is ever written: only the values of existing ones change.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .._engine.errors import InvalidOptions, attempting
from .._engine.files import open_regular
from .policy_xml import LARGEST, Element, Values, attribute, read_document, span, spliced, with_values

RULES = ("RULE", "INNER_RULE")
MAIL, GROUP = "sendmail", "add-to-group"
MAIL_PARAMETERS = {"to": "to", "subject": "subject", "text": "message"}
"""The parameter of a mail for each option."""

SCOPES = ("RANGE", "SUBNET", "SEGMENT", "RESERVED")

ALLOWED_ACTIONS = [GROUP, MAIL]
MATCHES_TEXT = ("contains", "equals", "startswith", "endswith", "regexp")

# At the start, because a description may be shown cut off.
MARK = "[defender_iot:{}]"
MARKED = re.compile(r"\[defender_iot:([0-9a-f]{16})\]\s*")

ONE_ADDRESS = re.compile(r"[^\s,;@<>]+@[^\s,;@<>]+")
GROUP_NAME = re.compile(r"id:-?\d+;name:.*", re.DOTALL)

# What differs between two exports of the same policy. The ids of rules are new after each import.
VOLATILE = {
    *("APP_VERSION", "CACHE_TTL_SYNCED", "FILTER_ID"),
    *("PLUGIN_VESRION", "PLUGIN_VESRION_NUMBER", "UPGRADE_PERFORMED"),
}

EXPORT = "export one policy in the Console"


@dataclass(frozen=True)
class PolicyFile:
    """A policy in the form to import. ``digest`` are 16 hexadecimal digits, which the description contains.

    ``conditions`` have rule, label, property, module, type and values, ``actions`` rule, name and enabled.
    """

    name: str
    digest: str
    enabled: bool
    rules: tuple[str, ...]
    conditions: tuple[Mapping[str, Any], ...]
    actions: tuple[Mapping[str, Any], ...]
    content: bytes = field(repr=False)


def digest_in(description: Any) -> str | None:
    """Return the digest in a description, None if this collection did not make the policy's file."""
    found = MARKED.search(str(description or ""))
    return found[1] if found else None


def read_policy_file(path: str, options: Mapping[str, Any]) -> PolicyFile:
    """Return the policy of an export with the values that the options set. Raises InvalidOptions."""
    with attempting(f"reading the export {path}"):
        content = _content(path)
        policy = _policy(read_document(content))
        _refuse_actions(policy, options["allowed_actions"])
    with attempting(f"setting the values of the policy in {path}"):
        return _rendered(_with_ranges(content, policy, options["ranges"]), options)


def digest_of_file(path: str) -> str | None:
    """Return the digest in the description of a policy's file, None if there is no such file."""
    try:
        policy = _policy(read_document(_content(path)))
    except InvalidOptions:
        return None
    return digest_in(policy.attributes.get("DESCRIPTION"))


def overview(content: bytes) -> dict[str, Any]:
    """Return what an operator reviews in a policy's file, empty for no file.

    Scope, conditions and actions are lists. What else the file has is only in the digest.
    """
    if not content:
        return {}
    try:
        policy = _policy(read_document(content))
    except InvalidOptions as error:
        return {"unreadable": error.why}
    description = policy.attributes.get("DESCRIPTION", "")
    return {
        "name": policy.attributes["NAME"],
        "description": MARKED.sub("", description).strip(),
        "digest": digest_in(description),
        "enabled": policy.attributes.get("ENABLED") == "true",
        "scope": [_scope(each) for each in policy.children if each.tag in SCOPES],
        "conditions": [dict(each) for each in _conditions(policy)],
        "actions": [
            {**about, "parameters": _parameters(element)}
            for about, (_rule, element) in zip(_actions(policy), _by_rule(policy, "ACTION"))
        ],
    }


def _scope(part: Element) -> str:
    """Return a part of the scope in the form of the option ``ranges``, if it has one."""
    has = part.attributes
    if part.tag == "RANGE":
        return f"{has.get('FROM', '')}-{has.get('TO', '')}"
    return f"{has['address']}/{has.get('prefix', '')}" if "address" in has else has.get("NAME", part.tag)


def _parameters(action: Element) -> dict[str, str]:
    found = (each.attributes for each in action.named("PARAM"))
    return {each.get("NAME", ""): each.get("VALUE", "") for each in found}


def _content(path: str) -> bytes:
    if not Path(path).is_absolute():
        raise InvalidOptions("its path is relative", "begin the path with playbook_dir or inventory_dir")
    try:
        with open_regular(path) as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise InvalidOptions(f"it cannot be read ({error.strerror})", "check the path") from None


def _policy(root: Element) -> Element:
    """Return the only policy of an export."""
    if root.tag != "RULES":
        raise InvalidOptions(
            f"it begins with {_shown(root.tag)}, and only files that begin with RULES are known to be "
            "importable",
            f"{EXPORT}, not a folder or a group",
        )
    policies = root.named("RULE")
    if len(policies) != 1:
        raise InvalidOptions(f"it has {len(policies)} policies instead of one", EXPORT)
    if not policies[0].attributes.get("NAME"):
        raise InvalidOptions("its policy has no name", EXPORT)
    return policies[0]


def _refuse_actions(policy: Element, allowed: Sequence[str]) -> None:
    """Refuse actions outside the list, disabled ones too: one click enables them."""
    found = {each["name"] for each in _actions(policy)}
    if found - set(allowed):
        names = " and ".join(_shown(name) for name in sorted(found - set(allowed)))
        raise InvalidOptions(
            f"it has the action {names}", "remove it in the Console, or add it to allowed_actions"
        )


def _rendered(content: bytes, options: Mapping[str, Any]) -> PolicyFile:
    policy = _policy(read_document(content))
    values = {
        **dict(_own_values(policy, options)),
        **dict(_condition_values(policy, options["conditions"])),
        **_mail_values(policy, options["mail"] or {}),
        **_group_values(policy, options["group"]),
    }
    content = with_values(content, values)
    policy = _policy(read_document(content))
    digest = hashlib.sha256(json.dumps(_lasting(policy)).encode()).hexdigest()[:16]
    description = f"{MARK.format(digest)} {policy.attributes['DESCRIPTION']}".strip()
    return PolicyFile(
        policy.attributes["NAME"],
        digest,
        options["enabled"],
        tuple(each.attributes.get("NAME", "") for each in policy.all(*RULES)),
        tuple(_conditions(policy)),
        tuple(_actions(policy)),
        with_values(content, {(policy.start, "DESCRIPTION"): description}),
    )


def _lasting(element: Element) -> list[Any]:
    """Return what two exports of the same policy have in common."""
    ignored = VOLATILE | ({"ID"} if element.tag in RULES else set())
    attributes = {name: value for name, value in element.attributes.items() if name not in ignored}
    children = [_lasting(child) for child in element.children]
    return [element.tag, sorted(attributes.items()), element.text, children]


# --- contents -----------------------------------------------------------------------------------------------


def _by_rule(element: Element, tag: str, rule: str = "") -> Iterator[tuple[str, Element]]:
    """Yield the elements with a tag inside, each with the name of its rule or sub-rule.

    Case and prefix of the tag do not matter: what Forescout's reader makes of them is not known.
    """
    rule = element.attributes.get("NAME", "") if element.tag in RULES else rule
    for child in element.children:
        if child.tag.rpartition(":")[2].upper() == tag:
            yield rule, child
        yield from _by_rule(child, tag, rule)


def _conditions(policy: Element) -> Iterator[Mapping[str, Any]]:
    for rule, element in _by_rule(policy, "CONDITION"):
        has = element.attributes
        script = next((each.attributes.get("NAME") for each in element.all("FIELD")), None)
        yield {
            "rule": rule,
            "label": has.get("LABEL", ""),
            "property": has.get("FIELD_NAME") or script or "",
            "module": has.get("PLUGIN_UNIQUE_NAME", ""),
            "type": next((each.attributes.get("TYPE") for each in element.all("FILTER")), None),
            "values": [each.attributes.get("VALUE2", "") for each in element.all("VALUE")],
        }


def _actions(policy: Element) -> Iterator[Mapping[str, Any]]:
    for rule, element in _by_rule(policy, "ACTION"):
        yield {
            "rule": rule,
            "name": element.attributes.get("NAME", ""),
            "enabled": element.attributes.get("DISABLED") != "true",
        }


# --- values -------------------------------------------------------------------------------------------------


def _own_values(policy: Element, options: Mapping[str, Any]) -> Iterator[tuple[tuple[int, str], str]]:
    """Yield name, description and state of the policy, and the state of its actions."""
    description = options["description"]
    if description is None:
        description = policy.attributes.get("DESCRIPTION", "")
    yield (policy.start, "NAME"), _name(options["name"] or policy.attributes["NAME"])
    yield (policy.start, "DESCRIPTION"), MARKED.sub("", description).strip()
    yield (policy.start, "ENABLED"), str(options["enabled"]).lower()
    if options["actions"] == "disabled":
        for _rule, action in _by_rule(policy, "ACTION"):
            yield (action.start, "DISABLED"), "true"


def _name(name: str) -> str:
    """Return a name that is one argument of a command, and no option of it."""
    if not name.isprintable() or name != name.strip() or name.startswith("-"):
        raise InvalidOptions(
            f'the name "{_shown(name)}" begins with a hyphen, ends with a blank or has control characters',
            "set another name",
        )
    return name


def _condition_values(
    policy: Element, wanted: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[tuple[int, str], str]]:
    seen: set[int] = set()
    for each in wanted:
        where = f'"{each["label"]}"' + (f' of the rule "{each["rule"]}"' if each["rule"] else "")
        if not each["value"]:
            raise InvalidOptions(f"the value for the condition {where} is empty", "set a value")
        if not each["value"].isprintable():
            raise InvalidOptions(
                f"the value for the condition {where} has a line break or a control character",
                "write it in one line",
            )
        start = _value_of(policy, each, where).start
        if start in seen:
            raise InvalidOptions(f"conditions has the condition {where} twice", "set one value for it")
        seen.add(start)
        yield (start, "VALUE2"), each["value"]


def _value_of(policy: Element, wanted: Mapping[str, Any], where: str) -> Element:
    """Return the element with the text that a condition compares with."""
    found = [
        element
        for rule, element in _by_rule(policy, "CONDITION")
        if element.attributes.get("LABEL") == wanted["label"] and wanted["rule"] in (None, rule)
    ]
    if len(found) != 1:
        raise InvalidOptions(
            f"it has {len(found)} conditions {where} instead of one",
            "correct label, or set rule to the name of the rule that has the condition",
        )
    filters = found[0].all("FILTER")
    values = [each for item in filters for each in item.named("VALUE")]
    if len(filters) != 1 or len(values) != 1 or filters[0].attributes.get("TYPE") not in MATCHES_TEXT:
        raise InvalidOptions(
            f"the condition {where} does not compare with one text",
            "change it in the Console and export again",
        )
    return values[0]


def _mail_values(policy: Element, mail: Mapping[str, Any]) -> Values:
    given = {name: mail[option] for option, name in MAIL_PARAMETERS.items() if mail.get(option)}
    if "to" in given and not ONE_ADDRESS.fullmatch(given["to"]):
        raise InvalidOptions(
            "mail.to is not one address, and what Forescout does with several is not known",
            "set one address, such as that of a mailing list",
        )
    if not given.get("subject", "").isprintable():
        raise InvalidOptions(
            "mail.subject has a line break or a control character, which could begin another header",
            "remove the character",
        )
    return {(_parameter(policy, MAIL, name, "mail").start, "VALUE"): text for name, text in given.items()}


def _group_values(policy: Element, group: Mapping[str, Any] | None) -> Values:
    if not group:
        return {}
    number = str(group["id"])
    if not re.fullmatch(r"-?\d{1,19}", number) or not -(2**63) <= int(number) < 2**63:
        raise InvalidOptions(
            f'group.id is "{_shown(number)}", which is not a signed 64-bit number',
            "copy it from an export of this platform",
        )
    if not group["name"].isprintable():
        raise InvalidOptions(
            f'group.name "{_shown(group["name"])}" has control characters', "copy it from the Console"
        )
    place = _parameter(policy, GROUP, "group-name", "group")
    if not GROUP_NAME.fullmatch(place.attributes.get("VALUE", "")):
        raise InvalidOptions("its group has an unknown form", "set the group in the Console and export again")
    return {(place.start, "VALUE"): f"id:{int(number)};name:{group['name']}"}


def _parameter(policy: Element, action: str, name: str, option: str) -> Element:
    """Return a parameter of the only action of this kind."""
    actions = [each for _rule, each in _by_rule(policy, "ACTION") if each.attributes.get("NAME") == action]
    if len(actions) != 1:
        raise InvalidOptions(
            f"it has {len(actions)} actions {action} instead of one", f"remove {option}, or {EXPORT} with one"
        )
    found = [each for each in actions[0].named("PARAM") if each.attributes.get("NAME") == name]
    if len(found) != 1:
        raise InvalidOptions(f"its action {action} has no {name}", "set it in the Console and export again")
    return found[0]


def _with_ranges(content: bytes, policy: Element, ranges: Sequence[str]) -> bytes:
    """Return the document with other IPv4 ranges as the scope of the policy."""
    if not ranges:
        return content
    parts = policy.named("RANGE")
    if not parts:
        raise InvalidOptions(
            "its scope has no IPv4 ranges, but segments or nothing", "remove ranges, or export with IP ranges"
        )
    new = b"".join(_range(each) for each in ranges)
    return spliced(content, [(*span(content, part), new if part is parts[0] else b"") for part in parts])


def _range(text: str) -> bytes:
    first, dash, last = (part.strip() for part in text.partition("-"))
    try:
        if dash:
            low, high = ipaddress.IPv4Address(first), ipaddress.IPv4Address(last)
        else:
            network = ipaddress.IPv4Network(text)
            low, high = network[0], network[-1]
    except ValueError:
        low, high = ipaddress.IPv4Address(1), ipaddress.IPv4Address(0)
    if low > high:
        raise InvalidOptions(
            f'ranges contains "{_shown(text)}", which is no IPv4 network or range',
            "use the form 192.0.2.0/24 or 192.0.2.10-192.0.2.20",
        )
    return b"<RANGE " + attribute("FROM", str(low)) + b" " + attribute("TO", str(high)) + b"/>"


def _shown(text: str) -> str:
    """Return a text of an export for a message: printable and short."""
    return "".join(letter for letter in text if letter.isprintable())[:60]
