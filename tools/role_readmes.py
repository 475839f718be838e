# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes each role's README.md from its argument_specs.yml. With --check it only reports outdated ones."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).resolve().parent.parent / "roles"

MARKUP = re.compile(r"[A-Z]\(([^)]*)\)")


def readme(name: str, specs: dict[str, dict[str, Any]]) -> str:
    """Return the README of one role: its main entry point, then the others."""
    spec, others = specs["main"], {entry: each for entry, each in specs.items() if entry != "main"}
    path = ROLES / name / "meta/facts.yml"
    facts = yaml.safe_load(path.read_text()) if path.exists() else {}
    parts = [
        f"# Role `otsec.defender_iot.{name}`",
        f"{spec['short_description']}.",
        *paragraphs(spec["description"]),
        "## Example",
        f"```yaml\n{spec['examples'].strip()}\n```",
        "## Variables",
        table(spec["options"]),
        *(part for entry, each in others.items() for part in entry_point(entry, each, spec["options"])),
        *(["## Facts", fact_table(facts)] if facts else []),
        "Generated from `meta/argument_specs.yml`; `tools/role_readmes.py` writes it.",
    ]
    return "\n\n".join(parts) + "\n"


def entry_point(entry: str, spec: dict[str, Any], main_options: dict[str, Any]) -> list[str]:
    """Return the section of an entry point, without a table if it has the variables of the role."""
    title = f"## `tasks_from: {entry}`"
    variables = [] if spec["options"] == main_options else [table(spec["options"])]
    return [title, f"{spec['short_description']}.", *paragraphs(spec["description"]), *variables]


def table(options: dict[str, Any]) -> str:
    return "\n".join(["| variable | type | default | meaning |", "|---|---|---|---|", *rows(options)])


def fact_table(facts: dict[str, str]) -> str:
    """Return a table of the facts that a role sets."""
    lines = [f"| `{name}` | {' '.join(paragraphs(meaning))} |" for name, meaning in facts.items()]
    return "\n".join(["| fact | meaning |", "|---|---|", *lines])


def rows(options: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield a table row for each option and each suboption."""
    for name, option in options.items():
        kind = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
        meaning = " ".join(paragraphs(option["description"]))
        if "choices" in option:
            meaning += " One of " + ", ".join(f"`{choice}`" for choice in option["choices"]) + "."
        yield f"| `{prefix}{name}` | {kind} | {default(option)} | {meaning} |"
        inside = f"{prefix}{name}[]." if option["type"] == "list" else f"{prefix}{name}."
        yield from rows(option.get("options", {}), inside)


def default(option: dict[str, Any]) -> str:
    """Return the table cell of the default."""
    if option.get("required"):
        return "**required**"
    if "default" not in option:
        return ""
    text = option["default"] if isinstance(option["default"], str) else json.dumps(option["default"])
    return f"`{text}`".replace("|", "\\|") if text else "empty"


def paragraphs(description: str | list[str]) -> list[str]:
    """Return a description as Markdown."""
    lines = [description] if isinstance(description, str) else description
    return [MARKUP.sub(r"`\1`", line).replace("|", "\\|") for line in lines]


def main() -> None:
    stale = []
    for path in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        role = path.parent.parent
        page = readme(role.name, yaml.safe_load(path.read_text())["argument_specs"])
        target = role / "README.md"
        if not target.exists() or target.read_text() != page:
            stale.append(str(target.relative_to(ROLES.parent)))
            if "--check" not in sys.argv[1:]:
                target.write_text(page)
    if stale and "--check" in sys.argv[1:]:
        sys.exit(f"{', '.join(stale)}: out of date; run tools/role_readmes.py")


if __name__ == "__main__":
    main()
