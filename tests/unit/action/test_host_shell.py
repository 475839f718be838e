# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shell on the inventory host: its outputs are those of the command, not of the SSH client."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import Refused
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.shell import CommandResult
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._action.host_shell import HostShell

WARNING = "ControlSocket /tmp/x already exists, disabling multiplexing\r\n"
LOG = "debug1: Sending command: x\r\n"
STATISTICS = (
    "Transferred: sent 8000, received 9000 bytes, in 0.0 seconds\r\nBytes per second: sent 8000.0\r\n"
)


def shell(before: str = "", after: str = "", *, has_terminal: bool = False) -> HostShell:
    """Return a shell on this machine whose client writes to stderr before and after the command."""

    def execute(command: str, stdin: bytes) -> Mapping[str, Any]:
        done = subprocess.run(["/bin/sh", "-c", command], input=stdin, capture_output=True, check=False)
        out, err = done.stdout.decode(), before + done.stderr.decode() + after
        return (
            {"rc": done.returncode, "stdout": err + out, "stderr": ""}
            if has_terminal
            else {"rc": done.returncode, "stdout": out, "stderr": err}
        )

    return HostShell(execute, "ct")


@pytest.mark.parametrize("before", ["", WARNING, LOG + WARNING])
@pytest.mark.parametrize("after", ["", LOG, LOG + STATISTICS])
def test_only_what_the_command_wrote_is_its_stderr(before: str, after: str) -> None:
    result = shell(before, after).run("cat; echo no >&2; exit 3", "text")
    assert result == CommandResult(3, "text", "no\n")
    assert shell(before, after).run("true").said == "it wrote nothing"


def test_a_line_of_the_log_is_left_out_wherever_it_is() -> None:
    assert shell().run(f"printf 'first half{LOG} second half' >&2").err == "first half second half"


def test_everything_is_kept_if_the_command_did_not_start() -> None:
    refusing = HostShell(lambda _command, _stdin: {"rc": 1, "stdout": "", "stderr": LOG + "sudo: no"}, "ct")
    assert refusing.run("true").said == "sudo: no"


def test_a_connection_with_a_terminal_is_refused() -> None:
    with pytest.raises(Refused, match="has a terminal, which merges both outputs"):
        shell(has_terminal=True).run("true")
