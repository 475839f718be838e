# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rulebooks, the event sources and the examples have in common."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.tests.support import event_sources
from ansible_collections.otsec.defender_iot.tests.support.workspace import COLLECTION, ROOT

RULEBOOKS = {
    path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / "extensions/eda/rulebooks").glob("*.yml")
}
EXAMPLES = ROOT / "examples/event_driven"
PAGE = (ROOT / "docs/event_driven.md").read_text()


def sources(name: str) -> dict[str, dict[str, Any]]:
    """Return the options of a rulebook's sources, by the name of the source plugin."""
    (ruleset,) = RULEBOOKS[name]
    return {
        plugin: options
        for source in ruleset["sources"]
        for plugin, options in source.items()
        if plugin not in ("name", "filters")
    }


def variables(name: str) -> set[str]:
    """Return the variables that the sources of a rulebook use."""
    return set(re.findall(r"\{\{ (\w+)", str(sources(name))))


def actions(name: str) -> list[dict[str, Any]]:
    (ruleset,) = RULEBOOKS[name]
    return [rule["action"] for rule in ruleset["rules"]]


@pytest.mark.parametrize("name", ["respond", "respond_doorbell"])
def test_the_rulebooks_of_the_command_line_run_the_playbook_without_variables(name: str) -> None:
    assert actions(name) == [{"run_playbook": {"name": f"{COLLECTION}respond"}}] * 2
    assert (ROOT / "playbooks/respond.yml").exists()


@pytest.mark.parametrize("name", ["respond_job", "respond_doorbell_job"])
def test_the_rulebooks_of_the_platform_start_the_template_of_the_example(name: str) -> None:
    for action in actions(name):
        job = action["run_job_template"]
        assert job["include_events"] is False
        templates = yaml.safe_load((ROOT / "examples/awx/controller/templates.yml").read_text())
        assert any(each["name"] in job["name"] for each in templates["controller_templates"])


@pytest.mark.parametrize("name", ["respond", "respond_doorbell"])
def test_both_variants_of_a_rulebook_have_the_same_throttle_and_tick(name: str) -> None:
    (one,), (other,) = RULEBOOKS[name], RULEBOOKS[f"{name}_job"]
    assert [rule.get("throttle") for rule in one["rules"]] == [
        rule.get("throttle") for rule in other["rules"]
    ]
    assert one["sources"][-1] == other["sources"][-1]
    assert one["sources"][0].get("filters") == other["sources"][0].get("filters")


@pytest.mark.parametrize("name", RULEBOOKS)
def test_the_rulebooks_set_existing_options_of_our_event_sources(name: str) -> None:
    for plugin, options in sources(name).items():
        if plugin.startswith(COLLECTION):
            source = event_sources.load(plugin.removeprefix(COLLECTION))
            documented = yaml.safe_load(source["DOCUMENTATION"])["options"]
            assert set(options) <= set(documented) == set(source["OPTIONS"])


@pytest.mark.parametrize("name", ["sensor_alerts", "syslog_doorbell"])
def test_the_examples_of_an_event_source_use_it(name: str) -> None:
    source = event_sources.load(name)
    (ruleset,) = yaml.safe_load(source["EXAMPLES"])
    used = [options for each in ruleset["sources"] for plugin, options in each.items() if plugin != "name"]
    assert all(set(options) <= set(source["OPTIONS"]) for options in used)


def test_the_page_lists_the_variables_of_the_rulebooks() -> None:
    listed = set(
        re.findall(r"`(\w+)`", "".join(line for line in PAGE.splitlines() if line.startswith("| `")))
    )
    for name in ("respond", "respond_doorbell"):
        assert variables(name) <= listed
    given = yaml.safe_load((EXAMPLES / "rulebook.yml").read_text())
    assert set(given) <= variables("respond") | variables("respond_doorbell")


def test_the_systemd_units_are_complete() -> None:
    for path in [*EXAMPLES.glob("*.service"), EXAMPLES / "respond.timer"]:
        unit = configparser.RawConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read(path)
        assert unit["Unit"]["Description"]
        if path.suffix == ".service":
            program = Path(unit["Service"]["ExecStart"].split()[0]).name
            assert program in ("ansible-playbook", "ansible-rulebook")
            assert f"{COLLECTION}respond" in unit["Service"]["ExecStart"]
