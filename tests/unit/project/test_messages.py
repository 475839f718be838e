# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every error message says why the task failed and what to do."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.otsec.defender_iot.tools.messages import Message, cell, messages, page

MESSAGES = messages()
SOURCE = """
LIMIT = "the limit"
PAIRS = {1: ("it is full", "remove an entry")}

class Own(Refused): ...

class Fault(Exception):
    def __init__(self, where, why, remedy): ...

def failure(answer, why, remedy="call someone"):
    raise Own(why, remedy, status=answer.status)

def cause() -> Reason:
    return "it is late", "wait"

def use(answer):
    why = f"{answer.name} is old"
    failure(answer, why)
    raise Fault("here", "it is odd", "correct it")
    raise Refused(*cause())
    raise Refused(answer.why, answer.remedy)
    failure(answer, f"{answer.name} is over " + LIMIT, remedy="raise it")
    raise TaskError(*PAIRS[1])
    raise Refused("no")
    raise ValueError("not a message", "not its remedy")
"""


def test_messages_are_found_however_they_are_created(tmp_path: Path) -> None:
    (tmp_path / "errors.py").write_text("class TaskError(Exception): ...\nclass Refused(TaskError): ...\n")
    (tmp_path / "product.py").write_text(SOURCE)
    assert messages(tmp_path) == [
        Message("product.py", "Fault", "it is odd", "correct it"),
        Message("product.py", "PAIRS", "it is full", "remove an entry"),
        Message("product.py", "Refused", "no", ""),
        Message("product.py", "cause", "it is late", "wait"),
        Message("product.py", "failure", "{answer.name} is old", "call someone"),
        Message("product.py", "failure", "{answer.name} is over the limit", "raise it"),
    ]


def test_a_cell_is_one_line_of_code() -> None:
    assert cell("a |\n  b") == "`a \\| b`"
    assert cell("run `x`") == "`` run `x` ``"


def test_the_page_lists_every_message() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    assert len(rows) == len(MESSAGES)


def test_every_message_says_why_and_what_to_do() -> None:
    incomplete = [each for each in MESSAGES if not each.remedy or "; " in each.why]
    punctuated = [each for each in MESSAGES if each.why.endswith((".", ":")) or each.remedy.endswith(".")]
    assert (incomplete, punctuated) == ([], [])
