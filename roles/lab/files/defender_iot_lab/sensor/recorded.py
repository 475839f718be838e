# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices and alerts of a real sensor's population, as they were recorded, with invented names.

Shapes: recorded answers and CEF messages of CyberX sensors, published by ftnt-cse in 2020 (observed), and
Microsoft Learn, "Inventory management APIs for OT sensors", dated 2022-06-27 (documented). Addresses are
those of documentation; the public ones are of well-known resolvers.
"""

from __future__ import annotations

from typing import Any

from ..core.inventory import DISCOVERED, LAST_SEEN

INTERNET = [f"9.9.9.{number}" for number in range(1, 21)] + ["1.1.1.1"]


def _device(number: int, kind: str, addresses: list[str] | None, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"{kind.lower().replace(' ', '-')}-{number}",
        "vendor": None,
        "type": kind,
        "operatingSystem": None,
        "ipAddresses": addresses,
        "macAddresses": None,
        "authorized": True,
        "scanner": False,
        "engineeringStation": False,
        "hasDynamicAddress": False,
        "protocols": None,
        "firmware": None,
        **fields,
    }


DEVICES: list[dict[str, Any]] = [
    _device(501, "Workstation", ["192.0.2.51"], operatingSystem="Windows 10 64"),
    _device(502, "Server", ["192.0.2.52"]),
    _device(503, "Domain Controller", ["192.0.2.53"]),
    _device(504, "HMI", ["192.0.2.54"]),
    _device(505, "Unknown", ["192.0.2.55"]),
    # Devices of layer 2 have no address.
    _device(506, "Unknown", None, macAddresses=["00:00:5e:00:53:06"]),
    # The protocol addresses of an outstation are no IP addresses.
    _device(
        507, "PLC", ["192.0.2.57"], protocols=[{"id": 9, "name": "Modbus", "addresses": ["Master", "17"]}]
    ),
    # A merged device.
    _device(508, "Workstation", ["192.0.2.58", "192.0.2.59"]),
    _device(509, "Internet", INTERNET),
    _device(510, "Multicast/Broadcast", ["192.0.2.255"]),
    _device(511, "Multicast/Broadcast", ["224.0.0.251"]),
    # A name that is the address of another device, and a name that two devices have.
    _device(512, "Workstation", ["192.0.2.62"], name="192.0.2.51"),
    _device(513, "Printer", ["192.0.2.63"], name="office"),
    _device(514, "IP Camera", ["192.0.2.64"], name="office"),
    # A type that is not documented, and an address from DHCP.
    _device(515, "Quantum Computer", ["192.0.2.65"]),
    _device(516, "Workstation", ["192.0.2.66"], hasDynamicAddress=True),
    # The FortiGate, and the control node.
    _device(517, "Router", ["192.0.2.1"], protocols=[{"id": 3, "name": "SNMP", "addresses": None}]),
    _device(518, "Server", ["192.0.2.10"]),
    _device(519, "Workstation", ["2001:db8::51"]),
    _device(520, "Workstation", ["00:00:5e:00:53:20"]),
    _device(521, "Workstation", ["junk"]),
]


def _alert(number: int, engine: str, title: str, source: int | None, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "time": DISCOVERED,
        "title": title,
        "message": title,
        "severity": "Critical",
        "engine": engine,
        "sourceDevice": source,
        "destinationDevice": None,
        "additionalInformation": None,
        **fields,
    }


ALERTS: list[dict[str, Any]] = [
    _alert(601, "Malware", "Suspicion of Conficker Malware", 501, severity="Major", destinationDevice=507),
    _alert(602, "Malware", "Suspicion of Malicious Activity (Name Queries)", 503),
    _alert(603, "Malware", "Malware Test File Detected - EICAR AV Success", 501),
    _alert(604, "Malware", "Backup Activity with Antivirus Signatures", 502, severity="Minor"),
    # Titles of 2018.
    _alert(605, "Malware", "Malware detected - WannaCry", 508),
    _alert(606, "Malware", "Suspicion of Malicious Activity (Conficker)", 504),
    # A scan has no destination.
    _alert(607, "Anomaly", "Address Scan Detected", 512),
    # The source is the server, and the message names the client.
    _alert(608, "Operational", "HTTP Client Error", 502, destinationDevice=501, message="Client 192.0.2.51"),
    # The source is the silent outstation.
    _alert(609, "Operational", "Suspicion of Unresponsive MODBUS Device", 507, severity="Minor"),
    # Only the message names the offender.
    _alert(610, "Policy Violation", "Internet Access Detected", None, message="192.0.2.51 to the Internet"),
    _alert(611, "Policy Violation", "Unauthorized Operation was detected by a User Defined Rule", 501),
    _alert(612, "Policy Violation", "Unauthorized PLC Programming", 501, message="Multiple violations"),
    # Not in any document.
    _alert(613, "Malware", "A title of the next version", 516, time=LAST_SEEN),
    _alert(614, "Machine Learning", "An engine of the next version", 501),
    # The device was deleted.
    _alert(615, "Malware", "Suspicious Traffic Detected", 999),
    _alert(616, "Operational", "No Traffic Detected on Sensor Interface", None),
]
HANDLED_ALERTS = frozenset({604, 609})
