# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS with an appliance: which certificate to accept and to show, and how much of an answer to read."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, cast

from .._engine.errors import InvalidOptions, Reason
from .._engine.files import open_regular

ANSWER_LIMIT = 64 * 1024 * 1024
"""The largest answer, in bytes: headers and body as sent, and again the decompressed body."""


class WrongCertificate(ssl.SSLError):
    """The appliance's certificate is not the pinned one. Raised before a byte of the request is sent."""

    def __init__(self, expected: str, found: str) -> None:
        self.why = (
            "its certificate is not the one in cert_fingerprint: expected "
            f"{_with_colons(expected)}, found {_with_colons(found)}"
        )
        self.remedy = "read the new fingerprint on the appliance itself before you change cert_fingerprint"
        super().__init__(self.why)


class TooLarge(OSError):
    """An answer is larger than the limit."""


class BoundedSocket(ssl.SSLSocket):
    """A connection that fails at once if the certificate is wrong or the answer exceeds a limit."""

    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        cast(TlsSettings, self.context).check(self.getpeercert(binary_form=True))

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        """Receive bytes within the time that remains for the whole answer."""
        context = cast(TlsSettings, self.context)
        self.settimeout(context.remaining())
        received = super().recv_into(buffer, nbytes, flags)
        context.count(received)
        return received


class TlsSettings(ssl.SSLContext):
    """A context that checks a pinned certificate, and bounds each answer in time and size."""

    sslsocket_class = BoundedSocket
    host = ""
    pin: str | None = None
    seconds: float = 0
    due: float | None = None
    received = 0

    def wrap_socket(self, sock: socket.socket, **options: Any) -> ssl.SSLSocket:  # type: ignore[override]
        """Begin TLS with the host. urllib3 before version 2 does not pass an IP address as the name."""
        name = options.pop("server_hostname", None) or self.host
        return super().wrap_socket(sock, server_hostname=name, **options)

    def expect(self, seconds: float) -> None:
        """Limit the next answer to so many seconds, from the end of the request to the last byte."""
        self.seconds, self.due, self.received = seconds, None, 0

    @property
    def awaited(self) -> bool:
        """Whether the request was sent, and the answer was being waited for."""
        return self.due is not None

    def check(self, certificate: bytes | None) -> None:
        """Raise WrongCertificate unless the certificate is the pinned one, or none is pinned."""
        found = hashlib.sha256(certificate or b"").hexdigest()
        if self.pin not in (None, found):
            raise WrongCertificate(str(self.pin), found)

    def remaining(self) -> float:
        """Return the seconds that remain for the answer. The first call starts the time."""
        now = time.monotonic()
        self.due = now + self.seconds if self.due is None else self.due
        if self.due <= now:
            raise socket.timeout("the answer takes too long")
        return self.due - now

    def count(self, received: int) -> None:
        """Raise TooLarge above the limit: an answer may be endless, and older urllib3 reads endless lines."""
        self.received += received
        if self.received > ANSWER_LIMIT:
            raise TooLarge


def make_context(params: Mapping[str, Any], host: str, well_known: str) -> TlsSettings:
    """Return the context for the connection options; ``well_known`` is the file of public CAs.

    Raises InvalidOptions for options that contradict each other and for unusable files.
    """
    context = TlsSettings(ssl.PROTOCOL_TLS_CLIENT)
    context.host = host
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.pin = _pin(params)
    verified = context.pin is None and trust(params["validate_certs"], params["ca_path"])
    if verified:
        _load_authorities(context, params["ca_path"] or well_known)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    _load_identity(context, params.get("client_cert"), params.get("client_key"))
    return context


def trust(validate_certs: bool, ca_path: str | None) -> bool | str:
    """Return the argument ``verify`` of `requests`. Raises InvalidOptions if the CA file does not exist."""
    if not validate_certs:
        return False
    if ca_path is not None and not Path(ca_path).is_file():
        raise InvalidOptions(
            f'ca_path names no file on this host: "{ca_path}"', "set it to a PEM file of CA certificates"
        )
    return ca_path or True


def _pin(params: Mapping[str, Any]) -> str | None:
    given = params.get("cert_fingerprint")
    if not given:
        return None
    if not params["validate_certs"]:
        raise InvalidOptions(
            "cert_fingerprint accepts one certificate, and validate_certs: false accepts every certificate",
            "set only one of them",
        )
    digits = given.replace(":", "").lower()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise InvalidOptions(
            "cert_fingerprint is not a SHA-256 fingerprint",
            "set it to 64 hexadecimal digits, with or without colons",
        )
    return str(digits)


def _with_colons(digits: str) -> str:
    """Return a fingerprint in the form that openssl and browsers show."""
    return ":".join(re.findall("..", digits.upper()))


def _load_authorities(context: TlsSettings, path: str) -> None:
    try:
        context.load_verify_locations(path)
    except OSError:
        raise InvalidOptions(
            f'ca_path contains no CA certificate in PEM form: "{path}"',
            "set it to a PEM file of CA certificates",
        ) from None


def _load_identity(context: TlsSettings, certificate: str | None, key: str | None) -> None:
    if key and not certificate:
        raise InvalidOptions("client_key is set without client_cert", "set client_cert too")
    if not certificate:
        return
    for option, path in (("client_cert", certificate), ("client_key", key)):
        if path:
            _require_readable(option, path)
    try:
        context.load_cert_chain(certificate, key or None, password=_refuse_encrypted)
    except ssl.SSLError as error:
        raise InvalidOptions(*_identity_problem(error.reason, key)) from None
    context.post_handshake_auth = True


def _require_readable(option: str, path: str) -> None:
    try:
        open_regular(path).close()
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise InvalidOptions(
            f'{option} cannot be read on this host: "{path}" ({reason})', "check the path and its permissions"
        ) from None


def _refuse_encrypted() -> NoReturn:
    raise InvalidOptions(
        "the key of client_cert is encrypted, and no option takes its password",
        "decrypt it into a file that only its user can read",
    )


def _identity_problem(reason: str, key: str | None) -> Reason:
    if reason == "KEY_VALUES_MISMATCH":
        return "the key does not belong to the certificate in client_cert", "set client_key to its key"
    if key:
        why = "client_cert and client_key do not contain a certificate and its private key in PEM form"
        return why, "check both files"
    why = "client_cert does not contain both a certificate and its private key in PEM form"
    return why, "put both into that file, or set client_key"
