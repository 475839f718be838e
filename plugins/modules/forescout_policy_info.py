#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: forescout_policy_info
short_description: List the policies of a Forescout platform, and how many hosts match them
version_added: 0.1.0
description:
  - Returns the policies of a platform by their names, with the digest that
    M(otsec.defender_iot.forescout_policy) puts into the description, and with the number of hosts that match
    each rule. It uses Forescout's Web API, which only reads.
  - The Web API shows neither conditions nor actions, and not whether a policy is enabled. So the digest
    proves which file was imported last, and nothing about changes in the Console since then.
extends_documentation_fragment:
  - otsec.defender_iot.forescout
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.info_module
  - otsec.defender_iot.attributes.actiongroup_forescout
options:
  url:
    description:
      - Address of the Forescout platform, such as V(https://192.0.2.30). The scheme V(https) is added if it
        is missing. Other schemes are refused.
      - Required for this module.
      - If it is not set, the environment variable E(FORESCOUT_URL) is read.
  token:
    description:
      - Not used. The Web API is logged in to with O(username) and O(password).
      - If it is not set, the environment variable E(FORESCOUT_TOKEN) is read.
  username:
    description:
      - User name of a Web API account. The Web API has its own accounts, in the Console under Options > Web
        API. The source address of the task must be listed there too.
      - Required for this module.
      - If it is not set, the environment variable E(FORESCOUT_USERNAME) is read.
  token_form:
    description:
      - How to send the token that a login to the Web API returns. The form differs between versions of the
        platform.
      - V(auto) sends the bare token as in the vendor's samples. If the platform refuses that, it sends the
        token with the prefix C(Bearer).
    type: str
    choices: [auto, bare, bearer]
    default: auto
  names:
    description:
      - Names of the policies to return. If it is not set, all policies are returned. A name without a policy
        is no error.
    type: list
    elements: str
  count_hosts:
    description:
      - Whether to count the hosts that match each rule. It takes one request for each rule, whose answer
        lists the hosts.
    type: bool
    default: true
seealso:
  - module: otsec.defender_iot.forescout_policy
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
# The task takes the connection from FORESCOUT_URL, FORESCOUT_USERNAME and FORESCOUT_PASSWORD.

- name: Count the hosts that match a policy
  otsec.defender_iot.forescout_policy_info:
    names: [OT firmware alert]
  register: result
"""

RETURN = r"""
policies:
  description: The policies. Several may have the same name.
  type: list
  elements: dict
  returned: success
  contains:
      name:
        description: Name of the policy.
        type: str
        returned: always
      id:
        description:
          - Id of the policy. It is a string, because many JSON parsers do not keep such large numbers exact.
        type: str
        returned: always
      description:
        description: Description of the policy.
        type: str
        returned: always
      digest:
        description: The digest in the description. V(null) if there is none.
        type: str
        returned: always
        sample: 3f9a5c0d12e4b678
      rules:
        description:
          - The policy itself, and its sub-rules. Each has C(id), C(name) and C(hosts), the number of hosts
            that match. C(hosts) is V(null) if the hosts were not counted.
        type: list
        elements: dict
        returned: always
provenance:
  description:
    - Source of the knowledge about the interface, always V(observed). The vendor's samples show the login,
      and third-party clients show the responses.
  type: str
  returned: success
  sample: observed
failure:
  description:
    - Details of a failure on the appliance, for programs. C(msg) describes it in a sentence.
    - Invalid options fail without this value, before the first request.
  type: dict
  returned: on failure, and if the appliance is unreachable
  sample:
    status: 401
    code: null
    path: /api/login
  contains:
    status:
      description: HTTP status. V(null) if there was no response.
      type: int
      returned: always
    code:
      description: Error number of the appliance. Only FortiGates return one.
      type: int
      returned: always
    path:
      description: Requested path. V(null) if no request was sent.
      type: str
      returned: always
"""

from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.options import forescout
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.policies import (
    MATCH,
    POLICY,
    list_policies,
    prepare_policy_info,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.web_api import connect
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module

MODULE = Module(
    arguments=forescout(
        {
            "token_form": {"type": "str", "choices": ["auto", "bare", "bearer"], "default": "auto"},
            "names": {"type": "list", "elements": "str"},
            "count_hosts": {"type": "bool", "default": True},
        }
    ),
    resource=POLICY,
    connect=connect,
    work=list_policies,
    prepare=prepare_policy_info,
    also=(MATCH,),
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
