# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates of every kind, and TLS contexts with them."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization
from defender_iot_lab.core.certificates import Authority, Certificate


class Certificates:
    """A folder with a CA certificate, certificates that the CA has signed, and others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        self.ca_path = self.write("ca.pem", self.authority.cert_pem.bytes())
        client = self.authority.issue_cert("automation.example")
        self.client_cert = self.write("client.pem", client.cert_chain_pems[0].bytes())
        self.client_key = self.write("client.key", client.private_key_pem.bytes())
        self.client_both = self.write("both.pem", client.private_key_and_cert_chain_pem.bytes())
        key = serialization.load_pem_private_key(client.private_key_pem.bytes(), None)
        encrypted = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )
        self.encrypted_key = self.write("encrypted.key", encrypted)
        self.other_key = self.write(
            "other.key", self.authority.issue_cert("b.example").private_key_pem.bytes()
        )

    def write(self, name: str, content: bytes) -> str:
        """Write a file and return its path."""
        path = self.folder / name
        path.write_bytes(content)
        return str(path)

    def shown(self, kind: str) -> Certificate:
        """Return a certificate of a kind: good, expired, wrong_name, other_ca or self_signed."""
        now = datetime.now(UTC)
        if kind == "self_signed":
            return Authority().issue("self_signed", "fgt", "192.0.2.1")
        if kind == "expired":
            past = {"not_before": now - timedelta(days=9), "not_after": now - timedelta(days=1)}
            return Certificate.of(self.authority.issue_cert("127.0.0.1", **past))
        if kind == "other_ca":
            return Certificate.of(trustme.CA().issue_cert("127.0.0.1"))
        names = {"good": ("127.0.0.1", "fgt.example"), "wrong_name": ("other.example",)}[kind]
        return Certificate.of(self.authority.issue_cert(*names))

    def context(self, shown: Certificate, *, ask: ssl.VerifyMode = ssl.CERT_NONE) -> ssl.SSLContext:
        """Return a server's context with a certificate. It may request a client certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.write(f"{id(shown)}.pem", shown.key + shown.chain))
        self.authority.configure_trust(context)
        context.verify_mode = ask
        return context
