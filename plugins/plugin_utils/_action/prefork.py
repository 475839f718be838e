# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every task would do first in a process of its own, done once in the one that they are forked from."""

from __future__ import annotations

import gc
import ssl

from ansible.template import Templar

from ...module_utils._wire.https import REQUESTS_IMPORT_ERROR, rehearse

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19 every text is trusted
    trust_as_template = str

FORK_SAFE = (1, 1, 1, 4)
"""OpenSSL 1.1.1d; before, forked processes may all draw the same random numbers (CVE-2019-1549)."""


def warm_up() -> None:
    """Rehearse a request and a template, and spare what is there so far Python's search for garbage.

    Ansible has read the inventory and the playbook by now, and keeps both to the end.
    """
    if REQUESTS_IMPORT_ERROR is None and ssl.OPENSSL_VERSION_INFO >= FORK_SAFE:
        rehearse()
    Templar(loader=None).template(trust_as_template("{{ '' | default('') }}"))
    gc.freeze()
