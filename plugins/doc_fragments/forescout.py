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
      - Address of the Forescout platform, such as V(https://192.0.2.30). The scheme V(https) is added if it
        is missing. Other schemes are refused.
      - Required if the task sends requests. A task that only reports manual steps sends none.
      - If it is not set, the environment variable E(FORESCOUT_URL) is read.
    type: str
  token:
    description:
      - Token for the login to the Forescout platform's own interface. It is not the access token with which
        the platform logs in to a sensor.
      - Required if the task sends requests and the endpoint map logs in with a token.
      - If it is not set, the environment variable E(FORESCOUT_TOKEN) is read.
    type: str
  username:
    description:
      - User name for the login to the Forescout platform's own interface.
      - Required if the task sends requests and the endpoint map logs in with a user name and a password.
      - If it is not set, the environment variable E(FORESCOUT_USERNAME) is read.
    type: str
  password:
    description:
      - Password of O(username).
      - If it is not set, the environment variable E(FORESCOUT_PASSWORD) is read.
    type: str
"""
