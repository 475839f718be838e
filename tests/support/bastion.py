# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An SSH server on this machine: a local shell, SFTP, and connections to other hosts."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncssh

from .patience import STEP_SECONDS

LOOPBACK = "127.0.0.1"
CHUNK = 65536


class _JumpHost(asyncssh.SSHServer):
    """Forwards connections and records their destinations."""

    def __init__(self, destinations: list[tuple[str, int]]) -> None:
        self.destinations = destinations

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        self.destinations.append((dest_host, dest_port))
        return True


class Bastion:
    """A running SSH server with one user, who has a key. It records commands and forwarded connections.

    Commands run in `home`, and have all temporary files in `temporary`. `shells` are the processes of the
    commands that run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.temporary = folder, folder / "home", folder / "temporary"
        self.home.mkdir(parents=True)
        self.temporary.mkdir()
        self.commands: list[str] = []
        self.destinations: list[tuple[str, int]] = []
        self.shells: set[int] = set()
        self.port = 0
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._user_key = asyncssh.generate_private_key("ssh-ed25519")
        self._key_file = folder / "key"
        self._key_file.touch(mode=0o600)
        self._user_key.write_private_key(str(self._key_file))
        self._known_hosts = folder / "known_hosts"
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve()])

    def variables(self, **more: Any) -> dict[str, Any]:
        """Return the variables of an inventory host that connects to this server."""
        options = {
            "ControlMaster": "no",
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": self._known_hosts,
        }
        return {
            "ansible_host": LOOPBACK,
            "ansible_port": self.port,
            "ansible_user": "operator",
            "ansible_ssh_private_key_file": str(self._key_file),
            "ansible_ssh_args": " ".join(["-F /dev/null", *(f"-o {k}={v}" for k, v in options.items())]),
            "ansible_python_interpreter": sys.executable,
            "ansible_remote_tmp": str(self.home / "tmp"),
            **more,
        }

    def ssh_config(self) -> Path:
        """Write an OpenSSH configuration with this host as `bastion`, and return its path."""
        settings = {
            "HostName": LOOPBACK,
            "Port": self.port,
            "User": "operator",
            "IdentityFile": self._key_file,
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": self._known_hosts,
        }
        file = self._key_file.with_name("ssh_config")
        file.write_text("Host bastion\n" + "".join(f"  {name} {value}\n" for name, value in settings.items()))
        return file

    def files(self) -> list[Path]:
        """Return all files that commands have left."""
        folders = (self.home, self.temporary)
        return [path for folder in folders for path in folder.rglob("*") if path.is_file()]

    def kill(self) -> None:
        """Kill every running command with its processes, as a power failure does."""
        for shell in self.shells:
            os.killpg(shell, signal.SIGKILL)

    def start(self) -> None:
        """Listen on a free port."""
        self._thread.start()
        assert self._ready.wait(STEP_SECONDS), "the SSH server did not start"
        public = self._host_key.export_public_key().decode()
        self._known_hosts.write_text(f"[{LOOPBACK}]:{self.port} {public}")

    def stop(self) -> None:
        """Stop the server and close its connections."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(STEP_SECONDS)
        assert not self._thread.is_alive(), "the SSH server did not end"
        self._loop.close()

    async def _serve(self) -> None:
        authorized = asyncssh.import_authorized_keys(self._user_key.export_public_key().decode())
        server = await asyncssh.listen(
            LOOPBACK,
            0,
            server_host_keys=[self._host_key],
            authorized_client_keys=authorized,
            process_factory=self._execute,
            sftp_factory=True,
            server_factory=lambda: _JumpHost(self.destinations),
            encoding=None,
        )
        self.port = server.get_port()
        self._ready.set()
        await self._stopping.wait()
        server.close()
        await server.wait_closed()

    async def _execute(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        command = process.command or ""
        self.commands.append(command)
        path = os.environ.get("PATH", os.defpath)
        places = {"HOME": str(self.home), "TMPDIR": str(self.temporary)}
        shell = await asyncio.create_subprocess_shell(
            command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=self.home,
            env={"PATH": path, "LC_ALL": "C.UTF-8", **places},
            start_new_session=True,
        )
        self.shells.add(shell.pid)
        feeding = asyncio.create_task(_feed(process.stdin, shell.stdin))
        await asyncio.gather(_pump(shell.stdout, process.stdout), _pump(shell.stderr, process.stderr))
        status = await shell.wait()
        self.shells.discard(shell.pid)
        process.exit(status if status >= 0 else 128 - status)
        feeding.cancel()


async def _pump(source: Any, sink: Any) -> None:
    """Copy bytes from one stream to the other until the first ends."""
    while data := await source.read(CHUNK):
        sink.write(data)
        await sink.drain()


async def _feed(source: Any, sink: Any) -> None:
    """Copy the input to a command, which may end before it has read all of it."""
    with suppress(ConnectionError):
        await _pump(source, sink)
        sink.write_eof()


@contextmanager
def running_bastion(folder: Path) -> Iterator[Bastion]:
    """Run a bastion, and stop it at the end."""
    bastion = Bastion(folder)
    bastion.start()
    try:
        yield bastion
    finally:
        bastion.stop()
