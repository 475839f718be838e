# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lint step rejects the old vocabulary in checked files, except in code."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.otsec.defender_iot.tools.vocabulary import BETTER, CHECKED, findings, violations

ROOT = Path(__file__).parents[3]

PLANTED = {
    "Mend the store.": "fix",
    "Delete it by hand.": "manually",
    "Somebody was faster.": "the role: an operator, another administrator, no vendor",
    "Be quick, for it expires.": "because",
    "It runs, be it at night.": "even if, even when",
    "It stands written in Git.": "is in, is documented in, represents",
    "It leads every host to a mock.": "redirect to, connect through",
    "It left with 1.": "exits with, failed with exit code",
    "See which process is at it.": "which process is minting",
    "The token opens nothing any more.": "no longer grants access",
    "Ask what became of it.": "result, planned change",
    "FortiOS brings profiles along.": "built-in, includes",
    "The disk is thrown away.": "temporary, ephemeral",
    "The lab is proven by others.": "third-party clients, validated with",
    "An option goes before the preset.": "overrides",
    "It was not looked at.": "checked",
    "Put the cable in its place again.": "once the appliance is reachable again",
    "Read what is there already.": "existing configuration",
    "What it shall be like.": "desired state",
    "Insist on a token.": "check",
    "Find out the owner.": "determine",
    "Rename an API admin.": "REST API administrator",
    "- name: Say the result": "Report, Check (in the name of a task)",
}
"""A sentence for each rule, with the better words in the finding."""


def test_there_is_a_sentence_for_each_rule() -> None:
    assert list(PLANTED.values()) == list(BETTER.values())


@pytest.mark.parametrize(("sentence", "better"), PLANTED.items())
def test_a_planted_word_is_found_with_the_better_one(sentence: str, better: str) -> None:
    (finding,) = findings(f"# A page\n\n{sentence}\n")
    assert finding.startswith('3: "')
    assert finding.endswith(f'": {better}')


def test_a_line_break_hides_nothing() -> None:
    assert list(findings("Delete it by\nhand.\n")) == ['1: "by hand": manually']


@pytest.mark.parametrize(
    "text",
    [
        "Run `mend` now.\n",
        "```shell\nmend  # by hand\n```\n",
        "This amendment is recommended to everybody.\n",
        "It is understood in part, and leads to a mock.\n",
    ],
)
def test_code_and_other_words_are_left_alone(text: str) -> None:
    assert list(findings(text)) == []


def test_what_follows_code_keeps_its_line() -> None:
    assert list(findings("```text\na\nb\n```\nMend it.\n")) == ['5: "Mend": fix']


@pytest.mark.parametrize(
    "name", ["CONTRIBUTING.md", "docs/report.md", "changelogs/fragments/1.yml", "plugins/filter/a.py"]
)
def test_a_checked_file_with_a_planted_word_fails(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("Fix it.\nMend it.\n")
    assert violations(tmp_path) == [f'{name}:2: "Mend": fix']


def test_every_checked_page_exists() -> None:
    assert [name for name in CHECKED if "*" not in name and not (ROOT / name).is_file()] == []
