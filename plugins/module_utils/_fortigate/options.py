# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of every module for a FortiGate."""

from __future__ import annotations

from typing import Any

from .._module.arguments import Arguments, Spec, connection, from_environment


def fortigate(own: Spec, **rules: Any) -> Arguments:
    """Return the connection options and a module's own."""
    names = (
        "url=FORTIOS_ACCESS_HOSTNAME",
        "token=FORTIOS_ACCESS_TOKEN",
        "username=FORTIOS_ACCESS_USERNAME",
        "password=FORTIOS_ACCESS_PASSWORD",
        "ca_path=FORTIOS_CA_CABUNDLE",
        "client_cert=FORTIOS_CA_CLIENTCERT",
        "client_key=FORTIOS_CA_CLIENTKEY",
    )
    vdom = {"vdom": {"type": "str", "fallback": (from_environment, ["FORTIGATE_VDOM"])}}
    # A password without a username is sent in addition to a token: see Account.confirmation.
    login: Spec = {"required_one_of": [("token", "username")], "required_by": {"username": "password"}}
    return Arguments({**connection("FORTIGATE", *names), **vdom, **own}, **login, **rules)
