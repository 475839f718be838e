# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the project's checks: `tools/run python tools/check.py STEP...` stops at the first failure."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections import Counter
from pathlib import Path

from environment import ROOT, ensure

CACHE = ROOT / ".cache"
COLLECTION = Path("ansible_collections", "otsec", "defender_iot")

# The files and folders of the clone that are part of the collection. Everything else is for developers.
SHIPPED = {
    "CHANGELOG.rst",
    "LICENSE",
    "README.md",
    "bindep.txt",
    "changelogs",
    "docs",
    "examples",
    "extensions/eda",
    "meta",
    "playbooks",
    "plugins",
    "requirements.txt",
    "roles",
}
# What ansible-test needs besides them.
BUILD_SETTINGS = {"galaxy.yml", "tests/config.yml"}

EVENT_SOURCES = Path("extensions/eda/plugins/event_source")
# The rules of Ruff that the certification of event sources leaves out (ansible/eda-partner-testing, 2026),
# and one of each pair that contradicts itself.
UNCERTIFIED = (
    *("D100", "D104", "INP001", "FA102", "UP001", "UP010", "I001", "FA100", "PLR0913", "E501"),
    *("D203", "D213"),
)

# ansible-test exits with 0 even if it has checked nothing or a required tool is missing.
SILENT_PASSES = ("All targets skipped", "Required program", "WARNING: Skipping")
PYTEST_SKIPPED = re.compile(r"^SKIPPED \[(\d+)\] [^:]+:(?:\d+:)? (.+)$", re.MULTILINE)
MOLECULE_SKIPPED = re.compile(r"actions=\d.* (disabled|skipped|missing)=[1-9]")

# ansible-test creates a venv for each tool, and downloads get-pip.py for each. This one copies the project's
# pip with its bytecode: installing pip takes five seconds in each of a dozen venvs.
GET_PIP = f"""\
import pathlib, shutil, sysconfig
target = pathlib.Path(sysconfig.get_path("purelib"))
for package in pathlib.Path({sysconfig.get_path("purelib")!r}).glob("pip*"):
    shutil.copytree(package, target / package.name)
"""
GET_PIP_NAMES = ("get_pip_24_2.py", "get_pip_25_2.py")  # of ansible-core 2.18 and 2.19, of 2.20 and 2.21

# Makes short runs of Ansible cheaper.
STARTUP = f"PYTHONPATH={ROOT / 'tests/support/startup'}"

# The reasons for which tests were skipped, with their number.
not_run: Counter[str] = Counter()


class Failed(Exception):
    """A check failed. `code` is the exit code of this program."""

    def __init__(self, reason: str, code: int = 1) -> None:
        super().__init__(reason)
        self.code = code


def run(*command: str, cwd: Path = ROOT) -> None:
    """Runs a command and prints its output. Raises Failed."""
    print("$", *command, flush=True)
    code = subprocess.run(command, cwd=cwd, check=False).returncode
    if code:
        raise Failed(f"{command[0]} exited with code {code}", code)


def run_and_read(*command: str, cwd: Path = ROOT) -> str:
    """Runs a command, prints its output and returns it. Raises Failed."""
    print("$", *command, flush=True)
    lines = []
    with subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        raise Failed(f"{command[0]} exited with code {process.returncode}", process.returncode)
    return "".join(lines)


def project_files() -> list[Path]:
    """Returns the clone's files, committed or not, except the ignored ones."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    names = {Path(name) for name in listing.split("\0") if name}
    return sorted(name for name in names if (ROOT / name).is_file())


def lint() -> None:
    """Checks style, types, documentation and changelog."""
    run("ruff", "check")
    run("ruff", "format", "--check")
    run("mypy")
    run("shellcheck", ".ci/run", "tools/run", "examples/pipelines/pipeline.sh")
    run(sys.executable, "tools/role_readmes.py", "--check")
    run(sys.executable, "tools/vocabulary.py")
    run("yamllint", "--strict", ".")
    run("env", STARTUP, "ansible-lint")  # it runs Ansible for each playbook and role
    run("antsibull-changelog", "lint")
    run("antsibull-docs", "lint-collection-docs", "--plugin-docs", ".")


def sanity() -> None:
    """Runs ansible-test on a copy, because it refuses a clone outside an ansible_collections folder.

    The copy holds what users get. The files for developers are checked by `lint` and by running them.
    """
    downloads = Path.home() / ".ansible/test/cache"
    downloads.mkdir(parents=True, exist_ok=True)
    for name in GET_PIP_NAMES:
        (downloads / name).write_text(GET_PIP)
    copy = CACHE / "sanity" / COLLECTION
    shutil.rmtree(copy, ignore_errors=True)
    for name in project_files():
        if name.parts[0] not in SHIPPED and str(name) not in BUILD_SETTINGS:
            continue
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    # ansible-test skips the files that git ignores, and .cache is ignored. So the copy is a separate
    # repository.
    run("git", "init", "--quiet", cwd=copy)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    output = run_and_read("ansible-test", "sanity", "--local", "--python", version, cwd=copy)
    silent = [text for text in SILENT_PASSES if text in output]
    if silent:
        raise Failed(f"ansible-test has skipped a check and printed: {', '.join(silent)}")


def pytest(*arguments: str) -> None:
    """Runs tests, and keeps the reasons of those that were skipped for the end of the output."""
    output = run_and_read("pytest", "-rs", *arguments)
    for number, reason in PYTEST_SKIPPED.findall(output):
        not_run[reason] += int(number)


def unit() -> None:
    pytest("--numprocesses=auto", "tests/unit")


def integration() -> None:
    """Runs the integration tests, with two workers for each core, because they wait for a third of the time.

    The files start in the order of tests/integration/conftest.py, not in that of their number of tests.
    """
    workers = f"--numprocesses={2 * (os.cpu_count() or 1)}"
    by_file = ("--dist=loadfile", "--no-loadscope-reorder")
    pytest(workers, *by_file, "--durations=20", "tests/integration")


def chain() -> None:
    """Runs the integration test of the whole chain."""
    pytest("tests/integration/test_chain.py")


def foreign() -> None:
    """Runs third-party clients against the lab."""
    run(sys.executable, "tools/foreign.py")
    pytest("tests/foreign")


def rulebook() -> None:
    """Lints the event sources like the certification does, and runs the rulebooks against the lab."""
    run(sys.executable, "tools/rulebook.py")
    programs = CACHE / "rulebook/bin"
    rules = ("--select=ALL", f"--ignore={','.join(UNCERTIFIED)}", "--target-version=py311")
    run("ruff", "check", "--isolated", "--no-cache", *rules, str(EVENT_SOURCES))
    files = [str(path) for path in sorted((ROOT / EVENT_SOURCES).glob("*.py"))]
    run(str(programs / "darglint"), "--docstring-style=numpy", "--strictness=full", *files)
    run(str(programs / "pylint"), "--disable=R0801,E0401,C0103,R0913,R0902,R0903", *files)
    run("pytest", "tests/rulebook")


def molecule() -> None:
    """Runs the scenarios, after a cleanup of interrupted runs."""
    if any((Path.home() / ".ansible/tmp").glob("molecule.*")):
        run("molecule", "destroy")
        run("molecule", "reset")
    output = run_and_read("env", STARTUP, "molecule", "test", "--all")
    if MOLECULE_SKIPPED.search(output):
        raise Failed("the recap lists actions that were not run")


def docs() -> None:
    run(sys.executable, "tools/docs.py")


def build() -> None:
    """Builds and installs the collection, compares its files with SHIPPED, checks it for Galaxy."""
    archives, target = CACHE / "dist", CACHE / "installed"
    for folder in (archives, target):
        shutil.rmtree(folder, ignore_errors=True)
    run("ansible-galaxy", "collection", "build", "--output-path", str(archives))
    (archive,) = archives.iterdir()
    install = ("ansible-galaxy", "collection", "install", str(archive), "--offline", "--force")
    run(*install, "--collections-path", str(target))
    installed = target / COLLECTION
    arrived = {path.relative_to(installed) for path in installed.rglob("*") if path.is_file()}
    wanted = {name for name in project_files() if any(name.is_relative_to(each) for each in SHIPPED)}
    wanted |= {Path("MANIFEST.json"), Path("FILES.json")}
    for title, names in (("missing", wanted - arrived), ("not for users", arrived - wanted)):
        if names:
            raise Failed(f"{title} in {archive.name}: {', '.join(sorted(map(str, names)))}")
    print(f"{archive.relative_to(ROOT)}: {len(arrived)} files")
    import_into_galaxy(archive)


def import_into_galaxy(archive: Path) -> None:
    """Checks the collection with Galaxy's importer, which exits with 0 even after warnings and errors."""
    programs = ensure("importer", "import.txt")
    path = f"PATH={programs}{os.pathsep}{os.environ['PATH']}"  # the importer runs ansible-doc from PATH
    settings = f"GALAXY_IMPORTER_CONFIG={ROOT / 'tools/galaxy-importer.cfg'}"
    importer = ("python", "-m", "galaxy_importer.main", str(archive))
    output = run_and_read("env", path, settings, *importer, cwd=archive.parent)
    problems = re.findall(r"^(?:WARNING|ERROR): .*", output, re.MULTILINE)
    if problems:
        raise Failed(f"the importer reports: {'; '.join(problems)}")


# Each step with its usual duration in a fresh clone.
STEPS = {
    lint: "about a minute",
    sanity: "four minutes in parallel with another step, half of that alone",
    unit: "three minutes",
    integration: "about 20 minutes",
    chain: "half a minute",
    foreign: "about five minutes",
    rulebook: "about three minutes",
    molecule: "two or three minutes",
    docs: "a minute the first time, half a minute after that",
    build: "a minute the first time, half a minute after that",
}


def main(names: list[str]) -> int:
    """Runs these steps, then prints the duration of each."""
    steps = {step.__name__: step for step in STEPS}
    seconds: dict[str, float] = {}
    verdict, code = "", 0
    for name in names:
        print(f"\n==> {name} ({STEPS[steps[name]]})", flush=True)
        started = time.monotonic()
        try:
            steps[name]()
        except Failed as failure:
            verdict, code = f"{name} FAILED: {failure}", failure.code
        except KeyboardInterrupt:
            verdict, code = f"{name} was interrupted", 130
        seconds[name] = time.monotonic() - started
        if code:
            break
    print()
    for name, duration in seconds.items():
        print(f"{name:<12} {duration:6.1f} s")
    for reason, number in not_run.items():
        print(f"Not run: {number} tests: {reason}")
    print(verdict or f"All passed: {', '.join(names)}, in {sum(seconds.values()):.0f} s", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
