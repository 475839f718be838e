# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example inventory's mock appliances: `tools/run python tools/lab.py start|stop|get PATH`.

`get` prints the answer of the control port, for example of /counters.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
INVENTORY = ROOT / "examples/inventory"

HOW_TO = """
The lab is running. To run a playbook against it, in this folder:

  tools/run ansible-playbook --vault-password-file {folder}/vault-password \\
    -i examples/inventory -i {folder}/lab/inventory.yml \\
    otsec.defender_iot.site --check --diff

To read its control port (/health, /state, /calls, /counters):

  tools/run python tools/lab.py get /counters

`make lab-stop` stops the lab.
"""


class Lab:
    """A lab in a folder, with a vault password for the secrets in that folder."""

    def __init__(self, folder: Path, inventory: Path = INVENTORY, *more: Path) -> None:
        """`more` are inventories whose appliances the lab plays too."""
        self.folder = folder
        self.inventory = inventory
        self.more = more

    def start(self) -> None:
        """Start the lab, unless it is running."""
        self.folder.mkdir(parents=True, exist_ok=True)
        password = self.folder / "vault-password"
        if not password.exists():
            password.touch(mode=0o600)
            password.write_text(secrets.token_urlsafe(32))
        self._set("started")

    def stop(self) -> None:
        """Stop the lab if it is running."""
        self._set("stopped")

    def play(self, playbook: str, *arguments: str, more: tuple[Path, ...] = ()) -> str:
        """Run a playbook of the collection, or a file, against the lab. Print its output and return it.

        `more` are inventories that the lab's overrides.
        """
        inventories = [option for path in more for option in ("-i", str(path))]
        inventories += ["-i", str(self.folder / "lab/inventory.yml")]
        return _shown([*self._command(playbook), *inventories, *arguments])

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """Send a request to the lab's control port and return the JSON answer."""
        record = json.loads((self.folder / "lab/lab.json").read_text())
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {record['control_token']}"}
        request = urllib.request.Request(record["control"] + path, content, headers, method=method)  # noqa: S310
        # A proxy of the user's environment must not get the token.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.loads(answer.read() or "null")

    def _set(self, state: str) -> None:
        variables = {"lab_state": state, "lab_directory": str(self.folder / "lab")}
        command = [*self._command("lab"), *(f"-i{each}" for each in self.more), "-e", json.dumps(variables)]
        done = subprocess.run(command, env=environment(), check=False, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stdout + done.stderr)

    def _command(self, playbook: str) -> list[str]:
        password = ["--vault-password-file", str(self.folder / "vault-password")]
        name = playbook if playbook.endswith(".yml") else f"otsec.defender_iot.{playbook}"
        return ["ansible-playbook", name, "-i", str(self.inventory), *password]


def environment() -> dict[str, str]:
    """Return the environment of a playbook run."""
    return {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false"}


def _shown(command: list[str]) -> str:
    lines = []
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        sys.exit(process.returncode)
    return "".join(lines)


def main() -> None:
    lab = Lab(ROOT / ".cache/lab")
    match sys.argv[1:]:
        case ["start"]:
            print("==> starting the lab", flush=True)
            lab.start()
            print(HOW_TO.format(folder=lab.folder.relative_to(ROOT)))
        case ["stop"]:
            lab.stop()
        case ["get", path]:
            print(json.dumps(lab.ask(path), indent=2))
        case _:
            sys.exit("usage: tools/lab.py start|stop|get PATH")


if __name__ == "__main__":
    main()
