# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rejects unclear words and names better ones: `tools/run python tools/vocabulary.py`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CHECKED = (
    "CONTRIBUTING.md",
    "README.md",
    "changelogs/fragments/*.yml",
    "docs/*.md",
    "examples/**/*.yml",
    "extensions/**/*.yml",
    "playbooks/**/*.yml",
    "plugins/**/*.py",
    "plugins/**/*.yml",
    "roles/**/*.html",
    "roles/**/*.j2",
    "roles/**/*.md",
    "roles/**/*.py",
    "roles/**/*.yml",
    "tests/**/*.py",
    "tools/**/*.py",
)
# They name the old words.
EXEMPT = ("tools/vocabulary.py", "tests/unit/project/test_vocabulary.py")

# Regular expressions. A space also matches a line break. Case is ignored.
BETTER = {
    r"mend(s|ed|ing)?": "fix",
    r"by hand": "manually",
    r"(some|no|any)body": "the role: an operator, another administrator, no vendor",
    r", for (it|they|we|there|nothing|no|from)": "because",
    r"be it|whatever it be": "even if, even when",
    r"(stands?|stood|standing)( written)? (in|for)": "is in, is documented in, represents",
    r"(leads?|led|leading) (?!to )(\S+ ){1,3}to": "redirect to, connect through",
    r"(leaves?|left) with": "exits with, failed with exit code",
    r"(which|what) process is at (it|work)": "which process is minting",
    r"opens? nothing": "no longer grants access",
    r"what (has |is to )?bec[ao]mes? of|what is to become": "result, planned change",
    r"(brings?|brought|bringing) (\S+ )?along": "built-in, includes",
    r"thr(ow|ows|own|ew) (\S+ )?away|throw-away|throwaway": "temporary, ephemeral",
    r"(clients|those) of others|proven by": "third-party clients, validated with",
    r"goes before": "overrides",
    r"(appliances?|is|are|was|were|been) (not )?looked at": "checked",
    r"in its place again": "once the appliance is reachable again",
    r"what is there( already)?": "existing configuration",
    r"(shall|ought to) be like": "desired state",
    r"insist(s|ed)? on": "check",
    r"(find|finds|found) out": "determine",
    r"API admins?": "REST API administrator",
    r"name: (say|tell|see whether|look whether)": "Report, Check (in the name of a task)",
}
RULES = [(re.compile(rf"\b(?:{old})\b".replace(" ", r"\s+"), re.I), new) for old, new in BETTER.items()]

FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`[^`\n]+`")


def prose(text: str) -> str:
    """Return a text with its code masked and its line numbers unchanged."""
    text = FENCED.sub(lambda block: "\n" * block[0].count("\n"), text)
    return INLINE.sub(lambda code: "`" * len(code[0]), text)


def findings(text: str) -> Iterator[str]:
    """Yield "LINE: FOUND WORDS: BETTER WORDS" for each match, rule by rule."""
    masked = prose(text)
    for pattern, better in RULES:
        for found in pattern.finditer(masked):
            line = masked.count("\n", 0, found.start()) + 1
            yield f'{line}: "{" ".join(found[0].split())}": {better}'


def violations(root: Path) -> list[str]:
    """Return the findings in the checked files of a clone, each with its file name."""
    exempt = {root / name for name in EXEMPT}
    paths = [path for name in CHECKED for path in sorted(root.glob(name)) if path not in exempt]
    return [f"{path.relative_to(root)}:{each}" for path in paths for each in findings(path.read_text())]


if __name__ == "__main__":
    found = violations(ROOT)
    print("\n".join(found) or "The vocabulary is clean")
    sys.exit(bool(found))
