# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports of policies as the Console writes them: the form follows files that Forescout has published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from xml.sax.saxutils import quoteattr

VERSION = "8.5.2-217"
MAIN = """\
<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<RULES>
    <RULE APP_VERSION="{version}" CACHE_TTL="259200" CACHE_TTL_SYNCED="true" CLASSIFICATION="REG_STATUS" \
DESCRIPTION={description} ENABLED="{enabled}" ID="{id}" NAME={name} NOT_COND_UPDATE="true" \
UPGRADE_PERFORMED="true">
        <GROUP_IN_FILTER/>
        <INACTIVITY_TTL TTL="0" USE_DEFAULT="true"/>
        <ADMISSION_RESOLVE_DELAY TTL="0" USE_DEFAULT="true"/>
        <MATCH_TIMING RATE="28800" SKIP_INACTIVE="true">
            <ADMISSION ALL="true"/>
        </MATCH_TIMING>
        <EXCEPTION NAME="ip" UNKNOWN_EVAL="UNMATCH"/>
        <EXCEPTION NAME="mac" UNKNOWN_EVAL="UNMATCH"/>
        <EXCEPTION NAME="nbthost" UNKNOWN_EVAL="UNMATCH"/>
        <EXCEPTION NAME="user" UNKNOWN_EVAL="UNMATCH"/>
        <EXCEPTION NAME="group" UNKNOWN_EVAL="UNMATCH"/>
        <ORIGIN NAME="CUSTOM"/>
        <UNMATCH_TIMING RATE="28800" SKIP_INACTIVE="true">
            <ADMISSION ALL="true"/>
        </UNMATCH_TIMING>
        <RANGE FROM="0.0.0.0" TO="255.255.255.255"/>
        <SUBNET address="::" prefix="0"/>
        <RULE_CHAIN>
{rules}        </RULE_CHAIN>
        <REPORT_TABLES/>
    </RULE>
</RULES>
"""
SUB_RULE = """\
            <INNER_RULE APP_VERSION="{version}" CACHE_TTL="259200" CACHE_TTL_SYNCED="true" \
CLASSIFICATION="REG_STATUS" DESCRIPTION="" ID="{id}" NAME={name} NOT_COND_UPDATE="true" \
RECHECK_MAIN_RULE_DEF="true">
                <MATCH_TIMING RATE="28800" SKIP_INACTIVE="true">
                    <ADMISSION ALL="true"/>
                </MATCH_TIMING>
                <EXPRESSION EXPR_TYPE="SIMPLE">
                    <!--Rule expression. Rule name is: {comment}-->
                    <CONDITION EMPTY_LIST_VALUE="false" FIELD_NAME={property} LABEL={label} \
LEFT_PARENTHESIS="0" LOGIC="AND" PLUGIN_NAME="CyberX Platform" PLUGIN_UNIQUE_NAME={module} \
PLUGIN_VESRION="1.1.0" PLUGIN_VESRION_NUMBER="11000012" RET_VALUE_ON_UKNOWN="IRRESOLVED" \
RIGHT_PARENTHESIS="0">
                        <FILTER CASE_SENSITIVE="false" FILTER_ID="{filter_id}" TYPE={type}>
                            <VALUE VALUE2={value}/>
                        </FILTER>
                    </CONDITION>
                </EXPRESSION>
{actions}            </INNER_RULE>
"""
ACTION = """\
                <ACTION DISABLED="{disabled}" NAME={name}>
{parameters}                    <SCHEDULE>
                        <START Class="Immediately"/>
                        <OCCURENCE onStart="true"/>
                    </SCHEDULE>
                </ACTION>
"""
PARAMETER = "                    <PARAM NAME={} VALUE={}/>\n"


@dataclass(frozen=True)
class Action:
    """An action with its parameters, in order."""

    name: str
    parameters: tuple[tuple[str, str], ...] = ()
    enabled: bool = True


@dataclass(frozen=True)
class Rule:
    """A sub-rule with one condition."""

    name: str
    property: str
    label: str = "Firmware"
    type: str = "startswith"
    value: str = "2."
    actions: tuple[Action, ...] = ()
    module: str = "module_1"


def mail(to: str = "operator@example.com", subject: str = "{ip}", message: str = "Seen:\t{ip}\n") -> Action:
    """Return an action that sends a mail."""
    texts = (("signature", "default"), ("subject", subject), ("to", to), ("message", message))
    return Action("sendmail", (*texts, ("aggregate", "false")))


def add_to_group(number: int, name: str) -> Action:
    """Return an action that adds a host to a group while it matches."""
    group = ("group-name", f"id:{number};name:{name}")
    return Action("add-to-group", (("temporary", "true"), group, ("item_key", "mac_or_ip")))


def export(
    name: str,
    rules: Sequence[Rule],
    *,
    description: str = "",
    enabled: bool = True,
    random: Random | None = None,
    version: str = VERSION,
) -> str:
    """Return the export of a policy. Its ids differ in each export."""
    numbers = random or Random()
    return MAIN.format(
        version=version,
        id=signed_64(numbers),
        name=_quoted(name),
        description=_quoted(description),
        enabled=str(enabled).lower(),
        rules="".join(_sub_rule(each, numbers, version) for each in rules),
    )


def signed_64(random: Random) -> int:
    """Return a random signed 64-bit number."""
    return random.getrandbits(64) - 2**63


def _sub_rule(rule: Rule, random: Random, version: str) -> str:
    return SUB_RULE.format(
        version=version,
        id=signed_64(random),
        filter_id=signed_64(random),
        comment=rule.name.replace("-", " "),
        actions="".join(map(_action, rule.actions)),
        **{
            each: _quoted(getattr(rule, each))
            for each in ("name", "property", "label", "module", "type", "value")
        },
    )


def _action(action: Action) -> str:
    parameters = "".join(PARAMETER.format(_quoted(name), _quoted(value)) for name, value in action.parameters)
    disabled = str(not action.enabled).lower()
    return ACTION.format(disabled=disabled, name=_quoted(action.name), parameters=parameters)


def _quoted(text: str) -> str:
    """Return the value of an attribute. The Console writes line breaks and tabs as references."""
    return quoteattr(text, {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;", '"': "&quot;"})
