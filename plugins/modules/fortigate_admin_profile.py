#!/usr/bin/python
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: fortigate_admin_profile
short_description: Manage admin profiles of a FortiGate
version_added: 0.1.0
description:
  - Creates, updates and deletes an admin profile. An admin profile is the set of permissions of an
    administrator or a REST API administrator of a FortiGate.
  - Options that are not set keep their value on the FortiGate. On a new profile they get the default of
    FortiOS, which is V(none) for every permission, and on for O(system_diagnostics), O(system_execute_ssh)
    and O(system_execute_telnet).
  - O(preset=defender_iot) sets the permissions of Microsoft's Fortinet tutorial, the least privilege with
    which Defender for IoT can block sources.
  - The module reads the profile, compares all options that are set, and sends only the differences. After a
    write it reads the profile again, and fails if the FortiGate has other values.
  - The module uses the C(system/accprofile) table of the FortiOS REST API, whose fields are documented for
    FortiOS 6.4 to 7.6. An update leaves the other fields unchanged, which is observed, not documented.
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
      - Name of the profile, at most 35 characters. The name identifies the profile. The module cannot rename
        a profile.
    type: str
    required: true
  comments:
    description:
      - Comment, at most 255 characters. If it is not set, it is not changed.
    type: str
  preset:
    description:
      - A predefined set of permissions. Options that are set explicitly override the preset.
      - V(defender_iot) sets every access permission group to V(none), except O(firewall), which is V(custom)
        with O(firewall_permissions.policy) and O(firewall_permissions.address) V(read-write), and
        O(firewall_permissions.service) and O(firewall_permissions.schedule) V(none).
      - The tutorial does not mention the permission I(Others). The preset sets O(firewall_permissions.others)
        to V(none), which is the least privilege.
      - For the same reason, the preset disables O(system_diagnostics), O(system_execute_ssh) and
        O(system_execute_telnet), which the tutorial does not mention and a new profile enables.
      - V(defender_iot_respond) is the same with O(firewall_permissions.policy) V(read). It is for the account
        that keeps the block list of M(otsec.defender_iot.fortigate_block_list).
      - If O(firewall) is set to a value other than V(custom), the firewall permissions of the preset do not
        apply. Each permission in O(firewall_permissions) overrides the one of the preset.
      - If it is not set, only the permissions that the task sets are managed.
    type: str
    choices: [defender_iot, defender_iot_respond]
  scope:
    description:
      - Scope of the profile, which is the whole device (V(global)) or the VDOMs of the administrator
        (V(vdom)).
      - A FortiGate without multiple VDOMs does not have this setting. It then reads as V(vdom).
      - If it is not set, it is not changed.
    type: str
    choices: [vdom, global]
  security_fabric:
    description:
      - The access permission group I(Security Fabric). V(custom) uses O(security_fabric_permissions). FortiOS
        has V(custom) from 7.6.5 on. If it is not set, O(preset) applies. Without a preset it is not changed.
    type: str
    choices: [none, read, read-write, custom]
  fortiview:
    description:
      - The access permission group I(FortiView). If it is not set, O(preset) applies. Without a preset it is
        not changed.
    type: str
    choices: [none, read, read-write]
  user_device:
    description:
      - The access permission group I(User & Device), in later versions I(User & Authentication). If it is not
        set, O(preset) applies. Without a preset it is not changed.
    type: str
    choices: [none, read, read-write]
  firewall:
    description:
      - The access permission group I(Firewall). V(custom) uses O(firewall_permissions). If it is not set,
        O(preset) applies. Without a preset it is not changed.
    type: str
    choices: [none, read, read-write, custom]
  log_report:
    description:
      - The access permission group I(Log & Report). V(custom) uses O(log_report_permissions). If it is not
        set, O(preset) applies. Without a preset it is not changed.
    type: str
    choices: [none, read, read-write, custom]
  network:
    description:
      - The access permission group I(Network). V(custom) uses O(network_permissions). If it is not set,
        O(preset) applies. Without a preset it is not changed.
    type: str
    choices: [none, read, read-write, custom]
  system:
    description:
      - The access permission group I(System). V(custom) uses O(system_permissions). If it is not set,
        O(preset) applies. Without a preset it is not changed.
    type: str
    choices: [none, read, read-write, custom]
  security_profile:
    description:
      - The access permission group I(Security Profile). V(custom) uses O(security_profile_permissions). If it
        is not set, O(preset) applies. Without a preset it is not changed.
    type: str
    choices: [none, read, read-write, custom]
  vpn:
    description:
      - The access permission group I(VPN). If it is not set, O(preset) applies. Without a preset it is not
        changed.
    type: str
    choices: [none, read, read-write]
  wan_opt_cache:
    description:
      - The access permission group I(WAN Opt & Cache). Some models and versions do not have it. It then reads
        as V(none). If it is not set, O(preset) applies. Without a preset it is not changed.
    type: str
    choices: [none, read, read-write]
  wifi_switch:
    description:
      - The access permission group I(WiFi & Switch). If it is not set, O(preset) applies. Without a preset it
        is not changed.
    type: str
    choices: [none, read, read-write]
  security_fabric_permissions:
    description:
      - The permissions of the group I(Security Fabric). Requires O(security_fabric=custom) in the same task.
      - FortiOS has it from 7.6.5 on.
      - A permission that is not set is not changed.
    type: dict
    suboptions:
      csfsys:
        description: The permission that the CLI calls C(csfsys).
        type: str
        choices: [none, read, read-write]
      csffoo:
        description: The permission that the CLI calls C(csffoo).
        type: str
        choices: [none, read, read-write]
  firewall_permissions:
    description:
      - The permissions of the group I(Firewall). Requires O(firewall=custom) in the same task. If a
        permission is not set, O(preset) applies. Without a preset it is not changed.
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
          - The permission I(Others). FortiOS 6.4.0 to 6.4.5 and 7.0.0 do not have it. It then reads as
            V(none).
        type: str
        choices: [none, read, read-write]
  log_report_permissions:
    description:
      - The permissions of the group I(Log & Report). Requires O(log_report=custom) in the same task. A
        permission that is not set is not changed.
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
      - The permissions of the group I(Network). Requires O(network=custom) in the same task. A permission
        that is not set is not changed.
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
      - The permissions of the group I(System). Requires O(system=custom) in the same task. A permission that
        is not set is not changed.
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
      - The permissions of the group I(Security Profile). Requires O(security_profile=custom) in the same
        task.
      - The permissions of this group depend most on the version. A permission that a version does not have
        reads as V(none).
      - A permission that is not set is not changed.
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
          - The permission I(Data Loss Prevention). FortiOS before 7.4.4 stores it under other names. The
            module uses the name of the FortiGate's version.
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
      - The setting I(Override Idle Timeout). If it is V(true), O(idle_timeout) applies to administrators with
        this profile. If it is not set, it is not changed.
    type: bool
  idle_timeout:
    description:
      - Idle time in minutes after which a session ends, from 1 to 480. V(0) is never. Requires
        O(override_idle_timeout=true) in the same task. If it is not set, it is not changed.
    type: int
  system_diagnostics:
    description:
      - The setting I(CLI diagnostic commands). It is on in a new profile.
      - FortiOS has it from 6.4.0 until before 7.4.2. From 7.4.2 on, the C(cli_) options replace it.
      - If it is not set, O(preset) applies. Without a preset it is not changed.
    type: bool
  system_execute_ssh:
    description:
      - Whether the CLI command C(execute ssh) is allowed. It is allowed in a new profile. FortiOS has this
        setting from 7.2.1 on. If it is not set, O(preset) applies. Without a preset it is not changed.
    type: bool
  system_execute_telnet:
    description:
      - Whether the CLI command C(execute telnet) is allowed. It is allowed in a new profile. FortiOS has this
        setting from 7.2.1 on. If it is not set, O(preset) applies. Without a preset it is not changed.
    type: bool
  cli_diagnose:
    description:
      - Whether the CLI command C(diagnose) is allowed. It is not allowed in a new profile. FortiOS has this
        setting from 7.4.2 on. If it is not set, it is not changed.
    type: bool
  cli_get:
    description:
      - Whether the CLI command C(get) is allowed. It is not allowed in a new profile. FortiOS has this
        setting from 7.4.2 on. If it is not set, it is not changed.
    type: bool
  cli_show:
    description:
      - Whether the CLI command C(show) is allowed. It is not allowed in a new profile. FortiOS has this
        setting from 7.4.2 on. If it is not set, it is not changed.
    type: bool
  cli_exec:
    description:
      - Whether the CLI command C(execute) is allowed. It is not allowed in a new profile. FortiOS has this
        setting from 7.4.2 on. If it is not set, it is not changed.
    type: bool
  cli_config:
    description:
      - Whether the CLI command C(config) is allowed. It is not allowed in a new profile. FortiOS has this
        setting from 7.4.2 on. If it is not set, it is not changed.
    type: bool
notes:
  - Settings that a version or model does not have are omitted if they are not set, or set to V(none) or
    V(false), and otherwise refused before any write. If the FortiGate returns a profile, its fields decide
    what is supported, not the version.
  - Data leak prevention had other names before FortiOS 7.4.4. This module has one permission for it,
    O(security_profile_permissions.dlp).
  - FortiOS does not delete a profile that is in use. No administrator can change C(super_admin) and
    C(super_admin_readonly).
  - Documented are the fields, their values, defaults and versions. Observed are that an update leaves the
    other fields unchanged, and that the permissions of a group other than V(custom) read as V(none). Which
    models have the group I(WAN Opt & Cache) is observed in part. It is assumed that this depends on WAN
    optimisation.
seealso:
  - module: otsec.defender_iot.fortigate_admin_profile_info
  - module: otsec.defender_iot.fortigate_api_admin
  - name: Microsoft's tutorial on Fortinet
    description: The manual steps that this module partly replaces.
    link: https://learn.microsoft.com/en-us/azure/defender-for-iot/organizations/tutorial-fortinet
author:
  - The otsec.defender_iot authors (@otsec)
"""

EXAMPLES = r"""
- name: Manage FortiGates with shared connection options
  module_defaults:
    group/otsec.defender_iot.fortigate:
      url: "https://{{ ansible_host }}"
      token: "{{ fortigate_token }}"
      ca_path: /etc/ssl/certs/plant-ca.pem
  block:
    - name: Create the admin profile of Microsoft's tutorial
      otsec.defender_iot.fortigate_admin_profile:
        name: defender-iot
        comments: Defender for IoT sensors may block sources
        preset: defender_iot

# The tasks below read the connection from FORTIGATE_URL and FORTIGATE_TOKEN.

- name: Create the same profile with one more permission
  otsec.defender_iot.fortigate_admin_profile:
    name: defender-iot
    preset: defender_iot
    firewall: custom
    firewall_permissions:
      service: read

- name: Change one access permission group only
  otsec.defender_iot.fortigate_admin_profile:
    name: plant-operators
    log_report: read

- name: Create a profile through a bastion
  otsec.defender_iot.fortigate_admin_profile:
    name: network-readers
    network: custom
    network_permissions:
      cfg: read
      route_cfg: read
  delegate_to: bastion-01

- name: Delete the profile
  otsec.defender_iot.fortigate_admin_profile:
    name: defender-iot
    state: absent
"""

RETURN = r"""
profile:
  description:
    - The profile after the task, or as predicted in check mode, with the names of the options.
    - A created profile has the values of the task. A deleted profile has its last values.
    - Empty with O(state=absent) if the profile does not exist.
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
  description: The object and the action taken, as a list with one entry. Other modules may return several.
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
      description: Kind of the object, always V(profile).
      type: str
      returned: always
    name:
      description: Name of the object.
      type: str
      returned: always
    action:
      description: The action taken, or predicted in check mode, one of V(create), V(update), V(delete) and
        V(none).
      type: str
      returned: always
    changed:
      description: Whether the object changes.
      type: bool
      returned: always
    before:
      description: The changed fields before the task. Empty if the object did not exist.
      type: dict
      returned: when the object changes
    after:
      description: The changed fields after the task. Empty if the object was deleted.
      type: dict
      returned: when the object changes
provenance:
  description:
    - Source of the knowledge about the interface.
    - Always V(documented), because the vendor documents most of the interface. The notes name the rest.
  type: str
  returned: success
  sample: documented
failure:
  description:
    - Details of a failure on the appliance or in the secret store, for programs. C(msg) describes it in a
      sentence.
    - Invalid options fail without this value, before the first request.
  type: dict
  returned: on failure, and if the appliance is unreachable
  sample:
    status: 403
    code: -37
    path: /api/v2/cmdb/system/accprofile
  contains:
    status:
      description: HTTP status. V(null) if there was no response.
      type: int
      returned: always
    code:
      description: Error number of the appliance. V(null) if it returned none.
      type: int
      returned: always
    path:
      description: Requested path. V(null) if no request was sent.
      type: str
      returned: always
"""

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.apply import converge
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.admin_profile import (
    PRESET,
    PROFILE,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api import connect
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.options import fortigate
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.arguments import SELF_CHANGE, STATE
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import serve
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module

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
