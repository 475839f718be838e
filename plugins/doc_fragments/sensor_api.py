# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options of the modules for the documented API of a sensor."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of the sensor or the management console, such as V(https://192.0.2.20). The scheme V(https) is
        added if it is missing. Other schemes are refused.
      - If it is not set, the environment variable E(SENSOR_URL) is read.
    type: str
    required: true
  token:
    description:
      - Access token of the sensor or the management console. The header contains the token alone, without a
        prefix such as C(Bearer).
      - Use a token that only Ansible uses. A call with the token of an integration updates its I(Used) time.
        This time is the sensor's only evidence that the integration calls it.
      - If it is not set, the environment variable E(SENSOR_TOKEN) is read.
    type: str
  username:
    description:
      - User name of an account on the sensor.
      - If it is not set, the environment variable E(SENSOR_USERNAME) is read.
    type: str
  password:
    description:
      - Password of O(username).
      - If it is not set, the environment variable E(SENSOR_PASSWORD) is read.
    type: str
  api:
    description:
      - Product whose API is called. A management console has the same calls under another path. It has been
        out of support since January 2025.
    type: str
    choices: [sensor, management_console]
    default: sensor
notes:
  - Every accepted call with a token updates its I(Used) time on the sensor, whoever makes the call. The
    playbook C(otsec.defender_iot.verify) therefore never uses these modules.
  - The response of a sensor to a wrong token is not documented. Only status 200 with a JSON array counts as
    success. An empty body, a JSON error or a web page does not.
  - A refused token or login is never retried. Failed logins block the source address for every user, after 5
    failures according to an older document.
"""
