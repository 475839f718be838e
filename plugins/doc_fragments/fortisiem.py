# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The connection options of a FortiSIEM."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of the FortiSIEM supervisor, such as V(https://192.0.2.40). The scheme V(https) is added if it
        is missing. Other schemes are refused.
      - If it is not set, the environment variable E(FORTISIEM_URL) is read.
    type: str
    required: true
  token:
    description:
      - Access token of FortiSIEM 7.5.0 or later. It overrides O(client_id) and O(username).
      - If it is not set, the environment variable E(FORTISIEM_TOKEN) is read.
    type: str
  client_id:
    description:
      - Client id of an API token of FortiSIEM 7.5.1 or later. The task fetches an access token with it. It
        overrides O(username).
      - If it is not set, the environment variable E(FORTISIEM_CLIENT_ID) is read.
    type: str
  client_secret:
    description:
      - Client secret of O(client_id).
      - If it is not set, the environment variable E(FORTISIEM_CLIENT_SECRET) is read.
    type: str
  username:
    description:
      - Organization and user name with a slash between them, such as V(super/reader). An account of the
        organization V(super) sees the events of all organizations, any other account those of its own.
      - If it is not set, the environment variable E(FORTISIEM_USERNAME) is read.
    type: str
  password:
    description:
      - Password of O(username).
      - If it is not set, the environment variable E(FORTISIEM_PASSWORD) is read.
    type: str
notes:
  - The account needs a role that may run queries in Analytics. If the role limits which events it sees, a
    sensor whose events arrive can look like one whose events do not.
  - FortiSIEM grants one access token in 5 seconds for a client id. It blocks the client id for 5 minutes
    after too many failures (documented).
"""
