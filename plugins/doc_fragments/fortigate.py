# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The connection options of a FortiGate."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of the FortiGate, such as V(https://192.0.2.1) or V(https://192.0.2.1:8443). A bare host gets
        the scheme V(https), and no other scheme is accepted.
      - Where it is not set, the environment variable E(FORTIGATE_URL) is read, and after it
        E(FORTIOS_ACCESS_HOSTNAME).
    type: str
    required: true
  token:
    description:
      - API key of a REST API admin, sent in the C(Authorization) header.
      - Either this or O(username) and O(password) must be given. Where both are, this one is used.
      - The sure way in where the FortiGate wants a second factor, shows banners or makes passwords expire,
        for none of these stops a token.
      - Where it is not set, the environment variable E(FORTIGATE_TOKEN) is read, and after it
        E(FORTIOS_ACCESS_TOKEN).
    type: str
  username:
    description:
      - Name of an administrator. The task opens a session with it and ends it again, whatever becomes of the
        task. The banners of the login are acknowledged in the administrator's name.
      - An administrator with a second factor, or with a password that has to be changed, is refused.
      - Refused credentials are never tried again, by the other rounds of a C(loop) neither, for FortiOS locks
        a source out after three failed logins. Delegated to another host, a C(loop) tries them once a round.
      - Where it is not set, the environment variable E(FORTIGATE_USERNAME) is read, and after it
        E(FORTIOS_ACCESS_USERNAME).
    type: str
  password:
    description:
      - Password of the administrator. Needed together with O(username).
      - From FortiOS 7.6.5 on it also confirms changes of REST API admins and of their keys, and may be given
        beside O(token) for that, without O(username). Whether FortiOS accepts it from a REST API admin is not
        known, so there O(username) and O(password) without O(token) are the sure way.
      - Where it is not set, the environment variable E(FORTIGATE_PASSWORD) is read, and after it
        E(FORTIOS_ACCESS_PASSWORD).
    type: str
  vdom:
    description:
      - Name of the VDOM for all requests about the configuration. If it is not set, FortiOS uses the
        management VDOM, which is V(root) by default, and refuses an account that has no access to it.
      - Several VDOMs, such as V(*) and V(root,plant), are refused.
      - Where it is not set, the environment variable E(FORTIGATE_VDOM) is read.
    type: str
notes:
  - Tested against the lab as FortiOS 6.4.5, 6.4.14, 7.0.0, 7.0.6, 7.2.8, 7.4.1, 7.4.5, 7.6.2 and 7.6.5, with
    and without WAN optimisation and several VDOMs. Where nobody has settled how FortiOS behaves, the lab has
    a switch, and the tests run over its positions.
"""

    SELF_CHANGE = r"""
options:
  allow_self_change:
    description:
      - Whether the task may change what can lock it out of the FortiGate, which is refused otherwise.
      - With O(token) that is every REST API admin that may manage administrators, its key, and the profile
        that it has, for FortiOS does not say which one a key belongs to. With O(username) it is the profile
        of that administrator.
    type: bool
    default: false
"""
