# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SSH port of a mock Forescout: a real server, a real shell, and behind it a fake `fstool`.

Commands run with the rights of the lab's own process, so the port is on the loopback interface, and only
the key that the lab made for itself opens it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh

from ..core.server import LOOPBACK
from .nodes import EM, INSTALL_PATH, MANAGED, Nodes

USER = "operator"
CHUNK = 65536

# Stands in the PATH of every node. The lab's process answers, which has the state.
FSTOOL = """\
#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as lab:
    lab.connect(os.environ["LAB_SOCKET"])
    lab.sendall(json.dumps([os.environ["LAB_NODE"], sys.argv[1:], "LAB_ROOT" in os.environ]).encode())
    lab.shutdown(socket.SHUT_WR)
    output, code = json.loads(b"".join(iter(lambda: lab.recv(65536), b"")))
if output:
    print(output)
sys.exit(code)
"""
# Like the real one, it joins its words with blanks and lets a shell on the other node read them.
SSH = """\
#!/bin/sh
while [ "$1" = -o ]; do shift 2; done
node=$1
shift
if [ ! -d "$LAB_NODES/$node" ] || [ -e "$LAB_NODES/$node/dead" ]; then
    echo "ssh: connect to host $node port 22: Connection timed out" >&2
    exit 255
fi
cd "$LAB_NODES/$node" && LAB_NODE=$node exec sh -c "$*"
"""
# Reads its password byte by byte, for what follows is the input of the command.
SUDO = """\
#!/bin/sh
while :; do
    case $1 in
        -p) prompt=$2; shift 2 ;;
        -u) shift 2 ;;
        -n) may_not_ask=1; shift ;;
        -*) shift ;;
        *) break ;;
    esac
done
if [ -e "$LAB_NODES/sudo_password" ]; then
    if [ "$may_not_ask" ]; then
        echo "sudo: a password is required" >&2
        exit 1
    fi
    printf %s "$prompt" >&2
    IFS= read -r given
    if [ "$given" != "$(cat "$LAB_NODES/sudo_password")" ]; then
        echo "Sorry, try again." >&2
        exit 1
    fi
fi
LAB_ROOT=1 exec "$@"
"""


class Shells:
    """The SSH port of one platform."""

    def __init__(self, folder: Path, nodes: Nodes) -> None:
        """Take a folder of its own, which holds the programs, and the nodes."""
        self.folder = folder
        self.nodes = nodes
        self.processes: set[asyncio.subprocess.Process] = set()

    def write_programs(self) -> None:
        """Write the programs that a node has."""
        programs = {"fstool": FSTOOL.replace("{python}", sys.executable), "ssh": SSH, "sudo": SUDO}
        (self.folder / "bin").mkdir()
        for name, text in programs.items():
            program = self.folder / "bin" / name
            program.write_text(text)
            program.chmod(0o700)

    async def answer_fstool(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one call of the fake `fstool`, which may be gone before its answer is there."""
        node, arguments, is_root = json.loads(await reader.read())
        answer = await self.nodes.fstool(node, arguments, is_root)
        with contextlib.suppress(ConnectionError):
            writer.write(json.dumps(answer).encode())
            await writer.drain()
        writer.close()

    async def execute(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """Run one command of an SSH client on the Enterprise Manager."""
        home = self.nodes.folder / EM
        shell = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", process.command or ""),
            **{"stdin": PIPE, "stdout": PIPE, "stderr": PIPE, "cwd": home, "env": self._environment(home)},
        )
        self.processes.add(shell)
        feeding = asyncio.create_task(_feed(process.stdin, shell.stdin))
        await asyncio.gather(_pump(shell.stdout, process.stdout), _pump(shell.stderr, process.stderr))
        process.exit(await shell.wait())
        feeding.cancel()
        self.processes.discard(shell)

    def end_processes(self) -> None:
        """Kill what clients still run."""
        for shell in self.processes:
            with contextlib.suppress(ProcessLookupError):
                shell.kill()

    def _environment(self, home: Path) -> dict[str, str]:
        return {
            "PATH": f"{self.folder / 'bin'}:{os.environ.get('PATH', os.defpath)}",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "LAB_NODES": str(self.nodes.folder),
            "LAB_NODE": EM,
            "LAB_SOCKET": str(self.folder / "socket"),
        }


@contextlib.asynccontextmanager
async def serving(name: str, nodes: Nodes, directory: Path, key: Path) -> AsyncIterator[dict[str, Any]]:
    """Serve one platform and yield how it is reached, for the lab's record."""
    # Not below the lab's directory: the path of a socket may have about a hundred characters only.
    with tempfile.TemporaryDirectory(prefix="forescout-lab-") as folder:
        shells = Shells(Path(folder), nodes)
        shells.write_programs()
        host_key = asyncssh.generate_private_key("ssh-ed25519")
        known = asyncssh.import_authorized_keys(asyncssh.read_private_key(key).export_public_key().decode())
        programs = await asyncio.start_unix_server(shells.answer_fstool, shells.folder / "socket")
        server = await asyncssh.listen(
            LOOPBACK,
            0,
            server_host_keys=[host_key],
            authorized_client_keys=known,
            process_factory=shells.execute,
            encoding=None,
        )
        known_hosts = directory / f"{name}.known_hosts"
        known_hosts.write_text(f"[{LOOPBACK}]:{server.get_port()} {host_key.export_public_key().decode()}")
        try:
            yield {
                "host": LOOPBACK,
                "port": server.get_port(),
                "user": USER,
                "key_path": str(key.absolute()),
                "known_hosts_path": str(known_hosts.absolute()),
                "plugin_name": nodes.plugin,
                "property_keys": nodes.keys,
                "install_path": INSTALL_PATH,
                "nodes": list(MANAGED),
            }
        finally:
            shells.end_processes()
            server.close()
            programs.close()
            await server.wait_closed()


def make_key(path: Path) -> Path:
    """Make the key that opens the SSH ports of a lab."""
    path.touch(mode=0o600)
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(path))
    return path


async def _pump(source: Any, sink: Any) -> None:
    """Carry bytes from one stream to the other until the first ends."""
    while data := await source.read(CHUNK):
        sink.write(data)
        await sink.drain()


async def _feed(source: Any, sink: Any) -> None:
    """Carry a command's input, which it may not want to the end."""
    with contextlib.suppress(ConnectionError):
        await _pump(source, sink)
        sink.write_eof()
