# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A control node for one test: its folder, inventories, secret store, and playbook runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from .lab import Lab
from .patience import RUN_SECONDS

ROOT = Path(__file__).resolve().parents[2]

VAULT_PASSWORD = "the password of the tests' vault"
COLLECTION = "otsec.defender_iot."
SELECTION_CHECK = f"{COLLECTION}selection_check"
STARTUP = str(ROOT / "tests/support/startup")
"""The PYTHONPATH of the runs."""
ENDPOINTS = {
    "sensor": str(ROOT / "roles/lab/files/endpoints/sensor.yml"),
    "forescout": str(ROOT / "roles/lab/files/endpoints/forescout.yml"),
}
CONNECTION = (
    *("url", "token", "username", "password", "timeout", "connect_timeout"),
    *("validate_certs", "ca_path", "cert_fingerprint", "client_cert", "client_key", "proxy"),
)

Play = dict[str, Any]
Task = dict[str, Any]


@dataclass(frozen=True)
class Result:
    """The result of one task, or of one loop item, on one host. `status` is a word of the recap."""

    host: str
    task: str
    module: str
    status: str
    data: dict[str, Any]

    @property
    def changed(self) -> bool:
        return bool(self.data.get("changed"))

    @property
    def message(self) -> str:
        """The failure message, empty without a failure."""
        return str(self.data.get("msg", ""))

    @property
    def failed(self) -> bool:
        """Whether it failed or found no usable connection."""
        return self.status in ("failed", "unreachable")


@dataclass(frozen=True)
class Run:
    """A finished run of ansible-playbook. `results` are those of modules for appliances."""

    code: int
    output: str
    results: list[Result] = field(default_factory=list)
    stats: dict[str, dict[str, int]] = field(default_factory=dict)

    def of(self, host: str | None = None, module: str | None = None) -> list[Result]:
        """Return the results of a host, of a module, or of both, in order."""
        return [r for r in self.results if host in (None, r.host) and module in (None, r.module)]

    def one(self, host: str | None = None, module: str | None = None) -> Result:
        """Return the only such result."""
        found = self.of(host, module)
        assert len(found) == 1, f"{len(found)} results of {module} on {host}\n{self.output}"
        return found[0]

    def on(self, host: str) -> Run:
        """Return the part of the run on one host. Only its output is that of the whole run."""
        ended = self.stats.get(host, {"failures": 1})
        code = self.code if ended["failures"] or ended["unreachable"] else 0
        return Run(code, self.output, self.of(host), {host: ended})

    @property
    def changes(self) -> list[tuple[str, str]]:
        """The done or predicted changes: host and module, sorted."""
        return sorted((r.host, r.module) for r in self.results if r.changed)

    def succeeded(self) -> Run:
        """Check that nothing failed, and return the run itself."""
        assert self.code == 0, self.output
        return self


def task(module: str, **options: Any) -> Task:
    """Return a task for a module of the collection."""
    return {"name": f"Run {module}", COLLECTION + module: options}


def play(*tasks: Task, hosts: str = "all", **more: Any) -> Play:
    """Return a play whose tasks take the connection from the host's variables."""
    connection = {name: f"{{{{ {name} | default(omit) }}}}" for name in CONNECTION}
    defaults = {f"group/{COLLECTION}all": connection}
    return {
        "name": "Play",
        "hosts": hosts,
        "gather_facts": False,
        "module_defaults": defaults,
        "tasks": tasks,
        **more,
    }


class Workspace:
    """The folder of a control node, with all of its inputs and outputs.

    `python` runs the playbooks. The results are those of the modules of one `collection`.
    """

    python = Path(sys.executable)
    collection = COLLECTION
    wrapper: tuple[str, ...] = ()
    """The words before the command of a run, such as those of own_pid_namespace."""

    def __init__(self, folder: Path, tree: Path, lab: Lab) -> None:
        """`folder` is empty. `tree` is the folder in which Ansible finds the collection."""
        self.folder = folder
        self.lab = lab
        self.inputs = folder / "inputs"
        self.store = folder / "store"
        self.home = folder / "home"
        for each in (self.inputs, self.home):
            each.mkdir(parents=True)
        self.password_file = self._input("vault-password", VAULT_PASSWORD)
        self.environment = self._environment(tree)
        self.runs = 0

    def host(self, appliance: str, **more: Any) -> dict[str, Any]:
        """Return the variables of an inventory host that connects to an appliance of the lab."""
        entry = self.lab.appliances[appliance]
        account = entry["credentials"]
        if "token" in account:
            account = {"token": account["token"]}
        return {"url": entry["url"], "ca_path": self.lab.ca_path, **account, **more}

    def by_ssh(self, appliance: str) -> dict[str, Any]:
        """Return the variables that connect OpenSSH to an appliance, without the user's settings."""
        way = self.lab.appliances[appliance]["ssh"]
        options = {
            "ControlPath": "none",
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": way["known_hosts_path"],
        }
        return {
            "ansible_host": way["host"],
            "ansible_port": way["port"],
            "ansible_user": way["user"],
            "ansible_ssh_private_key_file": way["key_path"],
            "ansible_ssh_args": " ".join(["-F /dev/null", *(f"-o {k}={v}" for k, v in options.items())]),
            # The platform has no Python.
            "ansible_python_interpreter": "/nonexistent/python",
        }

    def inventory(self, **hosts: dict[str, Any]) -> Path:
        """Write an inventory of hosts and their variables."""
        named = {name.replace("_", "-"): variables for name, variables in hosts.items()}
        return self._input("inventory.yml", yaml.safe_dump({"all": {"hosts": named}}))

    def ref(self, name: str) -> str:
        """Return the reference to a secret in the store."""
        return f"vault_file:{self.store / name}"

    def keep(self, name: str, **record: Any) -> None:
        """Write a record to the store, like an operator."""
        path = self.store / f"{name}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        secret = VaultSecret(VAULT_PASSWORD.encode())
        path.write_bytes(VaultLib([("default", secret)]).encrypt(yaml.safe_dump(record), secret=secret))

    def kept(self, name: str) -> dict[str, Any]:
        """Read a record from the store."""
        vault = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))])
        return dict(yaml.safe_load(vault.decrypt((self.store / f"{name}.yml").read_bytes())))

    def stored_files(self) -> dict[str, bytes]:
        """Return the content of every file in the store, by relative path."""
        found = {}
        for path in self.store.rglob("*"):
            # During a run, a temporary file may have been renamed since it was listed.
            with suppress(FileNotFoundError, IsADirectoryError):
                found[str(path.relative_to(self.store))] = path.read_bytes()
        return found

    def run(self, *plays: Play, arguments: Sequence[str] = (), **environment: str | None) -> Run:
        """Run plays on the last inventory, as `playbook` does."""
        path = self._input(f"playbook-{self.runs}.yml", json.dumps(plays))
        return self.playbook(str(path), *arguments, **environment)

    def playbook(
        self, name: str, *arguments: str, inventories: list[Path] | None = None, **environment: str | None
    ) -> Run:
        """Run a playbook on the last inventory, or on others. None unsets an environment variable."""
        self.runs += 1
        record = self.folder / f"results-{self.runs}.jsonl"
        overridden = {**self.environment, "RECORDER_FILE": str(record), **environment}
        process = subprocess.run(
            [
                *self.wrapper,
                str(self.python),
                str(self.python.with_name("ansible-playbook")),
                *[f"--inventory={path}" for path in inventories or [self.inputs / "inventory.yml"]],
                *arguments,
                name,
            ],
            cwd=self.folder,
            env={key: value for key, value in overridden.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        return _read(process.returncode, process.stdout, record, self.collection)

    def _input(self, name: str, content: str) -> Path:
        path = self.inputs / name
        path.write_text(content)
        return path

    def _environment(self, tree: Path) -> dict[str, str | None]:
        """Return an environment that is independent of the user's settings."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.home),
            "ANSIBLE_HOME": str(self.home / ".ansible"),
            "ANSIBLE_CONFIG": str(self._input("ansible.cfg", "[defaults]\n")),
            "ANSIBLE_COLLECTIONS_PATH": str(tree),
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/support/callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "recorder",
            "PYTHONPATH": STARTUP,
            "ANSIBLE_VAULT_PASSWORD_FILE": str(self.password_file),
            "ANSIBLE_FORKS": "8",
            "ANSIBLE_NOCOLOR": "1",
        }


def _read(code: int, output: str, record: Path, collection: str) -> Run:
    lines = [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
    results = [
        Result(**{**line, "module": line["module"].removeprefix(collection)})
        for line in lines
        if line.get("module", "").startswith(collection) and line["module"] != SELECTION_CHECK
    ]
    stats = next((line["stats"] for line in lines if "stats" in line), {})
    return Run(code, output, results, stats)
