# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example pipelines: the commands for GitHub and GitLab are those of the guide's test."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT

PIPELINES = ROOT / "examples/pipelines"
SCHEMAS = {"github.yml": "vendor.github-workflows", "gitlab.yml": "vendor.gitlab-ci"}
# Replaces every program of the pipeline and records its calls.
PROGRAM = """\
#!/usr/bin/env python3
import json, os, pathlib, sys
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]]) + "\\n")
"""
VARIABLES = {
    "LIMIT": "north:fgt south",
    "PULL_REQUEST": "7",
    "COMMENT_TOKEN": "token",
    "CI_API_V4_URL": "https://gitlab.example.com/api/v4",
    "CI_PROJECT_ID": "1",
    "CI_MERGE_REQUEST_IID": "7",
}


def lines(name: str) -> dict[str, list[str]]:
    """Return the commands of each job of a pipeline."""
    content = yaml.safe_load((PIPELINES / name).read_text())
    if "jobs" in content:
        jobs = content["jobs"].items()
        return {job: [step["run"] for step in spec["steps"] if "run" in step] for job, spec in jobs}
    jobs = [(job, spec) for job, spec in content.items() if isinstance(spec, dict) and "script" in spec]
    return {job: [*spec["script"], *spec.get("after_script", [])] for job, spec in jobs}


def called(folder: Path, commands: list[str]) -> list[Any]:
    """Run commands with programs that only record their calls. Return the calls."""
    programs = folder / "bin"
    programs.mkdir()
    for path in (programs / "gh", programs / "curl", folder / "pipeline.sh"):
        path.write_text(PROGRAM)
        path.chmod(0o755)
    report = folder / "defender_iot_report"
    report.mkdir()
    (report / "report.md").write_text("The report\n")
    environment = {
        **VARIABLES,
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CALLS": str(folder / "calls"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
    }
    for command in commands:
        subprocess.run(["/bin/bash", "-euc", command], cwd=folder, env=environment, check=True)
    return [json.loads(line) for line in (folder / "calls").read_text().splitlines()]


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_a_pipeline_fits_its_published_schema(name: str, schema: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(PIPELINES / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize(
    ("job", "call"),
    [
        ("plan", ["pipeline.sh", "plan"]),
        ("apply", ["pipeline.sh", "apply"]),
        ("resume", ["pipeline.sh", "apply", "--limit", VARIABLES["LIMIT"]]),
        ("drift", ["pipeline.sh", "drift"]),
    ],
)
def test_a_job_runs_what_the_guide_runs(name: str, job: str, call: list[str], tmp_path: Path) -> None:
    assert called(tmp_path, lines(name)[job])[0] == call
    guide = re.sub(r"@\S+", VARIABLES["LIMIT"], (ROOT / "docs/gitops.md").read_text())
    assert f"\n./{' '.join(call)}" in guide


def test_github_gets_the_plan_as_a_comment_and_the_rest_as_a_summary(tmp_path: Path) -> None:
    jobs = lines("github.yml")
    for number, (job, commands) in enumerate(jobs.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        calls = called(folder, commands)
        comment = ["gh", "pr", "comment", "7", "--body-file", "defender_iot_report/report.md"]
        assert (comment in calls) is (job == "plan")
        assert (folder / "summary").exists() is (job != "plan")


def test_gitlab_gets_the_plan_as_a_comment(tmp_path: Path) -> None:
    _plan, comment = called(tmp_path, lines("gitlab.yml")["plan"])
    assert comment[0] == "curl"
    assert comment[-3:] == [
        "--data-urlencode",
        "body@defender_iot_report/report.md",
        "https://gitlab.example.com/api/v4/projects/1/merge_requests/7/notes",
    ]


def test_the_script_says_what_it_takes() -> None:
    done = subprocess.run(
        [str(PIPELINES / "pipeline.sh"), "destroy"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 64
    assert done.stderr == "usage: pipeline.sh plan|apply|drift [ARGUMENT...]\n"
