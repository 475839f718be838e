# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The throw-away certificate authority of a lab and the certificates of its appliances."""

from __future__ import annotations

import re
import ssl
from datetime import UTC, datetime, timedelta

import trustme

HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")


class Authority:
    """Signs the certificates of one lab; `untrusted` ones are signed by an authority nobody knows."""

    def __init__(self) -> None:
        self._known = trustme.CA()
        self._unknown = trustme.CA()

    @property
    def pem(self) -> bytes:
        """The certificate that clients of the lab must trust."""
        return self._known.cert_pem.bytes()

    def client_context(self) -> ssl.SSLContext:
        """Return a context that trusts this authority and nothing else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._known.configure_trust(context)
        return context

    def server_context(self, certificate: str, name: str, address: str) -> ssl.SSLContext:
        """Return the context of an appliance with the certificate it is to show."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._issue(certificate, name, address).configure_cert(context)
        return context

    def _issue(self, certificate: str, name: str, address: str) -> trustme.LeafCert:
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
