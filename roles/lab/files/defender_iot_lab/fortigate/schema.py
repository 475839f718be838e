# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The FortiOS tables of the lab, as data.

Names, types, limits, defaults and firmware ranges are documented by the vendor's own modules and by published
schemas of 6.2 to 7.6.5, unless an entry says otherwise.
"""

from __future__ import annotations

from .tables.attribute import Row, since, until
from .tables.kinds import Choice, Group, Masked, Network4, Network6, Number, Rows, Text
from .tables.table import TableSchema

ACCESS = ("none", "read", "read-write")
ACCESS_CUSTOM = (*ACCESS, "custom")
DISABLE = ("disable", "enable")
ENABLE = ("enable", "disable")
FEATURE_WANOPT = "wanopt"
FEATURE_MULTI_VDOM = "multi-vdom"

SUPER_ADMIN = "super_admin"
IMMUTABLE = frozenset({SUPER_ADMIN, "super_admin_readonly"})
"""The profiles that cannot be changed or deleted (CLI reference of 6.0.6)."""

STOCK_PROFILES = IMMUTABLE | {"prof_admin"}

GROUPS_WITH_CHILDREN = ("secfabgrp", "netgrp", "sysgrp", "fwgrp", "loggrp", "utmgrp")
PLAIN_GROUPS = ("ftviewgrp", "authgrp", "vpngrp", "wanoptgrp", "wifi")


def _children(*names: str, **ranged: tuple[tuple[str, str | None], ...]) -> Group:
    children = {name: Choice(ACCESS) for name in names}
    children |= {name.replace("_", "-"): Choice(ACCESS, spans=spans) for name, spans in ranged.items()}
    return Group(children=children)


# `others` was added to the 6.4 branch in 6.4.6 and to the 7.0 branch in 7.0.1.
FIREWALL_OTHERS = since("6.4.6", "7.0.0") + since("7.0.1")

ACCPROFILE = TableSchema(
    "system",
    "accprofile",
    key="name",
    group="sysgrp",
    child="admin",
    number=10,
    size=66,
    static=STOCK_PROFILES,
    attributes={
        "name": Text(35, required=True),
        "scope": Choice(("vdom", "global"), feature=FEATURE_MULTI_VDOM),
        "comments": Text(255, kind="var-string"),
        "secfabgrp": Choice(ACCESS, later=(("custom", "7.6.5"),)),
        "ftviewgrp": Choice(ACCESS),
        "authgrp": Choice(ACCESS),
        "sysgrp": Choice(ACCESS_CUSTOM),
        "netgrp": Choice(ACCESS_CUSTOM),
        "loggrp": Choice(ACCESS_CUSTOM),
        "fwgrp": Choice(ACCESS_CUSTOM),
        "vpngrp": Choice(ACCESS),
        "utmgrp": Choice(ACCESS_CUSTOM),
        "wanoptgrp": Choice(ACCESS, feature=FEATURE_WANOPT),
        "wifi": Choice(ACCESS),
        "netgrp-permission": _children("cfg", "packet-capture", "route-cfg"),
        "sysgrp-permission": _children("admin", "upd", "cfg", "mnt"),
        "fwgrp-permission": _children("policy", "address", "service", "schedule", others=FIREWALL_OTHERS),
        "loggrp-permission": _children("config", "data-access", "report-access", "threat-weight"),
        "utmgrp-permission": _children(
            "antivirus",
            "ips",
            "webfilter",
            spamfilter=until("6.2"),
            emailfilter=since("6.2"),
            data_loss_prevention=until("7.2.4"),
            data_leak_prevention=since("7.2.4", "7.4.4"),
            dlp=since("7.4.4"),
            file_filter=since("6.4"),
            application_control=since("0"),
            icap=since("0"),
            voip=since("0"),
            waf=since("0"),
            dnsfilter=since("0"),
            endpoint_control=since("0"),
            videofilter=since("7.2.0"),
            virtual_patch=since("7.4.1"),
            casb=since("7.4.1"),
            telemetry=since("7.6.4"),
        ),
        "secfabgrp-permission": Group(
            children={"csfsys": Choice(ACCESS), "csffoo": Choice(ACCESS)}, spans=since("7.6.5")
        ),
        "admintimeout-override": Choice(DISABLE),
        "admintimeout": Number(0, 480, 10),
        "cli-diagnose": Choice(DISABLE, spans=since("7.4.2")),
        "cli-get": Choice(DISABLE, spans=since("7.4.2")),
        "cli-show": Choice(DISABLE, spans=since("7.4.2")),
        "cli-exec": Choice(DISABLE, spans=since("7.4.2")),
        "cli-config": Choice(DISABLE, spans=since("7.4.2")),
        "system-diagnostics": Choice(ENABLE, spans=since("6.4.0", "7.4.2")),
        "system-execute-ssh": Choice(ENABLE, spans=since("7.2.1")),
        "system-execute-telnet": Choice(ENABLE, spans=since("7.2.1")),
    },
)

API_USER = TableSchema(
    "system",
    "api-user",
    key="name",
    group="sysgrp",
    child="admin",
    number=531,
    size=512,
    attributes={
        "name": Text(35, required=True),
        "comments": Text(255, kind="var-string"),
        "api-key": Masked(128),
        "accprofile": Text(35, ("system.accprofile.name",), required=True),
        "vdom": Rows("name", children={"name": Text(79, ("system.vdom.name",), required=True)}),
        "schedule": Text(35),
        "cors-allow-origin": Text(269),
        "peer-auth": Choice(DISABLE),
        "peer-group": Text(35),
        "trusthost": Rows(
            "id",
            children={
                "id": Number(0, 4294967295),
                "type": Choice(("ipv4-trusthost", "ipv6-trusthost")),
                "ipv4-trusthost": Network4(),
                "ipv6-trusthost": Network6(),
            },
        ),
    },
)

VDOM = TableSchema(
    "system",
    "vdom",
    key="name",
    group="sysgrp",
    child="cfg",
    read_only=True,
    attributes={"name": Text(31, required=True), "short-name": Text(31), "flag": Number(0, 4294967295)},
)

ADMIN = TableSchema(
    "system",
    "admin",
    key="name",
    group="sysgrp",
    child="admin",
    read_only=True,
    attributes={"name": Text(64, required=True), "accprofile": Text(35), "comments": Text(255)},
)
"""The administrators with a password, with the attributes used here (documented by the vendor's modules)."""

MANAGEMENT_VDOM = "root"
AUTOMATION = "automation"


def stock_profiles() -> list[Row]:
    """Return the built-in profiles. Their attributes other than the groups are assumed."""
    return [
        _stock(SUPER_ADMIN, "global", "read-write"),
        _stock("prof_admin", "vdom", "read-write"),
        _stock("super_admin_readonly", "global", "read"),
    ]


def automation_user() -> Row:
    """Return the initial REST API administrator of a lab: all rights, from the loopback interface only."""
    host = {"id": 1, "type": "ipv4-trusthost", "ipv4-trusthost": "127.0.0.1 255.255.255.255"}
    return {
        "name": AUTOMATION,
        "accprofile": SUPER_ADMIN,
        "vdom": [{"name": "root"}],
        "trusthost": [{**host, "ipv6-trusthost": "::/0"}],
    }


def _stock(name: str, scope: str, access: str) -> Row:
    groups = dict.fromkeys((*GROUPS_WITH_CHILDREN, *PLAIN_GROUPS), access)
    return {"name": name, "scope": scope, "comments": "", **groups}
