# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the documentation site from README, guides and plugins: `tools/run python tools/docs.py`."""

from __future__ import annotations

import shutil
import subprocess
import sys

from environment import ROOT, ensure

SETTINGS = ROOT / "tools" / "site"
FOLDER = ROOT / ".cache" / "docs"
SOURCE = FOLDER / "source"
PAGES = FOLDER / "html"
# In the order in which a newcomer needs them; a guide that is not among them comes last.
GUIDES = (
    "quick_start",
    "fortinet",
    "forescout",
    "secrets",
    "gitops",
    "verification",
    "report",
    "from_sensor_to_map",
    "endpoint_maps",
    "connections",
    "engines",
    "lab",
    "limits",
)


def lay_out() -> None:
    """Make a folder in which the guides lie as they do on GitHub, so that their links are right on both."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    SOURCE.mkdir(parents=True)
    shutil.copytree(ROOT / "docs", SOURCE / "docs")
    shutil.copy2(ROOT / "README.md", SOURCE)
    index = (SETTINGS / "index.md").read_text()
    (SOURCE / "index.md").write_text(index.replace("GUIDES", "\n".join(guides())))


def guides() -> list[str]:
    """Return the guides that there are, in their order."""
    there = {path.stem for path in (ROOT / "docs").glob("*.md")}
    ordered = [name for name in GUIDES if name in there]
    return [f"docs/{name}" for name in (*ordered, *sorted(there - set(ordered)))]


def build() -> int:
    """Write the reference of modules, plugins and roles, and make pages of it all; warnings are errors."""
    reference = SOURCE / "reference"
    reference.mkdir()
    antsibull = ["antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error"]
    subprocess.run([*antsibull, "--dest-dir", str(reference), "otsec.defender_iot"], check=True)
    programs = ensure("docs-venv", "docs.txt")
    strict = ["--quiet", "--nitpicky", "--fail-on-warning", "--keep-going"]
    sphinx = [str(programs / "sphinx-build"), *strict, "--conf-dir", str(SETTINGS)]
    return subprocess.run([*sphinx, str(SOURCE), str(PAGES)], check=False).returncode


if __name__ == "__main__":
    lay_out()
    failed = build()
    if not failed:
        print(f"{PAGES.relative_to(ROOT)}/index.html: {len(list(PAGES.rglob('*.html')))} pages")
    sys.exit(failed)
