# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links in the Markdown files work, and the README meets the rules for certified content."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("roles/*/README.md")])
README = (ROOT / "README.md").read_text()
REPOSITORY = yaml.safe_load((ROOT / "galaxy.yml").read_text())["repository"]
OWN = re.compile(rf"{re.escape(REPOSITORY)}/(?:blob|tree)/main/(.*)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^( *)```(yaml|json)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)", re.MULTILINE)

# The sections of Red Hat's template for the README of a certified collection.
SECTIONS = (
    "Description",
    "Requirements",
    "Installation",
    "Use cases",
    "Testing",
    "Support",
    "Release notes",
    "Related information",
    "License information",
)


def prose(text: str) -> str:
    """Return Markdown without its code."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))


def anchors(page: Path) -> set[str]:
    """Return GitHub's anchors of a page's headings."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in HEADING.findall(text)}


def missing(page: Path, link: str) -> str | None:
    """Return why a link within this repository is broken, None if it works or points elsewhere."""
    own = OWN.fullmatch(link)
    if "://" in link and not own:
        return None
    path, _hash, anchor = (own[1] if own else link).partition("#")
    target = (ROOT if own else page.parent) / path if path else page
    if not target.exists():
        return f"{link}: there is no such file"
    if anchor and anchor not in anchors(target):
        return f"{link}: there is no such heading"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_repository_works(page: Path) -> None:
    assert [why for link in LINK.findall(prose(page.read_text())) if (why := missing(page, link))] == []


def unreadable(text: str) -> list[str]:
    """Return the errors of the examples in YAML and JSON, and table rows that no table has."""
    errors = []
    for indent, _language, block in BLOCK.findall(text):
        try:
            list(yaml.safe_load_all(re.sub(rf"^{indent}", "", block, flags=re.MULTILINE)))
        except yaml.YAMLError as error:
            errors.append(f"{block}: {error}")
    lines = ["", *prose(text).splitlines(), ""]
    for before, line, after in zip(lines, lines[1:], lines[2:], strict=False):
        if line.startswith("|") and not before.startswith("|") and not re.match(r"\|[ :]*--", after):
            errors.append(line)
    return errors


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_example_and_table_can_be_read(page: Path) -> None:
    assert unreadable(page.read_text()) == []


@pytest.mark.parametrize(
    "text", ["  ```yaml\n     a:\n    - b\n  ```\n", "```json\n{\n```\n", "| a |\n|---|\n| b |\n\n| c |\n"]
)
def test_an_unreadable_example_would_be_noticed(text: str) -> None:
    assert unreadable(text)


@pytest.mark.parametrize(
    "link", ["nowhere.md", "#nowhere", "lab.md#nowhere", f"{REPOSITORY}/blob/main/no.md"]
)
def test_a_broken_link_would_be_noticed(link: str) -> None:
    assert missing(ROOT / "docs/secrets.md", link)


@pytest.mark.parametrize("link", ["lab.md", "#the-stores", "secrets.md#the-stores", "https://example.com/no"])
def test_a_working_link_is_accepted(link: str) -> None:
    assert missing(ROOT / "docs/secrets.md", link) is None


def test_the_readme_has_the_sections_that_certified_content_has() -> None:
    assert [name for name in SECTIONS if f"## {name}" not in README.splitlines()] == []


def test_the_readme_has_only_absolute_links_because_galaxy_shows_it_too() -> None:
    assert [link for link in LINK.findall(prose(README)) if not link.startswith("https://")] == []


def test_the_readme_neither_installs_ansible_nor_names_its_version() -> None:
    assert re.findall(r"pip3? install (?!-r)\S*ansible\S*", README) == []
    assert re.findall(r"ansible(?:-core)?[ =><~]+\d", README) == []


def test_the_requirements_have_lower_bounds_alone_and_no_ansible() -> None:
    wanted = re.findall(r"^[^#\s].*", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert wanted
    assert [line for line in wanted if not re.fullmatch(r"(?!ansible)[\w.-]+(>=[\d.]+)?", line)] == []
