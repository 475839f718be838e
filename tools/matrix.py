# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs checks on pairs of ansible-core and Python: `tools/run python tools/matrix.py [CORE/PYTHON...]`.

Without arguments such as 2.18/3.11 it runs all pairs that this machine and the package index offer.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from check import CACHE, ROOT, project_files

CORES = ("2.18", "2.19", "2.20", "2.21")
PYTHONS = ("3.11", "3.12", "3.13")
STEPS = ("sanity", "unit", "chain")
FOLDER = CACHE / "matrix"
# tools/run has removed pyenv from PATH and changed HOME.
USER_HOME = Path(pwd.getpwuid(os.getuid()).pw_dir)
PATH_OF_USER = os.pathsep.join(
    entry for entry in os.environ["PATH"].split(os.pathsep) if entry != str(Path(sys.executable).parent)
)


def find_python(version: str) -> str | None:
    """Return an interpreter with venv, from PATH, pyenv or uv, None if there is none."""
    return next((path for path in _interpreters(version) if _has_venv(path)), None)


def _interpreters(version: str) -> Iterator[str]:
    name = f"python{version}"
    on_path = shutil.which(name, path=PATH_OF_USER)
    if on_path:
        yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT", USER_HOME / ".pyenv"))
    for folder in (pyenv / "versions", USER_HOME / ".local/share/uv/python"):
        yield from map(str, folder.glob(f"*/bin/{name}"))


def _has_venv(path: str) -> bool:
    command = [path, "-c", "import ensurepip, venv"]
    return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0


def newest_cores(python: str) -> dict[str, str]:
    """Return the newest release of each ansible-core version that the package index offers for a Python."""
    index = ("index", "versions", "ansible-core", f"--python-version={python}", "--only-binary=:all:")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *index]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    (versions,) = re.findall(r"^Available versions: (.*)", listing, re.MULTILINE)
    newest: dict[str, str] = {}
    for version in versions.split(", "):
        newest.setdefault(version.rpartition(".")[0], version)
    return newest


def clone(core: str, python: str) -> Path:
    """Copy the project, so that each pair has its own environment and caches."""
    copy = FOLDER / f"{core}-{python}"
    copy.mkdir(parents=True, exist_ok=True)
    for entry in copy.iterdir():
        if entry.name == ".cache":
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    for name in project_files():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    subprocess.run(["git", "init", "--quiet"], cwd=copy, check=True)
    return copy


def pin(copy: Path, core: str) -> None:
    """Pin the release of ansible-core in a copy."""
    requirements = copy / "requirements/dev.txt"
    lines = [line for line in requirements.read_text().splitlines() if not line.startswith("ansible-core=")]
    requirements.write_text("\n".join([*lines, f"ansible-core=={core}", ""]))


def try_pair(core: str, python: str, interpreter: str) -> str:
    """Run the steps on one pair and return the result as text."""
    print(f"==> ansible-core {core}, Python {python}", flush=True)
    started = time.monotonic()
    copy = clone(core, python)
    pin(copy, core)
    log = FOLDER / f"{core}-{python}.log"
    downloads = str(FOLDER / "pip")
    environment = {**os.environ, "PATH": PATH_OF_USER, "PYTHON": interpreter, "PIP_CACHE_DIR": downloads}
    command = ["tools/run", "python", "tools/check.py", *STEPS]
    with log.open("w") as output:
        done = subprocess.run(
            command, cwd=copy, env=environment, check=False, stdout=output, stderr=subprocess.STDOUT
        )
    last = log.read_text().rstrip().rpartition("\n")[2]
    failure = f"FAILED: {last} (see {log.relative_to(ROOT)})"
    result = failure if done.returncode else f"passed in {time.monotonic() - started:.0f} s"
    print(f"    {result}", flush=True)
    return result


def outcomes(only: list[str]) -> Iterator[tuple[str, str, str]]:
    """Try all pairs, or only these. Yield ansible-core, Python and the result of each."""
    for python in PYTHONS:
        interpreter = find_python(python)
        cores = newest_cores(python) if interpreter else {}
        for line in (each for each in CORES if not only or f"{each}/{python}" in only):
            if interpreter is None:
                yield line, python, "not found: this machine has no such Python with venv"
            elif line not in cores:
                yield line, python, "not found: the package index has no such ansible-core for this Python"
            else:
                yield cores[line], python, try_pair(cores[line], python, interpreter)


def main(only: list[str]) -> int:
    """Print a table of the results. Return 0 if at least one pair passed and none failed, else 1."""
    table = list(outcomes(only))
    print()
    for core, python, result in table:
        print(f"ansible-core {core:<8} Python {python}  {result}")
    results = [result.partition(" ")[0] for _core, _python, result in table]
    return 0 if "passed" in results and "FAILED:" not in results else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
