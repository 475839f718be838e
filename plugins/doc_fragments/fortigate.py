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
      - Address of the FortiGate, such as V(https://192.0.2.1) or V(https://192.0.2.1:8443). The scheme
        V(https) is added if it is missing. Other schemes are refused.
      - If it is not set, the environment variable E(FORTIGATE_URL) is read, and then
        E(FORTIOS_ACCESS_HOSTNAME).
    type: str
    required: true
  token:
    description:
      - API key of a REST API administrator. It is sent in the C(Authorization) header.
      - Either O(token), or O(username) and O(password), are required. If both are set, O(token) is used.
      - Use a token if the FortiGate requires a second factor, shows login banners or expires passwords. None
        of these affects a token.
      - If it is not set, the environment variable E(FORTIGATE_TOKEN) is read, and then
        E(FORTIOS_ACCESS_TOKEN).
    type: str
  username:
    description:
      - Name of an administrator. The task opens a session, and closes it even if the task fails. It
        acknowledges the login banners on behalf of the administrator.
      - The login fails if the administrator has a second factor or must change the password.
      - Refused credentials are not retried, because FortiOS locks out a source address after three failed
        logins. Later iterations of a C(loop) do not try them either. Only in a delegated task, each iteration
        tries them once.
      - If it is not set, the environment variable E(FORTIGATE_USERNAME) is read, and then
        E(FORTIOS_ACCESS_USERNAME).
    type: str
  password:
    description:
      - Password of O(username).
      - FortiOS 7.6.5 and later also requires it to confirm changes of REST API administrators and of their
        keys. For that, it can be set together with O(token) and without O(username). Whether FortiOS accepts
        it from a REST API administrator is not known. With O(username) and O(password), and without O(token),
        the change does not depend on that.
      - If it is not set, the environment variable E(FORTIGATE_PASSWORD) is read, and then
        E(FORTIOS_ACCESS_PASSWORD).
    type: str
  vdom:
    description:
      - Name of the VDOM for all requests about the configuration. If it is not set, FortiOS uses the
        management VDOM, which is V(root) by default, and refuses an account that has no access to it.
      - Several VDOMs, such as V(*) and V(root,plant), are refused.
      - If it is not set, the environment variable E(FORTIGATE_VDOM) is read.
    type: str
notes:
  - Tested against the lab as FortiOS 6.4.5, 6.4.14, 7.0.0, 7.0.6, 7.2.8, 7.4.1, 7.4.5, 7.6.2 and 7.6.5, with
    and without WAN optimisation and multiple VDOMs. Where the behaviour of FortiOS is not known, the lab has
    a switch, and the tests cover every setting of it.
"""

    SELF_CHANGE = r"""
options:
  allow_self_change:
    description:
      - Whether to allow changes that can lock the task's own account out of the FortiGate. By default, they
        are refused.
      - With O(token) this concerns every REST API administrator that can manage administrators, its key and
        its profile, because FortiOS does not report which administrator a key belongs to. With O(username) it
        concerns the profile of that administrator.
    type: bool
    default: false
"""
