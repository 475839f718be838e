# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documents the action plugin of the same name, for ansible-doc.

from __future__ import annotations

DOCUMENTATION = r"""
module: respond_lock
short_description: Check the rules of a site, and lock the site
version_added: 0.1.0
description:
  - A step of the role C(respond), before its first request. It checks the rules and the approvals, and asks
    the callback plugin P(otsec.defender_iot.respond#callback) for the lock of the site.
  - In check mode, no lock is taken.
options:
  lock_timeout:
    description:
      - Time limit in seconds for another run that has the lock.
    type: int
    default: 60
extends_documentation_fragment:
  - otsec.defender_iot.respond
  - otsec.defender_iot.attributes.about_site
seealso:
  - module: otsec.defender_iot.respond_decide
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
- name: Check the rules and lock the site
  otsec.defender_iot.respond_lock:
    site: north
    folder: /srv/ot/respond
"""

RETURN = r"""
lock:
  description: Path of the lock.
  type: str
  returned: success, except in check mode
  sample: /srv/ot/respond/north/.respond.lock
seconds:
  description: Time limit in seconds.
  type: int
  returned: success
  sample: 60
"""
