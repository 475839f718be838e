# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SSH port of a mock Forescout: a real server, a real shell and a fake `fstool`.

Commands run with the rights of the lab's process. So the port is on the loopback interface and accepts only
the key that the lab generated.
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

# In the PATH of every node. The lab's process has the state, so it answers.
FSTOOL = """\
#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as lab:
    lab.connect(os.environ["LAB_SOCKET"])
    lab.sendall(json.dumps([os.environ["LAB_NODE"], sys.argv[1:], "LAB_ROOT" in os.environ]).encode())
    lab.shutdown(socket.SHUT_WR)
    output, code, *errors = json.loads(b"".join(iter(lambda: lab.recv(65536), b"")))
if output:
    print(output)
for error in errors:
    print(error, file=sys.stderr)
sys.exit(code)
"""
# Like the real one, it joins its arguments with spaces, and a shell on the other node parses them.
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
# Reads only the password line, because the rest of the input belongs to the command.
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
        """`folder` is a separate folder for the programs of the nodes."""
        self.folder = folder
        self.nodes = nodes
        self.processes: set[asyncio.subprocess.Process] = set()

    def write_programs(self) -> None:
        """Write the programs of a node: fstool, ssh and sudo."""
        programs = {"fstool": FSTOOL.replace("{python}", sys.executable), "ssh": SSH, "sudo": SUDO}
        (self.folder / "bin").mkdir()
        for name, text in programs.items():
            program = self.folder / "bin" / name
            program.write_text(text)
            program.chmod(0o700)

    async def answer_fstool(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one call of the fake `fstool`, which may end before it gets the answer."""
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
        """Kill the commands that clients still run."""
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
    """Serve one platform. Yield its address and keys, for `lab.json`."""
    # Not below the lab's directory, because the path of a socket is limited to about 100 characters.
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
    """Generate the key for the SSH ports of a lab."""
    # A new file, because an existing one keeps its mode.
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(path))
    return path


async def _pump(source: Any, sink: Any) -> None:
    """Copy bytes from one stream to the other until the first ends."""
    while data := await source.read(CHUNK):
        sink.write(data)
        await sink.drain()


async def _feed(source: Any, sink: Any) -> None:
    """Copy the input to a command, which may end before it has read all of it."""
    with contextlib.suppress(ConnectionError):
        await _pump(source, sink)
        sink.write_eof()
