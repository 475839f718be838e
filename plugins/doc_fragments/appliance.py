# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What holds for every module that talks to an appliance."""

    DOCUMENTATION = r"""
options:
  validate_certs:
    description:
      - Whether to check the appliance's certificate. Turn this off only where nobody can come in between, for
        the credentials go over this connection. O(cert_fingerprint) serves a certificate that no CA signed.
    type: bool
    default: true
  ca_path:
    description:
      - A PEM file with the CA certificates to check the appliance's certificate against, instead of those of
        the Python package C(certifi).
    type: path
  cert_fingerprint:
    description:
      - The SHA-256 fingerprint of the appliance's certificate, 64 hexadecimal digits in either case, with or
        without colons. It is compared on every connection, before anything is sent.
      - It takes the place of all other checks, so O(ca_path), the name and the dates of the certificate do
        not count. Together with O(validate_certs=false) it is refused.
    type: str
  client_cert:
    description:
      - A PEM file with a client certificate to show to the appliance, and with its key unless O(client_key)
        names that.
    type: path
  client_key:
    description:
      - A PEM file with the key of O(client_cert). It must not be encrypted.
    type: path
  proxy:
    description:
      - A proxy to connect through, such as V(http://192.0.2.9:3128) or V(socks5h://192.0.2.9:1080). With
        V(socks5) instead of V(socks5h) the appliance's name is looked up here, and not by the proxy.
      - A name and a password stand percent-encoded before the host, as in
        V(http://NAME:PASSWORD@192.0.2.9:3128). They appear in no output.
    type: str
  connect_timeout:
    description:
      - How many seconds to wait for the connection, and again for the TLS handshake, from 1 to 3600.
    type: int
    default: 10
  timeout:
    description:
      - How many seconds an answer may take, from when the request is sent to the last byte, from 1 to 3600.
    type: int
    default: 30
  _call:
    description:
      - Not for playbooks. The action plugin fills it in where a task is delegated to another host.
    type: str
requirements:
  - requests >= 2.31 (on the control node, and on a host that a task is delegated to)
  - jsonschema >= 4.17 (on the control node, where an endpoint map is used)
  - PySocks >= 1.7 (on the host that sends the requests, where O(proxy) is a SOCKS proxy)
notes:
  - This has never been run against a real appliance. It is tested against the lab that comes with the
    collection, which models the vendors' published documentation and behaviour that others have observed.
  - A task runs inside the control node's own process, whatever C(ansible_connection) says. The inventory host
    stands for the appliance, and nothing logs in to it by SSH. C(async) is not possible.
  - Delegated to a host that is not local, such as a bastion, a task still plans, compares and keeps secrets
    on the control node. Only the single requests are sent from the other host, which needs Python 3.9 or
    later and C(requests).
  - >-
    Each connection option that is not set is read from the environment variable of its product and name, such
    as E(FORTIGATE_CA_PATH), E(SENSOR_PROXY) or E(FORESCOUT_TIMEOUT). For FortiGates, after it come those of
    the Terraform provider, E(FORTIOS_CA_CABUNDLE), E(FORTIOS_CA_CLIENTCERT) and E(FORTIOS_CA_CLIENTKEY).
  - An empty text is an option that is not set, and so is an environment variable that is empty. Only options
    of an object that an empty text clears, such as a comment, may be empty.
  - O(ca_path), O(client_cert) and O(client_key) name files on the host that sends the requests.
  - Proxies, CA bundles and C(.netrc) from other environment variables are not read.
  - An answer may hold 64 MiB at most.
  - Redirects are refused, for they would carry the credentials to another place.
  - A refused login is not tried again, because it may count towards a lock-out of the source address.
"""
