# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the whole flow against the lab and reports the results: `tools/run python tools/demo.py`."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

from lab import INVENTORY, ROOT, Lab

FOLDER = ROOT / ".cache/demo"
SECRETS = FOLDER / "lab/secrets"
OVERLAY = ["-i", str(FOLDER / "overlay.yml")]
ROLES = {
    "sensor-north-01": "sensor_tokens",
    "sensor-south-01": "sensor_tokens",
    "forescout-01": "forescout_module",
}

WRITES = {
    ("POST", "accprofile"): "admin profile",
    ("POST", "api-user"): "REST API administrator",
    ("POST", "generate-key"): "API key",
}
FORTISIEM = ROOT / "examples/fortisiem.yml"
MORE = (FORTISIEM, ROOT / "examples/forescout_policies.yml")
EXPORTS = FOLDER / "policies"
SIEM, PLATFORM = "fortisiem-01", "forescout-01"
# What an operator has created and exported in the Console of the platform.
EXPORTED = {
    "firmware.xml": {"label": "Firmware", "action": "sendmail"},
    "group.xml": {"label": "Vendor", "action": "add-to-group"},
}
BY_FSTOOL = {"forescout_policies_transport": "fstool", "forescout_policies_exports": str(EXPORTS)}
SENSOR, FORTIGATE = "sensor-north-01", "fgt-north-01"
ALERT = {"title": "Suspicion of Malicious Activity (WannaCry)", "sourceDevice": 502}
FORWARDED = 101
OFFENDER, PLC = "192.0.2.52", "198.51.100.12"
BLOCK_LIST = [
    {
        "name": "Create the groups and the deny policy",
        "hosts": "fortigates",
        "gather_facts": False,
        "roles": ["otsec.defender_iot.fortigate_response"],
    }
]
# The tokens that the platforms use, and the one of the role respond.
TOKENS = (
    "{{ sensor_tokens_consumers | otsec.defender_iot.consumed_tokens(inventory_hostname) "
    "+ [{'description': 'respond'}] }}"
)
BLOCKED = {"alert": "accept", "proposed": "accept", "enforced": "deny", "alert handled": "accept"}
BY_WEB = {"sensor_tokens": "access token", "forescout_module": "module settings"}


def main() -> None:
    started = time.monotonic()
    lab = Lab(FOLDER, INVENTORY, FORTISIEM)
    step("starting three FortiGates, two sensors, a Forescout platform and a FortiSIEM on loopback")
    lab.start()
    try:
        parts = (flow(lab), from_alert_to_block(lab), by_fstool(lab), seen_and_matched(lab))
        summary = "\n".join(parts)
    finally:
        step("stopping the lab")
        lab.stop()
    print(f"\n{summary}\n\nTook {time.monotonic() - started:.0f} s. Secrets: {SECRETS.relative_to(ROOT)}")


def begin(lab: Lab) -> list[str]:
    """Reset the lab, shuffle the names in its web interfaces, return the options for these names."""
    lab.ask("/reset", "POST")
    shutil.rmtree(SECRETS, ignore_errors=True)
    hosts: dict[str, dict[str, str]] = {}
    for name, role in ROLES.items():
        lab.ask(f"/appliances/{name}/options", "POST", {"names": "shuffled"})
        endpoints = FOLDER / f"{name}.endpoints.yml"
        endpoints.write_text(json.dumps(lab.ask(f"/appliances/{name}/endpoint_map")))
        hosts[name] = {f"{role}_endpoints": str(endpoints)}
        if role == "sensor_tokens":
            hosts[name]["sensor_tokens_tokens"] = TOKENS
    (FOLDER / "overlay.yml").write_text(json.dumps({"all": {"hosts": hosts}}))
    return OVERLAY


def flow(lab: Lab) -> str:
    """Set everything up twice and verify it. Return the closing table."""
    maps = begin(lab)
    step("playbooks/site.yml, first run")
    lab.play("site", *maps)
    created = writes(lab)
    step("playbooks/site.yml, second run")
    changed = changes(lab.play("site", *maps))
    written = len(writes(lab)) - len(created)
    lab.ask("/poll", "POST")
    step("playbooks/verify.yml")
    report = FOLDER / "verdicts.json"
    lab.play("verify", *maps, "-e", json.dumps({"defender_iot_verdict_file": str(report)}))
    return table(created, changed, written, json.loads(report.read_text()))


def from_alert_to_block(lab: Lab) -> str:
    """Raise an alert, propose and enforce its block, and handle the alert. Return lines for the table."""
    playbook, folder = FOLDER / "block_list.yml", FOLDER / "respond"
    shutil.rmtree(folder, ignore_errors=True)
    playbook.write_text(json.dumps(BLOCK_LIST))
    step("creating the block list and its policy")
    lab.play(str(playbook))
    step(f"raising an alert about {OFFENDER} on {SENSOR}")
    lab.ask(f"/appliances/{SENSOR}/options", "POST", {"inventory": "recorded"})
    alert = lab.ask(f"/appliances/{SENSOR}/commands/traffic", "POST", ALERT)["alert"]
    options = ["-e", json.dumps({"respond_folder": str(folder), "respond_sites": ["north"]})]
    verdicts = [packet(lab)]
    step("playbooks/respond.yml proposes")
    lab.play("respond", *options)
    print((folder / "north/proposal.md").read_text())
    verdicts.append(packet(lab))
    step("playbooks/respond.yml enforces")
    lab.play("respond", *options, "-e", "respond_mode=enforce")
    verdicts.append(packet(lab))
    step(f"handling the alert on {SENSOR}, playbooks/respond.yml again")
    lab.ask(f"/appliances/{SENSOR}/commands/verdict", "POST", {"alert": alert, "verdict": "close"})
    lab.play("respond", *options, "-e", "respond_mode=enforce")
    verdicts.append(packet(lab))
    found = dict(zip(BLOCKED, verdicts, strict=True))
    if found != BLOCKED:
        raise SystemExit(f"the FortiGate does with the packet of the offender: {found}, not {BLOCKED}")
    return f"{'From alert to block':22}{', '.join(f'{word}: {verdict}' for word, verdict in found.items())}"


def packet(lab: Lab) -> str:
    """Return what the FortiGate does with a packet of the offender."""
    body = {"source": OFFENDER, "destination": PLC}
    return str(lab.ask(f"/appliances/{FORTIGATE}/commands/packet", "POST", body)["action"])


def by_fstool(lab: Lab) -> str:
    """Set up the Forescout integration again with policies, over SSH. Return a line for the table."""
    begin(lab)
    export_policies(lab)
    variables = {"forescout_module_transport": "fstool", **BY_FSTOOL}
    options = [*OVERLAY, "-e", json.dumps(variables)]
    step("playbooks/forescout.yml by fstool over SSH, first run")
    first = changes(lab.play("forescout", *options, more=MORE))
    step("playbooks/forescout.yml by fstool over SSH, second run")
    second = changes(lab.play("forescout", *options, more=MORE))
    return f"{'Forescout by fstool':22}first run changed {first}, second run {second or 'nothing'}"


def export_policies(lab: Lab) -> None:
    """Write what an operator exports in the Console."""
    shutil.rmtree(EXPORTS, ignore_errors=True)
    shutil.rmtree(FOLDER / "lab/policies", ignore_errors=True)
    EXPORTS.mkdir(parents=True)
    for name, policy in EXPORTED.items():
        text = lab.ask(f"/appliances/{PLATFORM}/commands/export", "POST", policy)["xml"]
        (EXPORTS / name).write_text(text)


def seen_and_matched(lab: Lab) -> str:
    """Forward alerts to FortiSIEM, enable the policies, and verify both. Return lines for the table."""
    step("forwarding an alert of each sensor, and enabling the policies in the Console")
    record = json.loads((FOLDER / "lab/lab.json").read_text())
    port = record["appliances"][SIEM]["syslog"]["udp"]
    for name in (SENSOR, "sensor-south-01"):
        lab.ask(f"/appliances/{name}/commands/forward", "POST", {"alert": FORWARDED, "port": port})
    lab.ask("/poll", "POST")
    for name in lab.ask("/state")["appliances"][PLATFORM]["policies"]:
        lab.ask(f"/appliances/{PLATFORM}/commands/policy", "POST", {"name": name["name"], "enabled": True})
    step("playbooks/fortisiem.yml")
    lab.play("fortisiem", *OVERLAY, more=MORE)
    step("playbooks/verify.yml for FortiSIEM and the policies")
    report = FOLDER / "more_verdicts.json"
    variables = json.dumps({"defender_iot_verdict_file": str(report), **BY_FSTOOL})
    limit = f"--limit={SIEM},{PLATFORM},sensors"
    lab.play("verify", *OVERLAY, limit, "-e", variables, more=MORE)
    verdicts = {each["integration"]: each["verdict"] for each in json.loads(report.read_text())}
    heads = {"fortisiem": "FortiSIEM", "forescout_policies": "Forescout policies"}
    if any(verdicts[name]["state"] != "working" for name in heads):
        raise SystemExit(f"FortiSIEM and the policies are not verified as working: {verdicts}")
    return "\n".join(
        f"{head:22}{verdicts[name]['state']}: {verdicts[name]['evidence']}" for name, head in heads.items()
    )


def changes(output: str) -> int:
    """Return the number of changes in the recap of a run."""
    return sum(int(number) for number in re.findall(r"changed=(\d+)", output))


def writes(lab: Lab) -> list[dict[str, Any]]:
    """Return the recorded calls that changed an appliance."""
    return [call for call in lab.ask("/calls") if call["write"]]


def table(created: list[dict[str, Any]], changed: int, written: int, verdicts: list[dict[str, Any]]) -> str:
    """Return the closing table: created objects, changes of the second run, verdicts."""
    objects: dict[str, list[str]] = {}
    for call in created:
        objects.setdefault(call["appliance"], []).append(written_by(call))
    rows = [("First run created", f"{name}: {', '.join(made)}") for name, made in sorted(objects.items())]
    rows.append(("Second run changed", f"{changed or 'nothing'} ({written} writes reached an appliance)"))
    judged: dict[tuple[str, str, str], list[str]] = {}
    for each in verdicts:
        verdict = each["verdict"]
        key = (each["integration"], verdict["state"], verdict["evidence"])
        judged.setdefault(key, []).append(each["appliance"])
    for (integration, state, evidence), names in judged.items():
        rows += [(f"Verified: {integration}", f"{state} on {', '.join(names)}"), ("", f"  {evidence}")]
    heads = ["" if number and rows[number - 1][0] == row[0] else row[0] for number, row in enumerate(rows)]
    return "\n".join(f"{head:22}{row[1]}".rstrip() for head, row in zip(heads, rows, strict=True))


def written_by(call: dict[str, Any]) -> str:
    """Return the kind of object that a call created. The paths of web interfaces are shuffled."""
    role = ROLES.get(call["appliance"])
    return BY_WEB[role] if role else WRITES[call["method"], Path(call["path"]).name]


def step(what: str) -> None:
    print(f"\n==> {what}", flush=True)


if __name__ == "__main__":
    main()
