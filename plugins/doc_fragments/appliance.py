# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What holds for every module that talks to an appliance."""

    DOCUMENTATION = r"""
options:
  _call:
    description:
      - Not for playbooks. The action plugin fills it in where a task is delegated to another host.
    type: str
requirements:
  - requests >= 2.31 (on the control node, and on a host that a task is delegated to)
  - jsonschema >= 4.17 (on the control node, where an endpoint map is used)
notes:
  - This has never been run against a real appliance. It is tested against the lab that comes with the
    collection, which models the vendors' published documentation and behaviour that others have observed.
  - A task runs inside the control node's own process, whatever C(ansible_connection) says. The inventory host
    stands for the appliance, and nothing logs in to it by SSH. C(async) is not possible.
  - Delegated to a host that is not local, such as a bastion, a task still plans, compares and keeps secrets
    on the control node. Only the single requests are sent from the other host, which needs Python 3.9 or
    later and C(requests).
  - Proxies, CA bundles and C(.netrc) from the environment are not read.
  - Redirects are refused, for they would carry the credentials to another place.
  - A refused login is not tried again, because it may count towards a lock-out of the source address.
"""
