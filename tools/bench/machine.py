# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machine, the versions and the commit of a run."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from ..lab import ROOT
from .contestants import FOREIGN


def machine() -> str:
    """Return the hardware, the kernel and the versions in one line."""
    packages = [f"{name} {version(name)}" for name in ("ansible-core", "requests")]
    manifest = FOREIGN / "ansible_collections/fortinet/fortios/MANIFEST.json"
    if manifest.exists():  # `make bench-chain` does not need it
        fortinet = json.loads(manifest.read_text())["collection_info"]["version"]
        packages.append(f"fortinet.fortios {fortinet}")
    hardware = f"{_field('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores, {_memory()} GB"
    return ", ".join(
        [hardware, f"Linux {platform.release()}", f"Python {platform.python_version()}", *packages]
    )


def commit() -> str:
    """Return the commit of the clone, and whether the code that is measured was changed since."""
    changed = _git("status", "--porcelain", "--", "plugins", "playbooks", "roles")
    return _git("rev-parse", "--short=9", "HEAD") + (" with changes" if changed else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return f"unknown {name}"


def _memory() -> int:
    return round(int(_field("/proc/meminfo", "MemTotal").split()[0]) / 1024**2)
