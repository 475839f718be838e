# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificate that a server presents, read without sending it a request."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from .._engine.errors import InvalidOptions, Unreachable
from .https import DEFAULT_CA_BUNDLE_PATH
from .tls import make_context

HTTPS_PORT = 443


def presented_certificate(url: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return its SHA-256 ``fingerprint``, with colons, and why it is not trusted (``problem``, or empty).

    ``params`` are ``ca_path`` and ``connect_timeout``. Raises InvalidOptions and Unreachable.
    """
    place = _place(url)
    unchecked = ssl.create_default_context()
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    options = {"validate_certs": True, **params}
    checked = make_context(options, place[0], DEFAULT_CA_BUNDLE_PATH)
    try:
        certificate = _shaken_hands(place, unchecked, params["connect_timeout"])
        problem = _problem(place, checked, params["connect_timeout"])
    except OSError as error:
        raise Unreachable(
            f"no TLS connection to {place[0]}, port {place[1]}: {error.strerror or 'no answer'}",
            "check host and port in url, and the network",
        ) from None
    digits = hashlib.sha256(certificate).hexdigest().upper()
    return {"fingerprint": ":".join(re.findall("..", digits)), "problem": problem}


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise InvalidOptions(f'"{url}" is not the address of an appliance', "use https://host")
    return parts.hostname, parts.port or HTTPS_PORT


def _shaken_hands(place: tuple[str, int], context: ssl.SSLContext, seconds: float) -> bytes:
    plain = socket.create_connection(place, seconds)
    with closing(context.wrap_socket(plain, server_hostname=place[0])) as connection:
        return connection.getpeercert(binary_form=True) or b""


def _problem(place: tuple[str, int], context: ssl.SSLContext, seconds: float) -> str:
    try:
        _shaken_hands(place, context, seconds)
    except ssl.SSLCertVerificationError as error:
        return str(error.verify_message)
    return ""
