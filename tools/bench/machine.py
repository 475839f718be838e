# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machine, versions and date of a measurement."""

from __future__ import annotations

import json
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

from .contestants import FOREIGN


def surroundings(load: float) -> list[str]:
    """Return these as lines of Markdown. ``load`` is the load average before the first run."""
    manifest = FOREIGN / "ansible_collections/fortinet/fortios/MANIFEST.json"
    fortinet = json.loads(manifest.read_text())["collection_info"]["version"]
    packages = ", ".join(f"{name} {version(name)}" for name in ("ansible-core", "requests"))
    return [
        f"- {time.strftime('%Y-%m-%d')}, load of the machine before the first run: {load:.2f}",
        f"- {_field('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores, {_memory()} GB of memory, "
        f"Linux {platform.release()}",
        f"- Python {platform.python_version()}, {packages}, fortinet.fortios {fortinet}",
    ]


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return f"unknown {name}"


def _memory() -> int:
    return round(int(_field("/proc/meminfo", "MemTotal").split()[0]) / 1024**2)
