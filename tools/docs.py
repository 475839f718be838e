# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the documentation site from README, guides and plugins: `tools/run python tools/docs.py`."""

from __future__ import annotations

import shutil
import subprocess
import sys

import lab_switches
import messages
from environment import ROOT, ensure

SETTINGS = ROOT / "tools" / "site"
FOLDER = ROOT / ".cache" / "docs"
SOURCE = FOLDER / "source"
PAGES = FOLDER / "html"


def lay_out() -> None:
    """Copy the guides to the same relative paths as on GitHub, so that their links work in both places.

    The README is the first page. Sphinx rejects a guide that is not in the navigation.
    """
    shutil.rmtree(FOLDER, ignore_errors=True)
    SOURCE.mkdir(parents=True)
    shutil.copytree(ROOT / "docs", SOURCE / "docs")
    navigation = (SETTINGS / "navigation.md").read_text()
    (SOURCE / "index.md").write_text((ROOT / "README.md").read_text() + navigation)
    (SOURCE / "messages.md").write_text(messages.page())
    (SOURCE / "lab_switches.md").write_text(lab_switches.page())


def build() -> int:
    """Write the reference of modules, plugins and roles and build all pages. Warnings are errors."""
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
