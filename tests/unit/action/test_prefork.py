# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Importing the actions loads filters and store for the workers, and changes nothing else in the process."""

from __future__ import annotations

import json
import subprocess
import sys

from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT

ACTIONS = sorted(path.stem for path in (ROOT / "plugins/action").glob("*.py"))

STATE = """
import gc, importlib, json, os, random, ssl, sys, threading

import requests  # Some versions make a TLS context when they are imported.

contexts = []
make = ssl.SSLContext.__new__

def make_counted(*arguments, **options):
    contexts.append(arguments)
    return make(*arguments, **options)

def open_sockets():
    links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    # The listing's own descriptor is closed by now.
    targets = map(os.readlink, filter(os.path.lexists, links))
    return [target for target in targets if target.startswith("socket:")]

def state():
    return {
        "garbage collector": [
            gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.get_freeze_count(), len(gc.callbacks)
        ],
        "threads": [threading.active_count(), len(os.listdir("/proc/self/task"))],
        "sockets": open_sockets(),
        "random state": str(random.getstate()),
        "TLS contexts": len(contexts),
    }

ssl.SSLContext.__new__ = make_counted
before = state()
for name in sys.argv[1:]:
    importlib.import_module(f"ansible_collections.otsec.defender_iot.plugins.action.{name}")
print(json.dumps([before, state()]))
"""

LOADED = """
import json, sys
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader([])
from ansible_collections.otsec.defender_iot.plugins.action import fortigate_access
print(json.dumps(sorted(sys.modules)))
"""
OWN = "ansible_collections.otsec.defender_iot.plugins."


def run(script: str, *arguments: str) -> str:
    """Run a script in its own process and return its output."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / ".cache/tree"), "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/tree")},
    ).stdout


def test_the_jinja_plugins_and_the_default_store_are_loaded_with_the_action() -> None:
    loaded = set(json.loads(run(LOADED)))
    for jinja_plugins in ("filter.core", "test.core", "lookup.varnames"):
        assert any(name.startswith(f"ansible.plugins.{jinja_plugins}") for name in loaded), jinja_plugins
    files = (ROOT / "plugins/filter").glob("*.py")
    assert {f"{OWN}filter.{path.stem}" for path in files} <= loaded
    assert f"{OWN}plugin_utils._secrets.stores.vault_file" in loaded


def test_importing_the_actions_changes_no_state_of_the_process() -> None:
    before, after = json.loads(run(STATE, *ACTIONS))
    assert after == before
