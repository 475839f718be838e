# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall tables of one VDOM, as data.

Names, types, limits, defaults and firmware ranges are documented by the vendor's own modules and by published
schemas of 6.2 to 7.6.5. The order of attributes is that of recorded answers of 7.2.5. Attributes that no
block list needs are left out.
"""

from __future__ import annotations

from ..tables.attribute import since
from ..tables.kinds import Choice, Host, Names, Network4, Network6, Number, Rows, Text, Uuid
from ..tables.table import TableSchema

DISABLE = ("disable", "enable")
ENABLE = ("enable", "disable")
FORBIDDEN = "\"'<>"
"""The characters that no text may contain (documented)."""

ADDRESSES = ("firewall.address.name", "firewall.addrgrp.name")
ADDRESSES6 = ("firewall.address6.name", "firewall.addrgrp6.name")
INTERFACES = ("system.interface.name",)
SERVICES = ("firewall.service.custom.name",)
FABRIC_OBJECT = Choice(DISABLE, spans=since("6.4.4"))


def _text(limit: int, **more: object) -> Text:
    return Text(limit, forbidden=FORBIDDEN, **more)  # type: ignore[arg-type]


def _comment(limit: int) -> Text:
    return _text(limit, kind="var-string")


def _tagging() -> Rows:
    return Rows("name", children={"name": Text(63, required=True), "category": Text(63), "tags": Names.of()})


ADDRESS = TableSchema(
    "firewall",
    "address",
    key="name",
    group="fwgrp",
    child="address",
    number=32,
    size=100_000,
    static=frozenset({"all", "none"}),
    attributes={
        "name": _text(79, required=True),
        "uuid": Uuid(),
        "subnet": Network4(),
        "type": Choice(
            (
                "ipmask",
                "iprange",
                "fqdn",
                "geography",
                "wildcard",
                "dynamic",
                "interface-subnet",
                "mac",
            ),
            later=(("route-tag", "7.4.0"),),
        ),
        "sub-type": Choice(("sdn", "clearpass-spt", "fsso", "ems-tag")),
        "clearpass-spt": Choice(("unknown", "healthy", "quarantine", "checkup", "transient", "infected")),
        "macaddr": Rows("macaddr", children={"macaddr": Text(127, required=True)}, spans=since("7.0.0")),
        "start-ip": Host(),
        "end-ip": Host(),
        "fqdn": Text(255),
        "wildcard": Text(31, default="0.0.0.0 0.0.0.0"),
        "country": Text(2),
        "cache-ttl": Number(0, 86400),
        "sdn": Text(35),
        "interface": Text(35, INTERFACES),
        "obj-type": Choice(("ip", "mac")),
        "dirty": Choice(("dirty", "clean"), spans=since("7.2.0")),
        "comment": _comment(255),
        "associated-interface": Text(35, INTERFACES),
        "color": Number(0, 32),
        "filter": Text(2047, kind="var-string"),
        "node-ip-only": Choice(DISABLE, spans=since("7.0.0")),
        "obj-id": Text(255, kind="var-string"),
        "list": Rows("ip", children={"ip": Text(35, required=True)}),
        "tagging": _tagging(),
        "allow-routing": Choice(DISABLE),
        "fabric-object": FABRIC_OBJECT,
    },
)

ADDRESS6 = TableSchema(
    "firewall",
    "address6",
    key="name",
    group="fwgrp",
    child="address",
    number=209,
    size=40_000,
    static=frozenset({"all", "none"}),
    attributes={
        "name": _text(79, required=True),
        "uuid": Uuid(),
        "type": Choice(
            ("ipprefix", "iprange", "fqdn", "geography", "dynamic", "template", "mac"),
            later=(("route-tag", "7.4.0"), ("wildcard", "7.6.4")),
        ),
        "ip6": Network6(),
        "start-ip": Host("::"),
        "end-ip": Host("::"),
        "fqdn": Text(255),
        "country": Text(2),
        "cache-ttl": Number(0, 86400),
        "color": Number(0, 32),
        "comment": _comment(255),
        "list": Rows("ip", children={"ip": Text(89, required=True)}),
        "host-type": Choice(("any", "specific")),
        "host": Host("::"),
        "tagging": _tagging(),
        "fabric-object": FABRIC_OBJECT,
    },
)

ADDRGRP = TableSchema(
    "firewall",
    "addrgrp",
    key="name",
    group="fwgrp",
    child="address",
    number=34,
    size=25_000,
    attributes={
        "name": _text(79, required=True),
        "type": Choice(("default", "folder"), spans=since("6.4.0")),
        "category": Choice(
            ("default", "ztna-ems-tag", "ztna-geo-tag"),
            later=(("telemetry", "7.6.4"),),
            spans=since("7.0.0"),
        ),
        "uuid": Uuid(),
        "member": Names.of(*ADDRESSES),
        "comment": _comment(255),
        "exclude": Choice(DISABLE),
        "exclude-member": Names.of(*ADDRESSES),
        "color": Number(0, 32),
        "tagging": _tagging(),
        "allow-routing": Choice(DISABLE),
        "fabric-object": FABRIC_OBJECT,
    },
)

ADDRGRP6 = TableSchema(
    "firewall",
    "addrgrp6",
    key="name",
    group="fwgrp",
    child="address",
    number=210,
    size=8192,
    attributes={
        "name": _text(79, required=True),
        "uuid": Uuid(),
        "color": Number(0, 32),
        "comment": _comment(255),
        "member": Names.of(*ADDRESSES6),
        "exclude": Choice(DISABLE, spans=since("7.4.0")),
        "exclude-member": Names.of(*ADDRESSES6, spans=since("7.4.0")),
        "tagging": _tagging(),
        "fabric-object": FABRIC_OBJECT,
    },
)

POLICY = TableSchema(
    "firewall",
    "policy",
    key="policyid",
    group="fwgrp",
    child="policy",
    number=56,
    size=100_000,
    attributes={
        "policyid": Number(0, 4294967294),
        "status": Choice(ENABLE),
        "name": _text(35),
        "uuid": Uuid(),
        "srcintf": Names.of(*INTERFACES, required=True),
        "dstintf": Names.of(*INTERFACES, required=True),
        "action": Choice(("deny", "accept", "ipsec")),
        "srcaddr": Names.of(*ADDRESSES),
        "dstaddr": Names.of(*ADDRESSES, "firewall.vip.name"),
        "srcaddr6": Names.of(*ADDRESSES6, spans=since("6.4.0")),
        "dstaddr6": Names.of(*ADDRESSES6, spans=since("6.4.0")),
        "internet-service": Choice(DISABLE),
        "internet-service-src": Choice(DISABLE),
        "srcaddr-negate": Choice(DISABLE),
        "dstaddr-negate": Choice(DISABLE),
        "srcaddr6-negate": Choice(DISABLE, spans=since("7.2.1")),
        "dstaddr6-negate": Choice(DISABLE, spans=since("7.2.1")),
        "service": Names.of(*SERVICES, required=True),
        "service-negate": Choice(DISABLE),
        "schedule": Text(35, ("firewall.schedule.recurring.name",), required=True),
        "schedule-timeout": Choice(DISABLE),
        "policy-expiry": Choice(DISABLE, spans=since("7.2.0")),
        "policy-expiry-date": Text(19, default="0000-00-00 00:00:00", spans=since("7.2.0")),
        "policy-expiry-date-utc": Text(19, spans=since("7.2.4")),
        "firewall-session-dirty": Choice(("check-all", "check-new")),
        "utm-status": Choice(DISABLE),
        "inspection-mode": Choice(("flow", "proxy")),
        "logtraffic": Choice(("utm", "all", "disable")),
        "logtraffic-start": Choice(DISABLE),
        "nat": Choice(DISABLE),
        "match-vip": Choice(DISABLE),
        "match-vip-only": Choice(DISABLE),
        "send-deny-packet": Choice(DISABLE),
        "comments": _comment(1023),
        "label": _text(63),
        "global-label": _text(63),
    },
)

VIP = TableSchema(
    "firewall",
    "vip",
    key="name",
    group="fwgrp",
    child="others",
    read_only=True,
    attributes={
        "name": _text(79, required=True),
        "uuid": Uuid(),
        "comment": _comment(255),
        "type": Choice(("static-nat",)),
        "extip": Text(64),
        "extintf": Text(35, INTERFACES),
        "mappedip": Rows("range", children={"range": Text(79, required=True)}),
    },
)

SERVICE = TableSchema(
    "firewall.service",
    "custom",
    key="name",
    group="fwgrp",
    child="service",
    read_only=True,
    attributes={
        "name": _text(79, required=True),
        "protocol": Choice(("TCP/UDP/SCTP", "ICMP", "IP")),
        "tcp-portrange": Text(255),
    },
)

SCHEDULE = TableSchema(
    "firewall.schedule",
    "recurring",
    key="name",
    group="fwgrp",
    child="schedule",
    read_only=True,
    attributes={"name": _text(31, required=True), "day": Text(63, default="none")},
)

INTERFACE = TableSchema(
    "system",
    "interface",
    key="name",
    group="netgrp",
    child="cfg",
    read_only=True,
    attributes={"name": Text(15, required=True), "vdom": Text(31), "ip": Network4()},
)
