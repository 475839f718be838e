#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: fortigate_admin_profile
short_description: Manage the admin profiles of a FortiGate
version_added: 0.1.0
description:
  - Creates, changes and deletes an admin profile, the set of rights that an administrator or a REST API admin
    of a FortiGate has.
  - What is not said is not touched. Options left out keep the value they have on the FortiGate, and on a new
    profile get the default of FortiOS, which is V(none) for every right.
  - With O(preset=defender_iot) it makes the profile that Microsoft's Fortinet tutorial asks for, with the
    least rights by which Defender for IoT blocks what it finds.
  - The module reads the profile, compares every option given, and sends only what differs. After writing it
    reads the profile again, and fails if the FortiGate kept something else.
  - It uses the C(system/accprofile) table of the FortiOS REST API, whose fields are documented for FortiOS
    6.4 to 7.6. That FortiOS leaves alone what an update does not name is observed, not documented.
extends_documentation_fragment:
  - otsec.defender_iot.fortigate
  - otsec.defender_iot.fortigate.self_change
  - otsec.defender_iot.state
  - otsec.defender_iot.appliance
  - otsec.defender_iot.attributes
  - otsec.defender_iot.attributes.actiongroup_fortigate
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description:
      - Name of the profile, at most 35 characters. It is the profile's identity, so another name is another
        profile.
    type: str
    required: true
  comments:
    description:
      - A remark on the profile, at most 255 characters.
    type: str
  preset:
    description:
      - A ready-made set of rights. An option of its own that is given as well goes before the preset.
      - V(defender_iot) sets every row to V(none), except O(firewall), which is V(custom) with
        O(firewall_permissions.policy) and O(firewall_permissions.address) V(read-write), and
        O(firewall_permissions.service) and O(firewall_permissions.schedule) V(none).
      - The tutorial has no row I(Others). The preset sets O(firewall_permissions.others) to V(none), because
        that is the least right.
      - For the same reason the preset turns off O(system_diagnostics), O(system_execute_ssh) and
        O(system_execute_telnet), which the tutorial does not mention and a new profile has on.
      - If O(firewall) is set to something other than V(custom), the permissions of the preset do not apply.
        If O(firewall_permissions) is given, it goes before the preset permission by permission.
    type: str
    choices: [defender_iot]
  scope:
    description:
      - Whether the profile is for the whole device or for the VDOMs of an administrator.
      - A FortiGate without several VDOMs does not have this option, and there it reads as V(vdom).
    type: str
    choices: [vdom, global]
  security_fabric:
    description:
      - The row I(Security Fabric). With V(custom), which FortiOS has from 7.6.5 on,
        O(security_fabric_permissions) says the rest.
    type: str
    choices: [none, read, read-write, custom]
  fortiview:
    description:
      - The row I(FortiView).
    type: str
    choices: [none, read, read-write]
  user_device:
    description:
      - The row I(User & Device), in later versions I(User & Authentication).
    type: str
    choices: [none, read, read-write]
  firewall:
    description:
      - The row I(Firewall). With V(custom), O(firewall_permissions) says the rest.
    type: str
    choices: [none, read, read-write, custom]
  log_report:
    description:
      - The row I(Log & Report). With V(custom), O(log_report_permissions) says the rest.
    type: str
    choices: [none, read, read-write, custom]
  network:
    description:
      - The row I(Network). With V(custom), O(network_permissions) says the rest.
    type: str
    choices: [none, read, read-write, custom]
  system:
    description:
      - The row I(System). With V(custom), O(system_permissions) says the rest.
    type: str
    choices: [none, read, read-write, custom]
  security_profile:
    description:
      - The row I(Security Profile). With V(custom), O(security_profile_permissions) says the rest.
    type: str
    choices: [none, read, read-write, custom]
  vpn:
    description:
      - The row I(VPN).
    type: str
    choices: [none, read, read-write]
  wan_opt_cache:
    description:
      - The row I(WAN Opt & Cache). Some models and versions do not have it, and there it reads as V(none).
    type: str
    choices: [none, read, read-write]
  wifi_switch:
    description:
      - The row I(WiFi & Switch).
    type: str
    choices: [none, read, read-write]
  security_fabric_permissions:
    description:
      - What the custom row I(Security Fabric) consists of. Needs O(security_fabric=custom) in the same task.
      - FortiOS has it from 7.6.5 on.
    type: dict
    suboptions:
      csfsys:
        description: The permission C(csfsys), by its name in the CLI.
        type: str
        choices: [none, read, read-write]
      csffoo:
        description: The permission C(csffoo), by its name in the CLI.
        type: str
        choices: [none, read, read-write]
  firewall_permissions:
    description:
      - What the custom row I(Firewall) consists of. Needs O(firewall=custom) in the same task.
    type: dict
    suboptions:
      policy:
        description: The permission I(Policy).
        type: str
        choices: [none, read, read-write]
      address:
        description: The permission I(Address).
        type: str
        choices: [none, read, read-write]
      service:
        description: The permission I(Service).
        type: str
        choices: [none, read, read-write]
      schedule:
        description: The permission I(Schedule).
        type: str
        choices: [none, read, read-write]
      others:
        description:
          - The permission I(Others). FortiOS 6.4.0 to 6.4.5 and 7.0.0 lack it, and there it reads as V(none).
        type: str
        choices: [none, read, read-write]
  log_report_permissions:
    description:
      - What the custom row I(Log & Report) consists of. Needs O(log_report=custom) in the same task.
    type: dict
    suboptions:
      config:
        description: The permission I(Configuration).
        type: str
        choices: [none, read, read-write]
      data_access:
        description: The permission I(Data Access).
        type: str
        choices: [none, read, read-write]
      report_access:
        description: The permission I(Report Access).
        type: str
        choices: [none, read, read-write]
      threat_weight:
        description: The permission I(Threat Weight).
        type: str
        choices: [none, read, read-write]
  network_permissions:
    description:
      - What the custom row I(Network) consists of. Needs O(network=custom) in the same task.
    type: dict
    suboptions:
      cfg:
        description: The permission I(Configuration).
        type: str
        choices: [none, read, read-write]
      packet_capture:
        description: The permission I(Packet Capture).
        type: str
        choices: [none, read, read-write]
      route_cfg:
        description: The permission I(Router).
        type: str
        choices: [none, read, read-write]
  system_permissions:
    description:
      - What the custom row I(System) consists of. Needs O(system=custom) in the same task.
    type: dict
    suboptions:
      admin:
        description: The permission I(Administrator Users).
        type: str
        choices: [none, read, read-write]
      upd:
        description: The permission I(FortiGuard Updates).
        type: str
        choices: [none, read, read-write]
      cfg:
        description: The permission I(Configuration).
        type: str
        choices: [none, read, read-write]
      mnt:
        description: The permission I(Maintenance).
        type: str
        choices: [none, read, read-write]
  security_profile_permissions:
    description:
      - What the custom row I(Security Profile) consists of. Needs O(security_profile=custom) in the same
        task.
      - It varies with the version more than any other row. What a version lacks reads as V(none) there.
    type: dict
    suboptions:
      antivirus:
        description: The permission I(AntiVirus).
        type: str
        choices: [none, read, read-write]
      ips:
        description: The permission I(IPS).
        type: str
        choices: [none, read, read-write]
      webfilter:
        description: The permission I(Web Filter).
        type: str
        choices: [none, read, read-write]
      emailfilter:
        description: The permission I(Email Filter). FortiOS has it from 6.2 on.
        type: str
        choices: [none, read, read-write]
      dlp:
        description:
          - The permission I(Data Loss Prevention). FortiOS before 7.4.4 holds it under another name, where
            this module neither reads nor writes it.
        type: str
        choices: [none, read, read-write]
      file_filter:
        description: The permission I(File Filter). FortiOS has it from 6.4 on.
        type: str
        choices: [none, read, read-write]
      application_control:
        description: The permission I(Application Control).
        type: str
        choices: [none, read, read-write]
      icap:
        description: The permission I(ICAP).
        type: str
        choices: [none, read, read-write]
      voip:
        description: The permission I(VoIP).
        type: str
        choices: [none, read, read-write]
      waf:
        description: The permission I(Web Application Firewall).
        type: str
        choices: [none, read, read-write]
      dnsfilter:
        description: The permission I(DNS Filter).
        type: str
        choices: [none, read, read-write]
      endpoint_control:
        description: The permission I(Endpoint Control).
        type: str
        choices: [none, read, read-write]
      videofilter:
        description: The permission I(Video Filter). FortiOS has it from 7.2.0 on.
        type: str
        choices: [none, read, read-write]
      virtual_patch:
        description: The permission I(Virtual Patching). FortiOS has it from 7.4.1 on.
        type: str
        choices: [none, read, read-write]
      casb:
        description: The permission I(Inline-CASB). FortiOS has it from 7.4.1 on.
        type: str
        choices: [none, read, read-write]
      telemetry:
        description: The permission I(Telemetry). FortiOS has it from 7.6.4 on.
        type: str
        choices: [none, read, read-write]
  override_idle_timeout:
    description:
      - The switch I(Override Idle Timeout). On, O(idle_timeout) holds for administrators with this profile.
    type: bool
  idle_timeout:
    description:
      - After how many minutes without activity a session ends, 1 to 480; 0 is never. Needs
        O(override_idle_timeout=true) in the same task.
    type: int
  system_diagnostics:
    description:
      - The switch I(CLI diagnostic commands), on in a new profile.
      - FortiOS has it from 6.4.0 until before 7.4.2, where the C(cli_) options take its place.
    type: bool
  system_execute_ssh:
    description:
      - Whether C(execute ssh) is allowed, which it is in a new profile. FortiOS has it from 7.2.1 on.
    type: bool
  system_execute_telnet:
    description:
      - Whether C(execute telnet) is allowed, which it is in a new profile. FortiOS has it from 7.2.1 on.
    type: bool
  cli_diagnose:
    description:
      - Whether the CLI command C(diagnose) is allowed, which it is not in a new profile. FortiOS has this
        from 7.4.2 on.
    type: bool
  cli_get:
    description:
      - Whether the CLI command C(get) is allowed, which it is not in a new profile. FortiOS has this
        from 7.4.2 on.
    type: bool
  cli_show:
    description:
      - Whether the CLI command C(show) is allowed, which it is not in a new profile. FortiOS has this
        from 7.4.2 on.
    type: bool
  cli_exec:
    description:
      - Whether the CLI command C(execute) is allowed, which it is not in a new profile. FortiOS has this
        from 7.4.2 on.
    type: bool
  cli_config:
    description:
      - Whether the CLI command C(config) is allowed, which it is not in a new profile. FortiOS has this
        from 7.4.2 on.
    type: bool
notes:
  - What a version or model lacks is left out where it is not asked for, and is refused before any write where
    it is. What a profile of the FortiGate shows goes before what its version is known to have.
  - Data leak prevention had other names before FortiOS 7.4.4. It is one permission here,
    O(security_profile_permissions.dlp).
  - FortiOS does not delete a profile that is still in use, and lets no administrator change
    C(super_admin) and C(super_admin_readonly).
  - Documented are the fields, their values and defaults, and the versions that have them. Observed are that
    an update leaves alone what it does not name, and that the permissions of a row that is not V(custom)
    read as V(none). Which models have the row I(WAN Opt & Cache) is observed in part. That WAN optimisation
    decides it is assumed.
seealso:
  - module: otsec.defender_iot.fortigate_admin_profile_info
  - module: otsec.defender_iot.fortigate_api_admin
  - name: Microsoft's tutorial on Fortinet
    description: The steps in the consoles that this module takes over in part.
    link: https://learn.microsoft.com/en-us/azure/defender-for-iot/organizations/tutorial-fortinet
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
- name: Tasks for FortiGates that say the connection once
  module_defaults:
    group/otsec.defender_iot.fortigate:
      url: "https://{{ ansible_host }}"
      token: "{{ fortigate_token }}"
      ca_path: /etc/ssl/certs/plant-ca.pem
  block:
    - name: Have the admin profile that Microsoft's tutorial asks for
      otsec.defender_iot.fortigate_admin_profile:
        name: defender-iot
        comments: Defender for IoT sensors may block sources
        preset: defender_iot

# The tasks below take the connection from FORTIGATE_URL and FORTIGATE_TOKEN.

- name: Have the same profile with one right more
  otsec.defender_iot.fortigate_admin_profile:
    name: defender-iot
    preset: defender_iot
    firewall: custom
    firewall_permissions:
      service: read

- name: Change one row and leave every other as it is
  otsec.defender_iot.fortigate_admin_profile:
    name: plant-operators
    log_report: read

- name: Have a profile by its rows, reached through a bastion
  otsec.defender_iot.fortigate_admin_profile:
    name: network-readers
    network: custom
    network_permissions:
      cfg: read
      route_cfg: read
  delegate_to: bastion-01

- name: Have no such profile
  otsec.defender_iot.fortigate_admin_profile:
    name: defender-iot
    state: absent
"""

RETURN = r"""
profile:
  description:
    - The profile as it is after the task, or in check mode as it would be, in the words of the options.
    - A profile that the task creates is shown by what was asked for. One that it deletes is shown as it was.
    - Empty if O(state=absent) finds no such profile.
  type: dict
  returned: success
  sample:
    name: defender-iot
    comments: Defender for IoT sensors may block sources
    security_fabric: none
    fortiview: none
    user_device: none
    firewall: custom
    log_report: none
    network: none
    system: none
    security_profile: none
    vpn: none
    wan_opt_cache: none
    wifi_switch: none
    firewall_permissions:
      policy: read-write
      address: read-write
      service: none
      schedule: none
      others: none
objects:
  description: What became of the object, as a list of one; in other modules it may hold more.
  type: list
  elements: dict
  returned: success
  sample:
    - kind: profile
      name: defender-iot
      action: update
      changed: true
      before: {comments: ""}
      after: {comments: Microsoft Defender for IoT}
  contains:
    kind:
      description: What it is, V(profile).
      type: str
      returned: always
    name:
      description: Its name.
      type: str
      returned: always
    action:
      description: What was done to it, or in check mode would be, V(create), V(update), V(delete) or V(none).
      type: str
      returned: always
    changed:
      description: Whether that is a change.
      type: bool
      returned: always
    before:
      description: What there was, empty where there was nothing.
      type: dict
      returned: where it changes
    after:
      description: What there is afterwards, empty where it is gone.
      type: dict
      returned: where it changes
provenance:
  description:
    - What the knowledge of the interface rests on.
    - Always V(documented) here, for the vendor documents the interface.
  type: str
  returned: success
  sample: documented
failure:
  description:
    - What went wrong on the appliance or in the secret store, for machines. The message says it in a
      sentence.
    - Options that cannot be right fail without it, before the first request.
  type: dict
  returned: failure, and when the appliance cannot be reached
  sample:
    status: 403
    code: -37
    path: /api/v2/cmdb/system/accprofile
  contains:
    status:
      description: The HTTP status, V(null) where there was no answer.
      type: int
      returned: always
    code:
      description: The appliance's own error number, V(null) where it gave none.
      type: int
      returned: always
    path:
      description: The path that was called, V(null) where none was.
      type: str
      returned: always
"""

from ..module_utils._engine.apply import converge
from ..module_utils._fortigate.admin_profile import PRESET, PROFILE
from ..module_utils._fortigate.api import connect
from ..module_utils._fortigate.options import fortigate
from ..module_utils._module.arguments import SELF_CHANGE, STATE
from ..module_utils._module.remote import serve
from ..module_utils._module.run import Module

MODULE = Module(
    arguments=fortigate({**STATE, **SELF_CHANGE, **PRESET, **PROFILE.argument_spec()}),
    resource=PROFILE,
    connect=connect,
    work=converge,
)


def main() -> None:
    serve(MODULE)


if __name__ == "__main__":
    main()
