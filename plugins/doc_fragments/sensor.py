# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The connection options of a Defender for IoT sensor."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of the sensor, such as V(https://192.0.2.20). The scheme V(https) is added if it is missing.
        Other schemes are refused.
      - If it is not set, the environment variable E(SENSOR_URL) is read.
    type: str
    required: true
  token:
    description:
      - Token for the login to the sensor's web interface. It is not the access token that the module manages.
      - Required if O(endpoints) is set and the endpoint map logs in with a token.
      - If it is not set, the environment variable E(SENSOR_TOKEN) is read.
    type: str
  username:
    description:
      - User name for the login to the sensor's web interface.
      - Required if O(endpoints) is set and the endpoint map logs in with a user name and a password.
      - If it is not set, the environment variable E(SENSOR_USERNAME) is read.
    type: str
  password:
    description:
      - Password of O(username).
      - If it is not set, the environment variable E(SENSOR_PASSWORD) is read.
    type: str
"""
