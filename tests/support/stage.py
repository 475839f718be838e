# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One-time secrets on many appliances: their tasks, their use, and their store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.belonging import (
    Belonging,
    address_of,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.record import (
    bound,
    committed,
    persisted,
    reserved,
)

from .lab import Lab
from .leaks import files_with, leaked, watched_command_lines
from .sabotage import Background, Rule, Sabotage
from .workspace import ENDPOINTS, VAULT_PASSWORD, Play, Run, Workspace, play, task

ADMIN = "defender-iot"
GENERATE = "POST /api/v2/monitor/system/api-user/generate-key"
STATUS = "GET /api/v2/monitor/system/status"
CREATE = "POST /__lab__/tokens"
DELETE = "DELETE /__lab__/tokens/"
MINTING = {"key": GENERATE, "token": CREATE}
OPTIONS = ("recreate", "rotation_id", "max_age", "previous", "state")
# The lab sees the control node as 127.0.0.1, so that the control node can try a key.
TRUSTED = [
    {"id": 1, "type": "ipv4-trusthost", "ipv4-trusthost": "192.0.2.11 255.255.255.255"},
    {"id": 2, "type": "ipv4-trusthost", "ipv4-trusthost": "127.0.0.1 255.255.255.255"},
]


@dataclass
class Spot:
    """One secret: the inventory host that mints it, its kind, its appliance, and options of its task."""

    host: str
    kind: str
    appliance: str
    options: dict[str, Any] = field(default_factory=dict)


class Stage:
    """A control node with secrets to mint on the appliances of a lab. It records every run."""

    def __init__(self, node: Workspace, name: str = "{host}", strategy: str = "linear") -> None:
        """`name` is the pattern of a secret's name in the store, ``strategy`` Ansible's.

        With ``free``, keys and tokens are minted in parallel, but Ansible does not notice a dead worker.
        """
        self.node = node
        self.name = name
        self.strategy = strategy
        self.lab: Lab = node.lab
        self.spots: dict[str, Spot] = {}
        self.runs: list[Run] = []
        self.sabotages = 0
        self.command_lines: set[bytes] = set()

    def key(self, host: str, appliance: str, **options: Any) -> Spot:
        """Add a host with the API key of an administrator, and create that administrator on the FortiGate."""
        profile = {"name": ADMIN, "accprofile": "super_admin_readonly", "trusthost": TRUSTED}
        self.lab.cmdb(appliance, "POST", "api-user", {**profile, "vdom": [{"name": "root"}]})
        return self._add(Spot(host, "key", appliance, options))

    def token(self, host: str, appliance: str, **options: Any) -> Spot:
        """Add a host with an access token. Its description is the name of the host."""
        return self._add(Spot(host, "token", appliance, options))

    def secret(self, kind: str, host: str = "it", **options: Any) -> Spot:
        """Add a host with a secret of a kind on the first spare appliance."""
        return (
            self.key(host, "spare-01", **options)
            if kind == "key"
            else self.token(host, "spare-sensor-1", **options)
        )

    def _add(self, spot: Spot) -> Spot:
        self.spots[spot.host] = spot
        return spot

    def run(
        self,
        *arguments: str,
        sabotage: Sabotage | None = None,
        hosts: str = "all",
        **environment: str | None,
    ) -> Run:
        """Run the tasks of every secret, or of some hosts."""
        self.write_inventory()
        return self.keep(self._run(arguments, sabotage, hosts, environment))

    def in_background(self, sabotage: Sabotage | None = None, hosts: str = "all") -> Background:
        """Start such a run in the background. The inventory must exist."""
        return Background(lambda: self._run((), sabotage, hosts, {}))

    def keep(self, run: Run) -> Run:
        """Record a run that was started in the background."""
        self.runs.append(run)
        return run

    def sabotage(self, rules: Mapping[str, Rule]) -> Sabotage:
        """Prepare the faults of a run."""
        self.sabotages += 1
        return Sabotage(self.node.folder / f"sabotage-{self.sabotages}", rules)

    def break_run(self, host: str, act: str, phase: str, *steps: str) -> Run:
        """Run once, with a fault in one host's task."""
        return self.run(sabotage=self.sabotage({host: Rule(steps, phase, act)}))

    def write_inventory(self) -> None:
        """Write the inventory with all hosts and their options."""
        self.node.inventory(**{host: self._variables(spot) for host, spot in self.spots.items()})

    def mints(self, *hosts: str) -> int:
        """Return the number of minting requests to these hosts' appliances since `forget_calls`."""
        appliances = {self.spots[host].appliance for host in hosts or self.spots}
        calls = self.lab.calls(*appliances)
        return sum(f"{call['method']} {call['path']}" in MINTING.values() for call in calls)

    def writes(self) -> list[dict[str, Any]]:
        """Return the recorded requests that change or mint."""
        return [call for call in self.lab.calls() if call["write"]]

    def mint(self, *hosts: str) -> None:
        """Mint and store secrets as an earlier run would have, but without one."""
        for host in hosts or self.spots:
            spot, name = self.spots[host], self.name.format(host=host)
            is_key = spot.kind == "key"
            value, id_, serials = self._minted_key(spot) if is_key else self._minted_token(spot)
            old = self.node.kept(name) if f"{name}.yml" in self.node.stored_files() else {}
            pending = persisted(
                reserved(old, token_hex(8), {}, []), value, id_, spot.options.get("rotation_id")
            )
            record = committed(pending, verified=is_key, id_=id_, keep_previous=not is_key)
            address = address_of(self.lab.appliances[spot.appliance]["url"])
            owner = Belonging(host, address, ADMIN if is_key else host, serials)
            self.node.keep(name, **bound(record, owner))

    def generate_key(self, appliance: str) -> dict[str, Any]:
        """Generate a key, which makes the one before void. Return the answer of the FortiGate."""
        token = self.lab.appliances[appliance]["credentials"]["token"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = self.lab.call(
            appliance, "POST", GENERATE.split()[1], headers=headers, json={"api-user": ADMIN}
        )
        assert answer.ok, answer.text
        return dict(answer.json())

    def _minted_key(self, spot: Spot) -> tuple[str, None, tuple[str, ...]]:
        """Return the value of a new key, no id, and the serial number of its FortiGate."""
        answer = self.generate_key(spot.appliance)
        return answer["results"]["access_token"], None, (answer["serial"],)

    def _minted_token(self, spot: Spot) -> tuple[str, Any, tuple[str, ...]]:
        """Return the value of a new token, its id, and no serial number."""
        value = self.lab.make_token(spot.appliance, spot.host)
        return value, self.rows(spot.host)[-1]["id"], ()

    def record(self, host: str) -> dict[str, Any]:
        """Return the record of a host's secret."""
        return self.node.kept(self.name.format(host=host))

    def edit(self, host: str, **changes: Any) -> None:
        """Change a host's record, like an operator."""
        self.node.keep(self.name.format(host=host), **{**self.record(host), **changes})

    def make_old(self, host: str) -> None:
        """Date a host's unfinished minting back, to when its process is no longer waited for."""
        since = (datetime.now(UTC) - timedelta(minutes=16)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.edit(host, pending={**self.record(host)["pending"], "since": since})

    def rows(self, host: str) -> list[dict[str, Any]]:
        """Return the tokens with a host's description."""
        tokens = self.lab.state(self.spots[host].appliance)["tokens"]
        return [token for token in tokens if token["description"] == host]

    def opens(self, host: str, value: str) -> bool:
        """Use a secret like its consumer. Return whether the appliance accepts it."""
        spot = self.spots[host]
        if spot.kind == "key":
            path, header = "/api/v2/monitor/system/status", f"Bearer {value}"
        else:
            path, header = "/api/v1/alerts", value
        answer = self.lab.call(spot.appliance, "GET", path, headers={"Authorization": header})
        return answer.status_code == 200

    def settle(self) -> Run:
        """Run again, check that a further run changes nothing, and return the first of the two runs."""
        repaired = self.run().succeeded()
        self.is_settled()
        return repaired

    def is_settled(self) -> None:
        """Check that a run changes nothing and that every secret is stored, unique, and works."""
        stored = self.node.stored_files()
        self.lab.forget_calls()
        again = self.run().succeeded()
        assert again.changes == [], again.output
        assert self.writes() == []
        assert self.node.stored_files() == stored
        for host in self.spots:
            self.has_one_working_secret(host)
        self.leaks_nothing()

    def has_one_working_secret(self, host: str) -> None:
        """Check that the stored value works, and that the appliance has no secret without a record."""
        record = self.record(host)
        assert "pending" not in record, host
        assert self.opens(host, record["value"]), host
        if self.spots[host].kind == "token":
            known = {part["id"] for part in (record, record.get("previous")) if part}
            assert {row["id"] for row in self.rows(host)} == known, host
        elif "previous" in record:
            assert not self.opens(host, record["previous"]["value"]), host

    def leaks_nothing(self) -> None:
        """Check that no output, file or command line contains a secret, except the inputs.

        Every run is as verbose as possible: with all details, a log file and a JUnit report.
        """
        assert any(b"ansible-playbook" in line for line in self.command_lines)
        secrets = [*(secret["value"] for secret in self.lab.secrets()), VAULT_PASSWORD]
        for run in self.runs:
            assert not leaked(secrets, run.output), run.output
        for line in self.command_lines:
            assert not leaked(secrets, line), line
        assert files_with(secrets, self.node.folder, self.node.inputs) == []

    def escrows(self) -> list[Path]:
        """Return the escrow files."""
        return sorted((self.node.home / ".ansible" / "defender_iot_escrow").glob("*"))

    def loudly(
        self,
        *plays: Play,
        arguments: tuple[str, ...] = (),
        sabotage: Sabotage | None = None,
        **environment: str | None,
    ) -> Run:
        """Run plays as verbosely as possible, and record the command lines of all processes."""
        callbacks = ["recorder", "ansible.builtin.junit", *(["saboteur"] if sabotage else [])]
        given = {
            "ANSIBLE_FORKS": "60",
            "ANSIBLE_LOG_PATH": str(self.node.folder / "ansible.log"),
            "JUNIT_OUTPUT_DIR": str(self.node.folder / "junit"),
            **(sabotage.environment if sabotage else {}),
            "ANSIBLE_CALLBACKS_ENABLED": ",".join(callbacks),
            **environment,
        }
        with watched_command_lines() as lines:
            run = self.node.run(*plays, arguments=["-vvvv", "--diff", *arguments], **given)
        self.command_lines |= lines.seen
        return run

    def _run(
        self,
        arguments: tuple[str, ...],
        sabotage: Sabotage | None,
        hosts: str,
        environment: Mapping[str, str | None],
    ) -> Run:
        return self.loudly(self._play(hosts), arguments=arguments, sabotage=sabotage, **environment)

    def _play(self, hosts: str) -> Play:
        more = {name: f"{{{{ {name} | default(omit) }}}}" for name in OPTIONS}
        ref = {"secret_ref": self.node.ref(self.name.format(host="{{ inventory_hostname }}"))}
        # Ansible reserves the name timeout, and would print the inventory with its warning.
        more["timeout"] = "{{ seconds | default(omit) }}"
        key = {name: more[name] for name in ("recreate", "rotation_id", "max_age", "timeout")}
        mint_key = task("fortigate_api_key", name=ADMIN, **ref, **key)
        described = {"description": "{{ inventory_hostname }}", "endpoints": ENDPOINTS["sensor"]}
        mint_token = task("sensor_access_token", **described, **ref, **more)
        return play(
            {**mint_key, "when": "kind == 'key'"},
            {**mint_token, "when": "kind == 'token'"},
            hosts=hosts,
            strategy=self.strategy,
        )

    def _variables(self, spot: Spot) -> dict[str, Any]:
        return self.node.host(spot.appliance, kind=spot.kind, **spot.options)
