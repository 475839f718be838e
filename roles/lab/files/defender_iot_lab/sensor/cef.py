# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts as syslog messages in CEF and other forms, which anyone can forge, repeat or lose."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any

from ..core.options import ConfigurationError
from ..core.server import LOOPBACK

SEVERITIES = {"Warning": 1, "Minor": 4, "Major": 8, "Critical": 10}
FORMS = ("current", "sensor_2018", "console_2018", "leef", "text", "object")
FRAMINGS = {
    "newline": lambda message: message + b"\n",
    "octet_count": lambda message: b"%d %b" % (len(message), message),
    "none": lambda message: message,
}
TRANSPORTS = ("udp", "tcp", "tls")
MOST_COPIES = 10_000
TIMEOUT_SECONDS = 5


def message(form: str, sensor: str, alert: Mapping[str, Any], ends: Mapping[str, Any], now: float) -> str:
    """Return an alert as a message without framing. `ends` are the addresses; unknown ones are left out.

    Today's header and keys of CEF are documented, those of 2018 observed. Values are not escaped (observed).
    Of the other forms only the order of the fields is documented.
    """
    if form in OTHER_FORMS:
        return f"<9>{_local(now)} {sensor} {OTHER_FORMS[form](sensor, alert, ends)}"
    severity = SEVERITIES.get(alert["severity"], 0)
    if form == "console_2018":
        header = (
            f"CEF:0|CyberX|CyberX Security Platform|2.8.1|CyberX platform Alert|{alert['title']}|{severity}"
        )
        names = {"source": "src", "destination": "dst"}
        return f"<9>{_local(now)} {sensor} {header}|{_extension(alert, ends, names, now)} cs1= cs2="
    names = {"source": "src_ip", "destination": "dst_ip"}
    if form == "sensor_2018":
        header = f"CEF:0|CyberX|Sensor Agent|2.3.4|CyberX platform Alert|{alert['title']}|{severity}"
        return f"<123>{_local(now)} {sensor} {header}|{_extension(alert, ends, names, now)}"
    header = (
        f"CEF:0|Microsoft Defender for IoT/CyberX|{sensor}|24.1.0|Microsoft Defender for IoT Alert|"
        f"{alert['title']}|{severity}"
    )
    return (
        f"<123>{_local(now)} {sensor} {header}|{_extension(alert, ends, names, now)} cat=Suspicion of Malware"
    )


def _leef(sensor: str, alert: Mapping[str, Any], ends: Mapping[str, Any]) -> str:
    fields = {
        "title": alert["title"],
        "msg": alert["message"],
        "severity": alert["severity"],
        "type": alert["engine"],
        "src_ip": ends.get("source"),
        "dst_ip": ends.get("destination"),
    }
    header = "LEEF:1.0|Microsoft Defender for IoT|Sensor|24.1.0|Microsoft Defender for IoT Alert|"
    return header + "\t".join(f"{name}={value}" for name, value in fields.items() if value is not None)


def _words(sensor: str, alert: Mapping[str, Any], ends: Mapping[str, Any]) -> str:
    parts = [sensor, alert["title"], alert["engine"], alert["severity"], ends.get("source"), alert["message"]]
    return ", ".join(str(part) for part in parts if part is not None)


def _object(sensor: str, alert: Mapping[str, Any], ends: Mapping[str, Any]) -> str:
    fields = {"Sensor name": sensor, "Title": alert["title"], "Message": alert["message"]}
    fields.update({"Severity": alert["severity"], "Type": alert["engine"], "Source": ends.get("source")})
    return ", ".join(f"{name}: {'N/A' if value is None else value}" for name, value in fields.items())


OTHER_FORMS = {"leef": _leef, "text": _words, "object": _object}


def _local(now: float) -> str:
    return time.strftime("%b %d %H:%M:%S", time.gmtime(now))


def _extension(
    alert: Mapping[str, Any], ends: Mapping[str, Any], names: Mapping[str, str], now: float
) -> str:
    fields = {
        "msg": alert["message"],
        "protocol": "SMB",
        "severity": alert["severity"],
        "type": alert["engine"],
        "start": time.strftime("%b %d %Y %H:%M:%S", time.gmtime(now)),
        **{name: ends.get(end) for end, name in names.items()},
    }
    return " ".join(f"{name}={value}" for name, value in fields.items() if value is not None)


def send(text: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Send a message to a port of this machine. Raises ConfigurationError.

    `body` has `port`, and optional `transport`, `framing` and the number of `copies`.
    """
    transport, framing = body.get("transport", "udp"), body.get("framing", "newline")
    copies = body.get("copies", 1)
    if transport not in TRANSPORTS or framing not in FRAMINGS or not 0 < copies <= MOST_COPIES:
        raise ConfigurationError(
            f"transport is {transport!r}, framing {framing!r}, copies {copies!r}; set transport to one of "
            f"{', '.join(TRANSPORTS)}, framing to one of {', '.join(FRAMINGS)}, copies to 1 to {MOST_COPIES}"
        )
    data = FRAMINGS[framing](text.encode("utf-8", "replace"))
    try:
        with _connected(transport, body["port"]) as link:
            for _copy in range(copies):
                link.sendall(data)
    except (OSError, KeyError, TypeError, OverflowError) as error:
        raise ConfigurationError(f"the message was not sent: {error!r}; send a port that listens") from error
    return {"sent": copies}


def _connected(transport: str, port: int) -> socket.socket:
    """Return a connection to a port of this machine. Raises OSError, TypeError and OverflowError."""
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    link = socket.socket(socket.AF_INET, kind)
    try:
        link.settimeout(TIMEOUT_SECONDS)
        link.connect((LOOPBACK, port))
        return _any_server().wrap_socket(link) if transport == "tls" else link
    except BaseException:
        link.close()
        raise


def _any_server() -> ssl.SSLContext:
    """Return a context for TLS. Whether a sensor verifies the server is not known."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
