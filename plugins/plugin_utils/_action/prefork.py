# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loads what every worker needs once, in the process that Ansible forks its workers from.

This must not affect other plays in that process: it imports modules and changes nothing else.
docs/performance.md publishes the gain.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module

from ansible.plugins.loader import filter_loader, lookup_loader
from ansible.template import Templar

from .._secrets.store import store_class

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts every template
    trust_as_template = str


LAST = "otsec.defender_iot.verdict_table"
"""A filter in the collection's last file. Ansible imports the files in order until it finds a filter."""


def load_jinja_plugins() -> None:
    """Render a template with a filter and a test, and import the lookup of the roles.

    Ansible loads all its filters when the first one is used, and all its tests when the first one is.
    It loads the filters of this collection when one of them is used.
    """
    Templar(loader=None).template(trust_as_template("{{ '' | default('') is none }}"))
    lookup_loader.get("varnames")
    with suppress(KeyError):  # Ansible has not set up its loader of collections: no playbook runs
        filter_loader.get(LAST)


def load_store() -> None:
    """Import the default secret store."""
    store_class("vault_file")


def load_endpoint_maps() -> None:
    """Import the validation of endpoint maps, which most modules do without."""
    import_module(".._endpoint_maps.load", __package__)
