# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: endpoint_map_draft
short_description: Draft an endpoint map from a browser recording
version_added: 0.1.0
author: The otsec.defender_iot authors (@otsec)
description:
  - Reads a HAR file of a browser session in which an operator carried out the steps manually. Drafts an
    endpoint map that describes the requests of the appliance's web interface.
  - For a sensor, record how you sign in, generate one access token, and open the list of tokens again. For a
    Forescout platform with a web interface for its modules, record how you sign in, apply server address and
    access token, and open the settings again.
  - The lookup finds the requests only by the values that the operator entered and saw. It knows no paths and
    no field names in advance.
  - The draft contains no cookie value, password or token of the recording. The lookup fails if it would.
  - The playbook C(otsec.defender_iot.draft_endpoints) prompts for the values and writes the draft to a file.
options:
  _terms:
    description:
      - HAR files, saved with the content of the responses. A relative path starts at the playbook's folder.
    type: list
    elements: path
    required: true
  product:
    description: Product of the recorded web interface.
    type: str
    choices: [sensor, forescout]
    required: true
  username:
    description: The user name entered to sign in.
    type: str
    required: true
  password:
    description: The password entered to sign in.
    type: str
    required: true
  token:
    description: The access token that the sensor showed, or that was entered in the module's settings.
    type: str
    required: true
  description:
    description: The description entered for the token. Required for a sensor.
    type: str
    default: ""
  server_address:
    description: The server address entered in the module's settings. Required for a Forescout platform.
    type: str
    default: ""
  never_used:
    description: The text that the answer with the list of tokens has for a token that was never used.
    type: str
    default: N/A
  version:
    description:
      - The version that the appliance reports. The map applies to this version. If a response contains the
        version, the map includes its location.
    type: str
    default: ""
notes:
  - A recording contains the password, the session and the token. Delete it once the map works.
seealso:
  - name: Endpoint map tutorial
    description: The steps from a recording to an endpoint map.
    link: https://github.com/otsec/defender_iot/blob/main/docs/from_sensor_to_map.md
"""

EXAMPLES = r"""
- name: Write a draft of a map
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
      description: The map as YAML. Comments at the top list the missing parts.
      type: str
    found:
      description: The requests on which the draft is based, each with the part of the map, method and path.
      type: list
      elements: str
    missing:
      description: The parts of the map that the recording does not show, each with the reason and the remedy.
      type: list
      elements: str
    skipped:
      description: How many entries of the recording could not be read.
      type: int
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..module_utils._engine.errors import InvalidOptions
from ..module_utils._engine.files import refuse_irregular
from ..module_utils._module.untagged import plain
from ..plugin_utils._endpoint_maps.drafting.draft import draft, text_of
from ..plugin_utils._endpoint_maps.drafting.session import RecordedSession

NEEDED = {
    "sensor": ("username", "password", "token", "description"),
    "forescout": ("username", "password", "token", "server_address"),
}


LARGEST_MB = 400
"""Reading needs up to about 7 bytes of memory for each byte of a recording (measured)."""


def _refuse_huge(path: str) -> None:
    """Raise InvalidOptions for a file that is too large to read into memory."""
    size = Path(path).stat().st_size // 10**6
    if size > LARGEST_MB:
        raise InvalidOptions(
            f"it has {size} MB, and at most {LARGEST_MB} MB are read",
            "record again, and open only the pages that the tutorial names",
        )


class LookupModule(LookupBase):
    """Drafts endpoint maps from recordings."""

    def run(
        self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any
    ) -> list[dict[str, Any]]:
        """Return one draft for each recording."""
        self.set_options(var_options=variables, direct=kwargs)
        options = plain({name: self.get_option(name) for name in RecordedSession.__dataclass_fields__})
        empty = [name for name in NEEDED[options["product"]] if not options[name]]
        if empty:
            needed = f"a recording of a {options['product']} needs {', '.join(empty)}"
            raise AnsibleLookupError(f"{needed}; set what was entered in the browser")
        return [self._drafted(str(term), RecordedSession(**options)) for term in terms]

    def _drafted(self, path: str, session: RecordedSession) -> dict[str, Any]:
        try:
            found = self._loader.path_dwim(path)
            refuse_irregular(found)
            _refuse_huge(found)
            content, _shown = self._loader._get_file_contents(found)
            made = draft(content.decode("utf-8-sig"), session)
        except (AnsibleError, UnicodeDecodeError):
            raise AnsibleLookupError(
                f"the recording {path} cannot be read; check that it is a HAR file"
            ) from None
        except OSError as error:
            raise AnsibleLookupError(
                f"the recording {path} cannot be read: {error.strerror}; use the path of a HAR file"
            ) from None
        except InvalidOptions as error:
            raise AnsibleLookupError(f"the recording {path} gives no map: {error}") from None
        return {"text": text_of(made), "found": made.found, "missing": made.missing, "skipped": made.skipped}
