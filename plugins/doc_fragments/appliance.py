# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options, requirements and notes of every module that connects to an appliance."""

    DOCUMENTATION = r"""
options:
  validate_certs:
    description:
      - Whether to verify the appliance's TLS certificate. The credentials are sent over this connection, so
        disable this only on a network where no attacker can intercept it. For a self-signed certificate, use
        O(cert_fingerprint).
    type: bool
    default: true
  ca_path:
    description:
      - A PEM file with the CA certificates to trust. If it is not set, those of the Python package
        C(certifi) are trusted.
    type: path
  cert_fingerprint:
    description:
      - The SHA-256 fingerprint of the appliance's certificate, 64 hexadecimal digits in either case, with or
        without colons. It is compared on every connection, before anything is sent.
      - It replaces all other checks. O(ca_path), and the name and the dates of the certificate, are ignored.
        It cannot be combined with O(validate_certs=false).
      - If it is not set, O(validate_certs) decides.
    type: str
  client_cert:
    description:
      - A PEM file with the client certificate to present to the appliance. It must contain the key too,
        unless O(client_key) is set. If it is not set, no client certificate is presented.
    type: path
  client_key:
    description:
      - A PEM file with the unencrypted private key of O(client_cert). If it is not set, O(client_cert)
        contains the key.
    type: path
  proxy:
    description:
      - The proxy to connect through, such as V(http://192.0.2.9:3128) or V(socks5h://192.0.2.9:1080). With
        V(socks5h) the proxy resolves the appliance's name. With V(socks5) the host that sends the requests
        resolves it.
      - Write a user name and a password percent-encoded before the host, as in
        V(http://NAME:PASSWORD@192.0.2.9:3128). They appear in no output.
      - If it is not set, the connection is direct.
    type: str
  connect_timeout:
    description:
      - Time limit in seconds for the connection, and again for the TLS handshake, from 1 to 3600.
    type: int
    default: 10
  timeout:
    description:
      - Time limit in seconds for a response, from sending the request to the last byte, from 1 to 3600.
    type: int
    default: 30
  _call:
    description:
      - Internal. The action plugin sets it when a task is delegated to another host. Do not use it in
        playbooks. If it is not set, the task is not delegated.
    type: str
requirements:
  - requests >= 2.31 (on the control node, and on every host to which a task is delegated)
  - jsonschema >= 4.17 (on the control node, if an endpoint map is used)
  - PySocks >= 1.7 (on the host that sends the requests, if O(proxy) is a SOCKS proxy)
notes:
  - This module has never been run against a real appliance. It is tested against the lab that the collection
    includes. The lab models the vendors' published documentation and behaviour that third parties have
    observed.
  - A task that sends HTTPS requests runs in the Ansible process on the control node, whatever
    C(ansible_connection) is set to. The inventory host represents the appliance. No SSH login takes place.
    C(async) is not supported.
  - A task that sends HTTPS requests can be delegated to a remote host, such as a bastion. The control node
    still plans, compares and stores secrets. Only the single requests are sent from the remote host, which
    needs Python 3.9 or later and C(requests).
  - >-
    If a connection option is not set, the environment variable of its product and name is read, such as
    E(FORTIGATE_CA_PATH), E(SENSOR_PROXY) or E(FORESCOUT_TIMEOUT). For FortiGates, the variables of the
    Terraform provider are read next, which are E(FORTIOS_CA_CABUNDLE), E(FORTIOS_CA_CLIENTCERT) and
    E(FORTIOS_CA_CLIENTKEY).
  - An option or an environment variable with an empty string counts as not set. The exceptions are options of
    an object that an empty string clears, such as a comment.
  - O(ca_path), O(client_cert) and O(client_key) are files on the host that sends the requests.
  - Other environment variables for proxies and CA bundles, and C(.netrc) files, are ignored.
  - A response may have at most 64 MiB.
  - Redirects are refused, because they would send the credentials to another address.
  - A refused login is not retried, because it may count towards a lockout of the source address.
"""
