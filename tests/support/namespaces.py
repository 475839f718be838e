# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PID namespaces: processes with one host name and one boot that cannot see each other, as in containers."""

from __future__ import annotations

import subprocess
import warnings

import pytest

UNSHARE = (
    ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc"),
    ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
"""The commands that run another one in a PID namespace of its own: as root, and as any user."""


def own_pid_namespace() -> tuple[str, ...]:
    """Return the words before a command that runs it in its own PID namespace. Skips if none is permitted."""
    for words in UNSHARE:
        try:
            subprocess.run([*words, "true"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return words
    warnings.warn("PID namespaces are not tested: this machine does not permit unshare", stacklevel=2)
    pytest.skip("this machine does not permit PID namespaces (unshare)")
