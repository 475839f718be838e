# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The invented plant that every sensor monitors. Keys and value types are documented."""

from __future__ import annotations

from typing import Any

# Addresses reserved for documentation. The times are long past, so that a filter for new alerts finds none.
DISCOVERED = 1_740_000_000_000
LAST_SEEN = 1_740_086_400_000

DEVICES: list[dict[str, Any]] = [
    {
        "id": 12,
        "name": "plc-press-1",
        "vendor": "Omron",
        "type": "PLC",
        "operatingSystem": None,
        "ipAddresses": ["198.51.100.12"],
        "macAddresses": ["00:00:5e:00:53:12"],
        "authorized": True,
        "scanner": False,
        "engineeringStation": False,
        "hasDynamicAddress": False,
        "protocols": [{"id": 62, "name": "Omron FINS", "addresses": []}],
        "firmware": [
            {
                "address": "198.51.100.12",
                "moduleAddress": "Unit: CPU (0x0)",
                "serial": "N/A",
                "model": "CJ2M",
                "firmwareVersion": "2.0",
                "additionalData": None,
                "rack": "N/A",
                "slot": None,
            }
        ],
    },
    {
        "id": 21,
        "name": "hmi-press-1",
        "vendor": "Siemens",
        "type": "HMI",
        "operatingSystem": "Windows 10 64",
        "ipAddresses": ["198.51.100.21"],
        "macAddresses": None,
        "authorized": True,
        "scanner": False,
        "engineeringStation": False,
        "hasDynamicAddress": False,
        "protocols": [{"id": 7, "name": "Siemens S7", "addresses": ["198.51.100.12"]}],
        "firmware": [],
    },
    {
        "id": 33,
        "name": "eng-laptop-3",
        "vendor": None,
        "type": "Engineering Station",
        "operatingSystem": "Windows 11 64",
        "ipAddresses": ["198.51.100.33", "198.51.100.34"],
        "macAddresses": ["00:00:5e:00:53:33"],
        "authorized": False,
        "scanner": True,
        "engineeringStation": True,
        "hasDynamicAddress": True,
        "protocols": None,
        "firmware": None,
    },
]

CONNECTIONS: list[dict[str, Any]] = [
    {
        "firstDeviceId": 12,
        "secondDeviceId": 21,
        "lastSeen": LAST_SEEN,
        "discovered": DISCOVERED,
        "ports": [9600],
        "protocols": [{"name": "Omron FINS", "commands": ["memory area read"]}],
    },
    {
        "firstDeviceId": 12,
        "secondDeviceId": 33,
        "lastSeen": LAST_SEEN,
        "discovered": DISCOVERED,
        "ports": [9600],
        "protocols": [{"name": "Omron FINS", "commands": ["program area write"]}],
    },
]

# The documented sample spells additionalinformation once without the capital letter.
ALERTS: list[dict[str, Any]] = [
    {
        "id": 101,
        "time": DISCOVERED,
        "title": "Unauthorized PLC Programming",
        "message": "eng-laptop-3 wrote a program to plc-press-1",
        "severity": "Critical",
        "engine": "Policy Violation",
        "sourceDevice": 33,
        "destinationDevice": 12,
        "additionalInformation": {
            "description": "Programming commands",
            "information": ["program area write"],
        },
    },
    {
        "id": 102,
        "time": LAST_SEEN,
        "title": "New Device Detected",
        "message": "eng-laptop-3 appeared",
        "severity": "Warning",
        "engine": "Anomaly",
        "sourceDevice": 33,
        "destinationDevice": None,
        "additionalinformation": None,
    },
    {
        "id": 103,
        "time": LAST_SEEN,
        "title": "Device Disconnected",
        "message": "hmi-press-1 is silent",
        "severity": "Minor",
        "engine": "Operational",
        "sourceDevice": 21,
        "destinationDevice": None,
        "additionalInformation": None,
    },
]
HANDLED_ALERTS = frozenset({102})

CVES: list[dict[str, Any]] = [
    {
        "cveId": "CVE-2015-0987",
        "ipAddress": "198.51.100.12",
        "score": "5.0",
        "attackVector": "NETWORK",
        "description": "Passwords are sent in the clear.",
    },
    {
        "cveId": "CVE-2019-0708",
        "ipAddress": "198.51.100.21",
        "score": "9.8",
        "attackVector": "NETWORK",
        "description": "Code can be run from afar.",
    },
]

# `age` is in minutes. The answer has a timestamp instead.
EVENTS: list[dict[str, Any]] = [
    {"age": 5, "type": "USER_LOGIN", "title": "Login", "severity": "INFO", "owner": "admin", "content": ""},
    {"age": 5000, "type": "PLC_STOP", "title": "Stop", "severity": "ALERT", "owner": None, "content": ""},
]

# Only devices with vulnerabilities are listed. The real report contains passwords too (documented).
PLAIN_TEXT_PASSWORD = "seen-on-the-wire"
VULNERABILITIES: list[dict[str, Any]] = [
    {
        "name": "hmi-press-1",
        "ipAddresses": ["198.51.100.21"],
        "securityScore": 64,
        "vendor": "Siemens",
        "firmwareVersion": None,
        "model": None,
        "isWirelessAccessPoint": False,
        "operatingSystem": {"name": "Windows", "type": "Windows", "version": "10", "latestVersion": False},
        "vulnerabilities": {
            "antiViruses": None,
            "plainTextPasswords": [{"protocol": "FTP", "strength": "Weak", "password": PLAIN_TEXT_PASSWORD}],
            "remoteAccess": None,
            "isBackupServer": False,
            "openedPorts": None,
            "isEngineeringStation": False,
            "isKnownScanner": False,
            "cves": [{"id": "CVE-2019-0708", "score": "9.8", "description": ""}],
            "isUnauthorized": False,
            "malwareIndicationsDetected": False,
            "weakAuthentication": None,
        },
    }
]
REPORTS: dict[str, dict[str, list[Any]]] = {
    "security": {
        "unauthorizedDevices": [],
        "illegalTrafficByFirewallRules": [],
        "weakFirewallRules": [],
        "redundantFirewallRules": [],
        "accessPoints": [],
        "connectionsBetweenSubnets": [],
        "industrialMalwareIndicators": [],
        "internetConnections": [],
    },
    "operational": {
        "backupServer": [],
        "ipNetworks": [],
        "protocolProblems": [],
        "protocolDataVolumes": [],
        "disconnections": [],
    },
    "mitigation": {"notifications": [], "mitigation": []},
}


def device_addresses() -> list[str]:
    """Return the addresses of all devices."""
    return [address for device in DEVICES for address in device["ipAddresses"]]


def device_macs() -> dict[str, str]:
    """Return the first IP address of each device by its MAC address, written without colons."""
    return {
        device["macAddresses"][0].replace(":", ""): device["ipAddresses"][0]
        for device in DEVICES
        if device["macAddresses"]
    }
