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
      - Address of the sensor, or of the management console, such as V(https://192.0.2.20). A bare host gets
        the scheme V(https), and no other scheme is accepted.
      - Where it is not set, the environment variable E(SENSOR_URL) is read.
    type: str
    required: true
  token:
    description:
      - An access token of the sensor, or of the management console. It goes into the header as it is, without
        a word before it.
      - Give a token that is meant for Ansible alone. A call with the token of an integration sets its I(Used)
        time and so destroys the only evidence that the integration calls.
      - Where it is not set, the environment variable E(SENSOR_TOKEN) is read.
    type: str
  username:
    description:
      - Name of an account of the sensor.
      - Where it is not set, the environment variable E(SENSOR_USERNAME) is read.
    type: str
  password:
    description:
      - Password of the account. Needed together with O(username).
      - Where it is not set, the environment variable E(SENSOR_PASSWORD) is read.
    type: str
  api:
    description:
      - Whose API it is. A management console has the same calls under another path. It is out of support
        since January 2025.
    type: str
    choices: [sensor, management_console]
    default: sensor
notes:
  - Every accepted call with a token sets its I(Used) time on the sensor, whoever makes it. The playbook
    C(otsec.defender_iot.verify) therefore never uses these modules.
  - Nobody documents what a sensor answers to a wrong token. Nothing but status 200 with a JSON array counts
    as an answer; an empty body, an error in JSON, or a web page does not.
  - What is not accepted is never tried a second time. Failed logins block the source address for every user,
    after 5 of them according to an older document.
"""
