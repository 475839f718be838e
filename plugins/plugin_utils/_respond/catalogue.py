# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The alerts of a sensor: titles, engines, and whether the source of an alert is the offender.

Source: Microsoft Learn, "Alert engine messages", dated SOURCE_DATE, in a mirror of 2026 (documented). It is a
selection for all engines but malware: the titles that the retired FortiGate action of the sensors offered,
and those whose source is not the offender. Titles and severities changed between versions, and users can
change the severity (documented), so nothing depends on the severity.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SOURCE_DATE = "2022-11-23"

MATCHABLE = ("malware", "anomaly", "policy_violation", "protocol_violation")
"""The engines whose alerts can lead to a block.

The operational engine reports failures of devices and legitimate acts of operators.
"""


@dataclass(frozen=True)
class AlertKind:
    """One title. ``blames_source`` is false if the source may be a victim, a bystander or an operator."""

    engine: str
    title: str
    blames_source: bool = True


EICAR = "Malware Test File Detected - EICAR AV Success"
BACKUP = "Backup Activity with Antivirus Signatures"

BENIGN = (EICAR, BACKUP)
"""Titles of the malware engine that report no malware: a test file, and most likely a backup (documented)."""

FAMILIES = (
    *("BlackEnergy", "DarkComet", "Duqu", "Flame", "Havex"),
    *("Karagany", "LightsOut", "Poison Ivy", "Regin", "Stuxnet"),
)

MALWARE = (
    "Connection Attempt to Known Malicious IP",
    "Invalid SMB Message (DoublePulsar Backdoor Implant)",
    "Malicious Domain Name Request",
    "Malicious URL Path",
    EICAR,
    "Suspicion of Conficker Malware",
    "Suspicion of Denial Of Service Attack",
    "Suspicion of Malicious Activity",
    *(f"Suspicion of Malicious Activity ({family})" for family in FAMILIES),
    "Suspicion of Malicious Activity (Name Queries)",
    "Suspicion of Malicious Activity (WannaCry)",
    "Suspicion of NotPetya Malware - Illegal SMB Parameters Detected",
    "Suspicion of NotPetya Malware - Illegal SMB Transaction Detected",
    "Suspicion of Remote Code Execution with PsExec",
    "Suspicion of Remote Windows Service Management",
    "Suspicious Executable File Detected on Endpoint",
    "Suspicious Traffic Detected",
    BACKUP,
)

FORMER_MALWARE = ("Suspicion of Malicious Activity (Conficker)", "Malware detected - WannaCry")
"""Titles of a sensor of 2018 (observed in its CEF messages)."""

SCANS = (
    "Address Scan Detected",
    "ARP Address Scan Detected",
    "Long Duration Address Scan Detected",
    "Port Scan Detected",
    "PLC Scan Detected",
)

OTHER_ANOMALIES = (
    "Excessive Login Attempts",
    "Excessive SMB login attempts",
    "Excessive Number of Sessions",
    "Password Guessing Attempt Detected",
    "Unexpected message length",
    "ARP Spoofing",
    "ICMP Flooding",
    "Abnormal HTTP Header Length",
    "Abnormal Number of Parameters in HTTP Header",
    "Illegal HTTP Header Content",
)

POLICY_VIOLATIONS = (
    "Unauthorized PLC Programming",
    "Unauthorized PLC Configuration Write",
    "Unauthorized PLC Program Upload",
)

PROTOCOL_VIOLATIONS = (
    "Illegal MODBUS Operation (Exception Raised by Master)",
    "Illegal MODBUS Operation (Function Code Zero)",
    "Illegal DNP3 Operation",
    "Usage of a Reserved Function Code",
)

BLAMELESS = (
    # The source is the device that answers, is scanned or restarts (documented).
    ("anomaly", "Abnormal Exception Pattern in Slave"),
    ("anomaly", "Abnormal Termination of Applications"),
    ("anomaly", "Excessive Restart Rate of an Outstation"),
    ("policy_violation", "Function Code Raised Unauthorized Exception"),
    ("policy_violation", "Suspicion of Illegal Integrity Scan"),
    ("protocol_violation", "Modbus Exception"),
    # The offender is only in the message (documented sample).
    ("policy_violation", "Internet Access Detected"),
    # All custom rules share this title (documented), so it says nothing about the source.
    ("policy_violation", "Unauthorized Operation was detected by a User Defined Rule"),
    # The message blames the client, and the source is the server (observed).
    ("operational", "HTTP Client Error"),
    # The source is the silent outstation (observed).
    ("operational", "Suspicion of Unresponsive MODBUS Device"),
    ("operational", "Device is Suspected to be Disconnected (Unresponsive)"),
    # Legitimate acts of an operator. To block one can stop a plant.
    ("operational", "Controller Stop"),
    ("operational", "Controller Reset"),
    ("operational", "An S7 Stop PLC Command was Sent"),
    ("operational", "GE SRTP Stop PLC Command was Sent"),
    ("operational", "Profinet Device Factory Reset"),
)


def _kinds() -> Iterator[AlertKind]:
    for engine, titles in (
        ("malware", (*MALWARE, *FORMER_MALWARE)),
        ("anomaly", (*SCANS, *OTHER_ANOMALIES)),
        ("policy_violation", POLICY_VIOLATIONS),
        ("protocol_violation", PROTOCOL_VIOLATIONS),
    ):
        yield from (AlertKind(engine, title) for title in titles)
    yield from (AlertKind(engine, title, blames_source=False) for engine, title in BLAMELESS)


def title_key(title: str) -> str:
    """Return a title without differences in case and white space, to compare it."""
    return " ".join(title.casefold().split())


CATALOGUE = {(each.engine, title_key(each.title)): each for each in _kinds()}
"""Each kind of alert, by its engine and ``title_key``."""
