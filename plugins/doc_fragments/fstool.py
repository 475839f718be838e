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
      - Short name of the plugin that is the Defender for IoT module on this platform, as C(fstool) expects
        it.
      - It is not published, so there is no default. Required with O(transport=fstool), except to list names
        with C(discover=true) of M(otsec.defender_iot.forescout_module_info).
      - M(otsec.defender_iot.forescout_module_info) with C(discover) lists the installed plugins.
    type: str
  property_keys:
    description:
      - The property keys of the plugin's two settings. They are not published, so there are no defaults.
        Required with O(transport=fstool), except to list names with C(discover=true) of
        M(otsec.defender_iot.forescout_module_info).
      - M(otsec.defender_iot.forescout_module_info) with C(discover) lists the keys of one plugin. The list
        includes both keys once an operator has applied the settings in the Console.
    type: dict
    suboptions:
      server_address:
        description: Property key of the sensor's address.
        type: str
        required: true
      access_token:
        description: Property key of the access token.
        type: str
        required: true
  nodes:
    description:
      - The nodes of the platform on which to manage the settings, with O(transport=fstool). Each node stores
        its own copy.
      - V(em) is the inventory host itself, whether it is an Enterprise Manager or an appliance.
      - An address is a managed appliance. It is reached by C(ssh) from the inventory host, which is assumed
        to have a key for it. If there is no such key, add the appliance to the inventory as a host of its
        own.
      - V(all), as the only entry, is the inventory host and all appliances that C(fstool oneach) reaches and
        on which the plugin is enabled. If an appliance does not respond, the task fails before any change.
    type: list
    elements: str
    default: [em]
  escapes:
    description:
      - How values are escaped in the file C(local.properties) of a plugin, with O(transport=fstool).
      - V(auto) chooses by the version that the platform reports, as observed, which is V(raw) before version
        9 and V(java) from version 9 on.
      - With V(java), colons, equals signs and some other characters are preceded by a backslash. With V(raw),
        they are not.
    type: str
    choices: [auto, java, raw]
    default: auto
  fstool_path:
    description: The command C(fstool), with its path if it is not in C(PATH).
    type: str
    default: fstool
  install_path:
    description: Installation folder of Forescout on the platform, for O(transport=fstool).
    type: str
    default: /usr/local/forescout
notes:
  - With O(transport=fstool) the task sends no HTTPS requests, so the notes about them do not apply. The
    platform needs a POSIX shell and the command C(timeout), and no Python. The commands use the host's
    Ansible connection, with its keys, jump hosts and become. Of the connection options above, only two apply,
    which are O(timeout) for each command and O(connect_timeout) for the connection to a managed appliance.
    C(delegate_to) another host is refused.
"""
