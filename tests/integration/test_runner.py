# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The chain under ansible-runner: on this machine, over pipes to workers, and as AWX runs it."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from ansible_collections.otsec.defender_iot.tests.support.example import FORTIGATES, SENSORS, Example
from ansible_collections.otsec.defender_iot.tests.support.fake_vault import FakeVault, running_vault
from ansible_collections.otsec.defender_iot.tests.support.leaks import files_with, leaked
from ansible_collections.otsec.defender_iot.tests.support.patience import RUN_SECONDS
from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    COLLECTION,
    ROOT,
    VAULT_PASSWORD,
    Workspace,
)

RUNNER = Path(sys.executable).with_name("ansible-runner")
SHIPPED = ("meta", "playbooks", "plugins", "roles")
SITES = ("north", "south")


STORE_VARIABLE = "defender_iot_secret_store"
# Outside: ansible-runner passes the whole folder to Ansible, which reads every file as an inventory.
BESIDE_INVENTORY = "vault_file:{{ inventory_dir | dirname }}/secrets"
FAILURES = ("runner_on_failed", "runner_item_on_failed")
RESULTS = ("runner_on_ok", "runner_item_on_ok", *FAILURES)


class Loader(yaml.SafeLoader):
    """Reads texts with the tag `!unsafe` as plain texts."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


@dataclass(frozen=True)
class Job:
    """A finished job: the folder of its artifacts, and the output of ansible-runner."""

    artifacts: Path
    output: str

    def results(self, events: tuple[str, ...] = RESULTS) -> list[tuple[str, str, dict[str, Any]]]:
        """Return host, module and result of every task or loop item with a module of this collection."""
        found = []
        for path in (self.artifacts / "job_events").glob("*.json"):
            event = json.loads(path.read_text())
            data = event.get("event_data", {})
            module = str(data.get("task_action"))
            if event["event"] in events and module.startswith(COLLECTION) and "results" not in data["res"]:
                found.append((data["host"], module.removeprefix(COLLECTION), data["res"]))
        return found

    @property
    def changes(self) -> list[tuple[str, str]]:
        """Return the changes: host and module, sorted."""
        return sorted((host, module) for host, module, result in self.results() if result.get("changed"))

    @property
    def messages(self) -> set[str]:
        """Return the messages of failed tasks."""
        return {str(data["msg"]) for _host, _module, data in self.results(FAILURES)}

    def succeeded(self) -> Job:
        """Check that nothing failed, and return the job itself."""
        assert (self.artifacts / "rc").read_text() == "0", self.output
        assert (self.artifacts / "status").read_text() == "successful"
        assert self.results()
        return self


class PrivateDataDir:
    """A folder with the layout of an AWX job and the example project."""

    def __init__(self, node: Workspace) -> None:
        self.node = node
        self.folder = node.folder / "private"
        self.inventory = self.folder / "inventory"
        self.env = self.folder / "env"
        self.temporary = node.folder / "tmp"
        self.env.mkdir(parents=True)
        self.temporary.mkdir()
        project = self.folder / "project"
        shutil.copytree(ROOT / "examples/awx/project", project, ignore=shutil.ignore_patterns("inventory"))
        installed = project / "collections/ansible_collections/otsec/defender_iot"
        for entry in SHIPPED:
            shutil.copytree(ROOT / entry, installed / entry, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "examples/inventory", self.inventory)
        shutil.copytree(ROOT / "examples/awx/project/inventory", self.inventory, dirs_exist_ok=True)
        shutil.copy(Example(node).overlay, self.inventory)
        self._write("cmdline", "--ask-vault-pass --diff -vv")
        self._write("passwords", json.dumps({r"^Vault password:\s*?$": VAULT_PASSWORD}))

    def give(self, environment: dict[str, str] | None = None, **variables: Any) -> PrivateDataDir:
        """Set the environment and the extra variables of later jobs."""
        self._write("envvars", yaml.safe_dump({"ANSIBLE_FORKS": "8", **(environment or {})}))
        self._write("extravars", yaml.safe_dump(variables))
        return self

    def run(self, ident: str, playbook: str = "site.yml", *arguments: str) -> Job:
        """Run a playbook of the project on this machine."""
        job = (str(self.folder), "-p", playbook, "--ident", ident)
        with self._started("run", *job, *arguments, stderr=subprocess.STDOUT) as process:
            output = process.communicate(timeout=RUN_SECONDS)[0].decode()
        return Job(self.folder / "artifacts" / ident, output)

    def slice(self, site: str) -> PrivateDataDir:
        """Return such a folder with only the hosts of a site, printed by a program, like AWX does."""
        program = Path(sys.executable).with_name("ansible-inventory")
        hosts = subprocess.run(
            [str(program), "--inventory", str(self.inventory), "--limit", site, "--list"],
            env={name: str(self.node.environment[name]) for name in ("PATH", "HOME", "LC_ALL")},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        ).stdout
        other = copy.copy(self)
        other.folder = self.node.folder / site
        other.inventory, other.env = other.folder / "inventory", other.folder / "env"
        shutil.copytree(self.folder, other.folder, ignore=shutil.ignore_patterns("inventory", "artifacts"))
        other.inventory.mkdir()
        printing = other.inventory / "hosts"
        printing.write_text(f"#!/usr/bin/env python3\nprint({hosts!r})\n")
        printing.chmod(0o700)
        return other

    @contextmanager
    def on_a_worker(self, ident: str, limit: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start the three parts of a remote job, with pipes between them. Return the last."""
        place = (str(self.folder), "--ident", ident)
        with (
            self._started("transmit", *place, "-p", "site.yml", "--limit", limit) as sender,
            self._started("worker", stdin=sender.stdout) as worker,
            self._started("process", *place, stdin=worker.stdout, stderr=subprocess.STDOUT) as receiver,
        ):
            yield receiver

    def _started(self, *command: str, **streams: Any) -> subprocess.Popen[bytes]:
        """Start ansible-runner in an environment without the collection."""
        kept = ("PATH", "HOME", "LC_ALL", "PYTHONPATH")
        environment = {name: str(self.node.environment[name]) for name in kept}
        return subprocess.Popen(
            [str(RUNNER), *command],
            env={**environment, "TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE,
            **{"stdin": subprocess.DEVNULL, **streams},
        )

    def _write(self, name: str, content: str) -> None:
        (self.env / name).write_text(content)


def run_on_workers(*remote: tuple[PrivateDataDir, str, str]) -> list[Job]:
    """Run the playbook `site` in parallel on a worker for each private data dir, name and limit."""
    with ExitStack() as running:
        ends = [running.enter_context(private.on_a_worker(*job)) for private, *job in remote]
        outputs = [end.communicate(timeout=RUN_SECONDS)[0].decode() for end in ends]
    places = [private.folder / "artifacts" / ident for private, ident, _limit in remote]
    return [Job(place, output) for place, output in zip(places, outputs, strict=True)]


def outcome(node: Workspace) -> dict[str, Any]:
    """Return the results of the playbook on the appliances."""
    lab = node.lab
    fortigates = {
        name: (
            lab.cmdb(name, "GET", "accprofile/defender-iot"),
            lab.cmdb(name, "GET", "api-user/defender-iot"),
        )
        for name in FORTIGATES
    }
    tokens = [token["description"] for token in lab.state("sensor-north-01")["tokens"]]
    return {**fortigates, "tokens": tokens, "module": lab.state("forescout-01")["module"]}


def minted(node: Workspace) -> list[str]:
    """Return the requests that change or mint, since `forget_calls`."""
    return [f"{call['method']} {call['path']}" for call in node.lab.calls() if call["write"]]


def leaks_nothing(private: PrivateDataDir, *jobs: Job) -> None:
    """Check that no artifact, output or file of a worker contains a secret, except the inputs."""
    secrets = [*(secret["value"] for secret in private.node.lab.secrets()), VAULT_PASSWORD]
    given = [path for name in ("env", "inventory") for path in private.node.folder.glob(f"*/{name}")]
    assert files_with(secrets, private.node.folder, private.node.inputs, *given) == []
    for job in jobs:
        assert leaked(secrets, job.output) == []


@dataclass(frozen=True)
class Plain:
    """The changes and the results of a run with ansible-playbook."""

    changes: list[tuple[str, str]]
    outcome: dict[str, Any]


@pytest.fixture(scope="module")
def plain(new_workspace: Callable[[], Workspace]) -> Plain:
    """Set up both integrations with ansible-playbook."""
    node = new_workspace()
    run = Example(node).playbook("site").succeeded()
    return Plain(run.changes, outcome(node))


@pytest.fixture
def private(plain: Plain, new_workspace: Callable[[], Workspace]) -> PrivateDataDir:
    """Create a private data dir, and reset the lab."""
    return PrivateDataDir(new_workspace())


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[FakeVault]:
    """Run a Vault."""
    with running_vault(tmp_path) as vault:
        yield vault


def in_awx(private: PrivateDataDir) -> dict[str, str]:
    """Return the other environment variables of an AWX job."""
    return {"AWX_PRIVATE_DATA_DIR": str(private.folder)}


def test_a_run_here_does_what_ansible_playbook_does_and_a_second_one_nothing(
    private: PrivateDataDir, plain: Plain
) -> None:
    private.give(**{STORE_VARIABLE: BESIDE_INVENTORY})
    first = private.run("first").succeeded()
    assert first.changes == plain.changes
    assert outcome(private.node) == plain.outcome
    assert len(list((private.folder / "secrets").rglob("*.yml"))) == len(FORTIGATES) + 1

    private.node.lab.forget_calls()
    second = private.run("second").succeeded()
    assert second.changes == []
    assert minted(private.node) == []
    leaks_nothing(private, first, second)


def test_two_workers_with_a_shared_folder_do_together_what_ansible_playbook_does(
    private: PrivateDataDir, plain: Plain
) -> None:
    store = {STORE_VARIABLE: f"vault_file:{private.node.store}"}
    private.give(**store)
    limited = [(private, f"first-{site}", site) for site in SITES]
    first = [job.succeeded() for job in run_on_workers(*limited)]
    assert sorted(change for job in first for change in job.changes) == plain.changes
    assert {host for host, _module in first[1].changes} == {"fgt-south-01"}
    assert outcome(private.node) == plain.outcome

    # A job with one site cannot collect the trusted hosts and the sensors without a token. So they are set.
    (private.inventory / "host_vars/sensor-south-01.yml").write_text("sensor_tokens_tokens: []")
    private.give(**store, fortigate_access_trusted_hosts=list(SENSORS.values()))
    sliced = [(private.slice(site), "second", "all") for site in SITES]
    private.node.lab.forget_calls()
    second = [job.succeeded() for job in run_on_workers(*sliced)]
    assert [job.changes for job in second] == [[], []]
    assert {host for host, *_result in second[1].results()} == {"fgt-south-01"}
    assert minted(private.node) == []
    leaks_nothing(private, *first, *second)


def test_a_worker_mints_nothing_that_would_be_gone_with_its_own_folder(private: PrivateDataDir) -> None:
    private.give(**{STORE_VARIABLE: BESIDE_INVENTORY})
    (job,) = run_on_workers((private, "lost", "south"))
    (message,) = job.messages
    assert "is on the disk of an ansible-runner worker, which is deleted after the run" in message
    assert private.node.lab.calls() == []


def test_an_awx_job_mints_nothing_that_would_be_gone_with_its_container(private: PrivateDataDir) -> None:
    private.give(in_awx(private), **{STORE_VARIABLE: BESIDE_INVENTORY})
    job = private.run("lost", "site.yml", "--limit", "south")
    (message,) = job.messages
    assert "is on the disk of an AWX job, which is deleted after the run" in message
    assert "\n" not in message
    assert private.node.lab.calls() == []


def test_an_awx_job_keeps_secrets_in_a_folder_that_is_declared_to_last(private: PrivateDataDir) -> None:
    store = private.node.store
    store.mkdir()
    lasting = {"vault_file": {"persistent_folder": str(store)}}
    private.give(
        in_awx(private), defender_iot_secret_stores=lasting, **{STORE_VARIABLE: f"vault_file:{store}"}
    )
    job = private.run("mounted", "site.yml", "--limit", "south").succeeded()
    assert job.changes == [("fgt-south-01", "fortigate_access")]
    assert set(private.node.stored_files()) == {"fgt-south-01/defender-iot.yml"}


def injected(name: str, given: dict[str, str], folder: Path) -> dict[str, str]:
    """Return the environment that AWX creates from a credential, after it has written the files."""
    text = (ROOT / "examples/awx/controller/credential_types.yml").read_text()
    types = yaml.load(text, Loader)["controller_credential_types"]  # noqa: S506 - made from SafeLoader
    (injectors,) = [each["injectors"] for each in types if each["name"] == name]
    files = {}
    for place, template in injectors["file"].items():
        path = folder / place
        path.write_text(jinja2.Template(template).render(given))
        files[place.removeprefix("template.")] = str(path)
    known = {**given, "tower": {"filename": files}}
    return {variable: jinja2.Template(value).render(known) for variable, value in injectors["env"].items()}


def test_an_awx_job_keeps_secrets_where_its_credential_leads(
    private: PrivateDataDir, plain: Plain, vault: FakeVault
) -> None:
    given = {"url": vault.url, "token": vault.token, "ca": Path(vault.ca_path).read_text()}
    credential = injected("Defender for IoT store in Vault or OpenBao", given, private.env)
    private.give({**in_awx(private), **credential}, **{STORE_VARIABLE: "hashi_vault:secret/ot"})
    first = private.run("first").succeeded()
    assert first.changes == plain.changes
    assert outcome(private.node) == plain.outcome
    assert {path for _namespace, path in vault.kept} == {
        *(f"secret/ot/{name}/defender-iot" for name in FORTIGATES),
        "secret/ot/sensor-north-01/forescout",
    }
    again = private.run("again").succeeded()
    assert again.changes == []
    leaks_nothing(private, first, again)
