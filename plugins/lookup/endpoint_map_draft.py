# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: endpoint_map_draft
short_description: Draft an endpoint map from a browser's recording
version_added: 0.1.0
author: The otsec.defender_iot authors (@otsec)
description:
  - Reads a HAR file in which a person has done by hand, in a browser, what the collection is to do, and
    drafts the endpoint map that says how the appliance's web interface did it.
  - For a sensor, that person signs in, generates one access token, and looks at the list of tokens again. For
    a Forescout platform with a web interface for its modules, that person signs in, applies server address
    and access token, and looks at the settings again.
  - Requests are found by the values alone that the person typed and saw. No path and no name of a field is
    known beforehand.
  - The draft holds no value of the recording's cookies, no password and no token. Should one of them be left
    in it, the lookup fails.
  - The playbook C(otsec.defender_iot.draft_endpoints) asks for the values and writes the draft to a file.
options:
  _terms:
    description:
      - The HAR file, saved together with the content of the answers. A relative path starts at the playbook's
        folder.
    type: list
    elements: path
    required: true
  product:
    description: What was recorded.
    type: str
    choices: [sensor, forescout]
    required: true
  username:
    description: The user name that was typed to sign in.
    type: str
    required: true
  password:
    description: The password that was typed to sign in.
    type: str
    required: true
  token:
    description: The access token, which the sensor has shown or which was typed into the module's settings.
    type: str
    required: true
  description:
    description: The description that was typed for the token. Needed for a sensor.
    type: str
    default: ""
  server_address:
    description: The server address that was typed. Needed for a Forescout platform.
    type: str
    default: ""
  never_used:
    description: What the list of tokens shows as Used of a token that nobody has called with.
    type: str
    default: N/A
  version:
    description:
      - The version that the appliance says it has. The map is for this version, and where an answer tells it,
        the map says where.
    type: str
    default: ""
notes:
  - A recording holds the password, the session and the token. Delete it once the map works.
seealso:
  - name: Endpoint map tutorial
    description: The way from a recording to a map, step by step.
    link: https://github.com/otsec/defender_iot/blob/main/docs/from_sensor_to_map.md
"""

EXAMPLES = r"""
- name: Write the draft of a map
  ansible.builtin.copy:
    content: "{{ drafted.text }}"
    dest: endpoint_maps/sensor.yml
    mode: "0600"
  vars:
    drafted: "{{ lookup('otsec.defender_iot.endpoint_map_draft', 'recording.har', product='sensor',
      username=recorded_username, password=recorded_password, token=recorded_token,
      description='forescout') }}"
"""

RETURN = r"""
_raw:
  description: One draft for each recording.
  type: list
  elements: dict
  contains:
    text:
      description: The map as YAML, with what is missing as comments at the top.
      type: str
    found:
      description: The requests that the draft was made from, each with the part of the map, method and path.
      type: list
      elements: str
    missing:
      description: What the map lacks, each with the part of the map, the reason and the remedy.
      type: list
      elements: str
    skipped:
      description: How many entries of the recording could not be read.
      type: int
"""

from typing import Any

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..module_utils._engine.errors import InvalidOptions
from ..module_utils._module.untagged import plain
from ..plugin_utils._endpoint_maps.draft import draft, text_of
from ..plugin_utils._endpoint_maps.session import RecordedSession

NEEDED = {
    "sensor": ("username", "password", "token", "description"),
    "forescout": ("username", "password", "token", "server_address"),
}


class LookupModule(LookupBase):
    """Drafts endpoint maps."""

    def run(
        self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any
    ) -> list[dict[str, Any]]:
        """Return the draft of each recording."""
        self.set_options(var_options=variables, direct=kwargs)
        options = plain({name: self.get_option(name) for name in RecordedSession.__dataclass_fields__})
        empty = [name for name in NEEDED[options["product"]] if not options[name]]
        if empty:
            raise AnsibleLookupError(f"a recording of a {options['product']} needs {', '.join(empty)} too")
        return [self._drafted(str(term), RecordedSession(**options)) for term in terms]

    def _drafted(self, path: str, session: RecordedSession) -> dict[str, Any]:
        try:
            content, _shown = self._loader._get_file_contents(self._loader.path_dwim(path))
            made = draft(content.decode("utf-8-sig"), session)
        except (AnsibleError, UnicodeDecodeError):
            raise AnsibleLookupError(f"the recording {path} cannot be read") from None
        except InvalidOptions as error:
            raise AnsibleLookupError(f"the recording {path} gives no map: {error}") from None
        return {"text": text_of(made), "found": made.found, "missing": made.missing, "skipped": made.skipped}
