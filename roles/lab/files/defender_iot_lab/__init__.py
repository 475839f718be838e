# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mock FortiGates, Defender for IoT sensors, Forescout platforms and FortiSIEMs in one process.

The lab models what is published about these appliances. Inventories, playbooks and modules can be tested
against it before they reach a real appliance. It listens on the loopback interface only and keeps all state
in memory. Docstrings mark each rule as documented (by the vendor), observed (in working code or in recorded
answers) or assumed (nothing public was found). Where the real behaviour is unknown, there is an option.
"""
