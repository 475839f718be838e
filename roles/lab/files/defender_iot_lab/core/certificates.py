# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The throw-away certificate authority of a lab and the certificates of its appliances."""

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
class Shown:
    """A certificate in PEM form with its chain, and its private key."""

    chain: bytes
    key: bytes

    @classmethod
    def of(cls, leaf: trustme.LeafCert) -> Shown:
        """Take what an authority has issued."""
        return cls(b"".join(blob.bytes() for blob in leaf.cert_chain_pems), leaf.private_key_pem.bytes())

    @property
    def fingerprint(self) -> str:
        """The SHA-256 fingerprint of the certificate itself."""
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.chain.decode())).hexdigest()


class Authority:
    """Signs the certificates of one lab; `untrusted` ones are signed by an authority nobody knows.

    Clients have an authority of their own. Appliances ask for a client certificate but do not insist, and
    accept one of either authority in the handshake.
    """

    def __init__(self) -> None:
        self._known = trustme.CA()
        self._unknown = trustme.CA()
        self._clients = trustme.CA(organization_name=CLIENT_CA)
        self.client = Shown.of(self._clients.issue_cert("automation.example"))

    @property
    def pem(self) -> bytes:
        """The certificate that clients of the lab must trust."""
        return self._known.cert_pem.bytes()

    def client_context(self) -> ssl.SSLContext:
        """Return a context that trusts this authority and nothing else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._known.configure_trust(context)
        return context

    def server_context(self, shown: Shown) -> ssl.SSLContext:
        """Return the context of an appliance that shows this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile() as file:
            file.write(shown.key + shown.chain)
            file.flush()
            context.load_cert_chain(file.name)
        context.verify_mode = ssl.CERT_OPTIONAL
        for authority in (self._known, self._clients):
            authority.configure_trust(context)
        return context

    def issue(self, certificate: str, name: str, address: str) -> Shown:
        """Return the certificate that an appliance is to show."""
        return (
            _self_signed()
            if certificate == "self_signed"
            else Shown.of(self._leaf(certificate, name, address))
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


def _self_signed() -> Shown:
    """Make a certificate as a FortiGate brings along: signed by itself, valid for no name (observed)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "FortiGate")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=365))
    return Shown(
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
