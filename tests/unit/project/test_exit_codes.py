# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every playbook ends with a task that fails if the run has done nothing, and that no option can skip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, StrictUndefined
from jinja2.exceptions import UndefinedError

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"
NAMES = sorted(each.stem for each in PLAYBOOKS.glob("*.yml"))
ENDS = {"otsec.defender_iot.selection_check", "otsec.defender_iot.report_outcome"}

WHOLE = {"lab", "draft_endpoints"}
"""All of these playbooks has the tag always, so that tags select nothing of it."""

PART = {"check_decommissioned", "left_behind"}
"""Parts of others, one of them selected by the tag always. They are no playbooks of their own."""

Play = dict[str, Any]


def plays(name: str) -> Iterator[Play]:
    """Yield the plays of a playbook, with those that it imports."""
    for play in yaml.safe_load((PLAYBOOKS / f"{name}.yml").read_text()):
        imported = play.get("ansible.builtin.import_playbook")
        yield from plays(imported.rpartition(".")[2]) if imported else [play]


def tags_in(value: Any) -> Iterator[Any]:
    """Yield the tags of a play and of everything in it."""
    if isinstance(value, dict):
        yield from [value["tags"]] if "tags" in value else []
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from tags_in(each)


def hosts(play: Play, **variables: Any) -> Any:
    """Return the hosts of a play, as Ansible templates them. Raises UndefinedError."""

    def undef(hint: str) -> Any:
        raise UndefinedError(hint)

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    environment.filters["intersect"] = lambda one, other: [each for each in one if each in other]
    environment.globals["undef"] = undef
    return environment.from_string(play["hosts"]).render({"ansible_skip_tags": (), **variables})


@pytest.mark.parametrize("name", sorted({*NAMES} - WHOLE - PART))
def test_the_end_of_a_playbook_sets_the_exit_code(name: str) -> None:
    *before, last = plays(name)
    end = last["tasks"][-1]
    assert ENDS & end.keys()
    assert end["run_once"] is True
    assert "always" in (last.get("tags"), end.get("tags"))
    others = [each for each in before if each["hosts"] != "all"] + [{"tasks": last["tasks"][:-1]}]
    assert list(tags_in(others)) == []


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_tags_select_nothing_of_some_playbooks(name: str) -> None:
    assert [each["tags"] for each in plays(name)] == ["always"]


@pytest.mark.parametrize("name", sorted({*NAMES} - PART))
@pytest.mark.parametrize("skipped", ["always", "tagged"])
def test_the_end_of_a_playbook_cannot_be_skipped(name: str, skipped: str) -> None:
    *_before, last = plays(name)
    assert hosts(last)
    with pytest.raises(UndefinedError, match=r"remove .*--skip-tags"):
        hosts(last, ansible_skip_tags=(skipped,))


@pytest.mark.parametrize("name", sorted({*NAMES} - PART))
def test_a_limit_does_not_leave_out_the_end_of_a_playbook(name: str) -> None:
    *_before, last = plays(name)
    if name in WHOLE:
        with pytest.raises(UndefinedError, match="it works on localhost only"):
            hosts(last, ansible_limit="fgt-north-01")
    else:
        assert hosts(last, ansible_limit="fgt-north-01").startswith("all")
