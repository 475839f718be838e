# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The connection options of a Forescout platform."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of the Forescout platform, such as V(https://192.0.2.30). A bare host gets the scheme
        V(https), and no other scheme is accepted.
      - Needed where requests are sent, which a task that only reports manual steps does not do.
      - Where it is not set, the environment variable E(FORESCOUT_URL) is read.
    type: str
  token:
    description:
      - Token for the login to the Forescout platform's own interface. It is not the access token that
        the platform uses on a sensor.
      - Needed where requests are sent and the endpoint map logs in with a token.
      - Where it is not set, the environment variable E(FORESCOUT_TOKEN) is read.
    type: str
  username:
    description:
      - Name of the account for the login to the Forescout platform's own interface.
      - Needed where requests are sent and the endpoint map logs in with a user.
      - Where it is not set, the environment variable E(FORESCOUT_USERNAME) is read.
    type: str
  password:
    description:
      - Password of the account. Needed together with O(username).
      - Where it is not set, the environment variable E(FORESCOUT_PASSWORD) is read.
    type: str
"""
