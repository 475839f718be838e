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

from .._engine.errors import Unreachable
from .https import Http

HTTPS_PORT = 443


def presented_certificate(url: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return its SHA-256 ``fingerprint``, with colons, and why it is not trusted (``problem``, or empty).

    ``params`` are ``ca_path`` and ``connect_timeout``. Raises InvalidOptions and Unreachable.
    """
    seconds = params["connect_timeout"]
    with closing(Http({"url": url, "validate_certs": True, "timeout": seconds, **params})) as checked:
        parts = urlsplit(checked.url)
        place = (str(parts.hostname), parts.port or HTTPS_PORT)
        try:
            certificate = _shaken_hands(place, _unchecked(), seconds)
            problem = _problem(place, checked.tls, seconds)
        except OSError as error:
            raise Unreachable(
                f"no TLS connection to {place[0]}, port {place[1]}: {error.strerror or 'no answer'}",
                "check host and port in url, and the network",
            ) from None
    digits = hashlib.sha256(certificate).hexdigest().upper()
    return {"fingerprint": ":".join(re.findall("..", digits)), "problem": problem}


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


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
