# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options of the transport that runs ``fstool`` on a Forescout platform."""

    DOCUMENTATION = r"""
options:
  plugin_name:
    description:
      - Short name of the plugin that is the Defender for IoT module on this platform, such as C(fstool) takes
        it.
      - Nobody publishes it, so it has no default, and must be given with O(transport=fstool).
      - M(otsec.defender_iot.forescout_module_info) with C(discover) lists the names that there are.
    type: str
  property_keys:
    description:
      - Under which keys the plugin keeps its two settings. Nobody publishes them, so they have no defaults,
        and must be given with O(transport=fstool).
      - M(otsec.defender_iot.forescout_module_info) with C(discover) lists the keys of one plugin. After
        somebody applied the settings once in the Console, the two are among them.
    type: dict
    suboptions:
      server_address:
        description: Key of the sensor's address.
        type: str
        required: true
      access_token:
        description: Key of the access token.
        type: str
        required: true
  nodes:
    description:
      - Which nodes of the platform keep the settings, with O(transport=fstool). Each has a store of its own.
      - V(em) is the inventory host itself, be it an Enterprise Manager or an appliance.
      - The address of a managed appliance stands for that one. It is reached by C(ssh) from the inventory
        host, which is assumed to have a key for it. Where it has none, make the appliance an inventory host
        of its own.
      - V(all) alone stands for the inventory host and all appliances that C(fstool oneach) reaches, as far as
        the plugin is enabled there. An appliance that does not answer is an error, before anything is
        changed.
    type: list
    elements: str
    default: [em]
  escapes:
    description:
      - How the file C(local.properties) of a plugin is written, with O(transport=fstool).
      - With V(auto), by the version that the platform says it runs, as was observed. That is V(raw) before 9
        and V(java) from 9 on.
      - With V(java), colons, equals signs and some others have a backslash before them. With V(raw) they have
        not.
    type: str
    choices: [auto, java, raw]
    default: auto
  fstool_path:
    description: The command C(fstool), with its path where C(PATH) does not lead there.
    type: str
    default: fstool
  install_path:
    description: Where Forescout is installed on the platform, for O(transport=fstool).
    type: str
    default: /usr/local/forescout
notes:
  - With O(transport=fstool) nothing but a POSIX shell and C(timeout) is needed on the platform, and no
    Python. The commands go over the connection that Ansible has for the host, with its keys, jump hosts and
    become. Two of the connection options above count, O(timeout) for each command, and O(connect_timeout) for
    the way to a managed appliance. A task with C(delegate_to) another host is refused.
"""
