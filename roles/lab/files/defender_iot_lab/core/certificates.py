# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The temporary certificate authority of a lab and the certificates of its appliances."""

from __future__ import annotations

import hashlib
import re
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CLIENT_CA = "defender_iot_lab clients"
HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")


@dataclass(frozen=True)
class Certificate:
    """A certificate with its chain and its private key, all in PEM form."""

    chain: bytes
    key: bytes

    @classmethod
    def of(cls, leaf: trustme.LeafCert) -> Certificate:
        return cls(b"".join(blob.bytes() for blob in leaf.cert_chain_pems), leaf.private_key_pem.bytes())

    @property
    def fingerprint(self) -> str:
        """The SHA-256 fingerprint of the certificate, without its chain."""
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.chain.decode())).hexdigest()


class Authority:
    """Signs the certificates of one lab. An authority that no client trusts signs the `untrusted` ones.

    Client certificates have a separate authority. Appliances request a client certificate but do not require
    it. In the handshake they accept one from either authority.
    """

    def __init__(self) -> None:
        self._known = trustme.CA()
        self._unknown = trustme.CA()
        self._clients = trustme.CA(organization_name=CLIENT_CA)
        self.client = Certificate.of(self._clients.issue_cert("automation.example"))

    @property
    def pem(self) -> bytes:
        """The CA certificate, for the trust store of the lab's clients."""
        return self._known.cert_pem.bytes()

    def client_context(self) -> ssl.SSLContext:
        """Return a client context that trusts only this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._known.configure_trust(context)
        return context

    def server_context(self, certificate: Certificate) -> ssl.SSLContext:
        """Return the context of an appliance with this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile() as file:
            file.write(certificate.key + certificate.chain)
            file.flush()
            context.load_cert_chain(file.name)
        context.verify_mode = ssl.CERT_OPTIONAL
        for authority in (self._known, self._clients):
            authority.configure_trust(context)
        return context

    def issue(self, certificate: str, name: str, address: str) -> Certificate:
        """Issue an appliance's certificate of a kind, such as `valid` or `expired`."""
        return (
            _self_signed()
            if certificate == "self_signed"
            else Certificate.of(self._leaf(certificate, name, address))
        )

    def _leaf(self, certificate: str, name: str, address: str) -> trustme.LeafCert:
        identities = ["127.0.0.1", "localhost", address]
        if HOST_NAME.fullmatch(name):
            identities.append(name)
        match certificate:
            case "expired":
                now = datetime.now(UTC)
                return self._known.issue_cert(
                    *identities, not_before=now - timedelta(days=30), not_after=now - timedelta(days=1)
                )
            case "wrong_name":
                return self._known.issue_cert("other.example")
            case "untrusted":
                return self._unknown.issue_cert(*identities)
        return self._known.issue_cert(*identities)


def _self_signed() -> Certificate:
    """Return a certificate like a FortiGate's built-in one: self-signed, valid for no name (observed)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "FortiGate")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=365))
    return Certificate(
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
