# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab as a process: run it, start it in the background, stop it.

A running lab locks `lab.lock` and writes its process ID into it. The kernel releases the lock when the
process ends for any reason. So while the file is locked, the process with that ID is the lab.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from .config import load
from .control import control
from .core.server import LOOPBACK, LabServer, Listener
from .lab import Lab

START_SECONDS = 120
STOP_SECONDS = 20


class ProcessError(Exception):
    """A lab could not be started or stopped. The message says why and what to do."""


def run(config: Path, directory: Path) -> None:
    """Run a lab in the foreground until SIGTERM or SIGINT."""
    _make_private(directory)
    lock = _acquire(directory)
    if lock is None:
        raise ProcessError(f"a lab is already running in {directory}; stop it or use another directory")
    lock.write(str(os.getpid()))
    lock.flush()
    try:
        asyncio.run(_serve(Lab(load(config)), directory))
    finally:
        (directory / "lab.json").unlink(missing_ok=True)


def start(config: Path, directory: Path) -> None:
    """Start a lab in its own session and wait until every port answers."""
    _make_private(directory)
    if _is_locked(directory):
        raise ProcessError(f"a lab is already running in {directory}; stop it or use another directory")
    record = directory / "lab.json"
    record.unlink(missing_ok=True)
    process = _spawn(config, directory)
    ready = _wait(lambda: record.exists() or process.poll() is not None, START_SECONDS)
    if not ready:
        process.terminate()
    if not record.exists():
        log = directory / "lab.log"
        raise ProcessError(f"the lab did not start; fix the error at the end of {log}:\n{_tail(log)}")


def stop(directory: Path) -> None:
    """Stop the lab of a directory, and no other process. Succeeds if no lab is running."""
    if _is_locked(directory):
        os.kill(int((directory / "lab.lock").read_text()), signal.SIGTERM)
        if not _wait(lambda: not _is_locked(directory), STOP_SECONDS):
            raise ProcessError(
                f"the lab in {directory} has not ended {STOP_SECONDS} s after SIGTERM; "
                f"end the process in {directory / 'lab.lock'}"
            )
    (directory / "lab.json").unlink(missing_ok=True)


async def _serve(lab: Lab, directory: Path) -> None:
    token = secrets.token_urlsafe(32)
    control_port = Listener(control(lab, token))
    server = LabServer([control_port, *lab.listeners.values()])
    async with lab.polling(), lab.serving_shells(directory), lab.receiving_syslog():
        serving = asyncio.create_task(server.serve())
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if server.started:
            _write_private(directory / "ca.pem", lab.authority.pem)
            _write_private(directory / "client.pem", lab.authority.client.chain)
            _write_private(directory / "client.key", lab.authority.client.key)
            _write_record(directory, lab, control_port.port, token)
        await serving


def _write_record(directory: Path, lab: Lab, control_port: int, token: str) -> None:
    record = {
        "pid": os.getpid(),
        "control": f"http://{LOOPBACK}:{control_port}",
        "control_token": token,
        "ca_path": str(directory.absolute() / "ca.pem"),
        "client_cert": str(directory.absolute() / "client.pem"),
        "client_key": str(directory.absolute() / "client.key"),
        "appliances": lab.directory(),
    }
    draft = directory / f"lab.json.{os.getpid()}"
    _write_private(draft, json.dumps(record, indent=2).encode())
    draft.rename(directory / "lab.json")


def _make_private(folder: Path) -> None:
    """Create a folder and its missing parents, each with mode 0700."""
    if not folder.is_dir():
        _make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _write_private(path: Path, content: bytes) -> None:
    """Write a new file with mode 0600. An old one is replaced, because it could be a link or a named pipe."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _spawn(config: Path, directory: Path) -> subprocess.Popen[Any]:
    command = [
        sys.executable,
        "-m",
        __package__,
        "run",
        "--config",
        str(config),
        "--directory",
        str(directory),
    ]
    package = str(Path(__file__).parent.parent)
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    (directory / "lab.log").unlink(missing_ok=True)
    with (directory / "lab.log").open("x") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": path},
        )


def _acquire(directory: Path) -> IO[str] | None:
    lock = (directory / "lab.lock").open("a+")
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.truncate(0)
        return lock
    lock.close()
    return None


def _is_locked(directory: Path) -> bool:
    if not (directory / "lab.lock").exists():
        return False
    lock = _acquire(directory)
    if lock:
        lock.close()
    return lock is None


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _tail(log: Path) -> str:
    return "\n".join(log.read_text().splitlines()[-20:])
