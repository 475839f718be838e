# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The types of devices in a sensor's inventory, and what blocking one of each could harm.

Source: Microsoft Learn, "Inventory management APIs for OT sensors", dated SOURCE_DATE (documented). Users can
edit a type, and a sensor may have types that are not in this list (documented). About half of a real
inventory was Unknown (observed).
"""

from __future__ import annotations

SOURCE_DATE = "2022-06-27"

ENGINEERING_STATION = "Engineering Station"

CONTROL_SYSTEMS = (
    *(ENGINEERING_STATION, "PLC", "Historian", "HMI", "IED", "DCS Controller", "RTU", "Meter"),
    *("Industrial Packaging System", "Industrial Scale", "Industrial Robot", "Robot Controller"),
    *("Variable Frequency Drive", "Servo Drive", "Pneumatic Device", "I/O Adapter", "Protocol Converter"),
    *("Web Guiding System", "Turbine", "Embedded Device", "Uninterruptible Power Supply", "Barcode Scanner"),
)

BUILDING_SYSTEMS = (
    *("Door Control Panel", "HVAC", "Thermostat", "Fire Alarm", "Fire Detector", "Alarm System"),
    *("Alarm Siren", "Elevator", "Humidity Sensor", "Motion Detector", "Turnstile", "Intercom"),
    *("Smart Light", "Smart Switch", "People Counter System", "Marquee"),
)

INFRASTRUCTURE = (
    *("Domain Controller", "DB Server", "Wireless Access Point", "Router", "Switch", "Firewall"),
    *("Terminal Station", "VPN Gateway", "NTP Server", "Storage", "Backup Server", "KVM"),
    *("External Management",),
)

NOT_A_DEVICE = ("Multicast/Broadcast", "Internet", "Group", "Physical Location")

OFFICE = (
    *("Workstation", "Server", "Printer", "IP Camera", "Smart TV", "Game console", "DVR"),
    *("IP Telephone", "Smart Phone", "Tablet", "Wifi Pineapple"),
)

PERIPHERAL = ("Slot", "Punch Clock", "ATM")

UNKNOWN = "Unknown"

HARM = {
    **dict.fromkeys(CONTROL_SYSTEMS, "a control-system device"),
    **dict.fromkeys(BUILDING_SYSTEMS, "a building-system device"),
    **dict.fromkeys(INFRASTRUCTURE, "a device that others depend on"),
    **dict.fromkeys(NOT_A_DEVICE, "not a single host"),
    **dict.fromkeys(PERIPHERAL, "not in the list of allowed types"),
    **dict.fromkeys(OFFICE, "not in the list of allowed types"),
    UNKNOWN: "not known",
}
"""Why a device of each documented type is not blocked unless the type is allowed."""

DEFAULT_ALLOWED = OFFICE
"""The types that may be blocked by default."""


def reason_against(name: str) -> str:
    """Return why a device of a type that is not allowed is not blocked."""
    if name not in HARM:
        return "its type is not one of the documented types"
    return "its type is not known" if name == UNKNOWN else f"its type is {name}: {HARM[name]}"
