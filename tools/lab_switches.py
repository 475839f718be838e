# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists the switches of the lab's appliances: `tools/run python tools/lab_switches.py`.

Names, values and meanings come from the classes of the lab. The documentation site has the list as a page.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "roles/lab/files"))

from defender_iot_lab.forescout.options import ForescoutOptions
from defender_iot_lab.fortigate.device import FortiGateOptions
from defender_iot_lab.fortisiem.options import FortiSiemOptions
from defender_iot_lab.sensor.appliance import SensorOptions

PRODUCTS = {
    "FortiGate": FortiGateOptions,
    "Sensor": SensorOptions,
    "Forescout platform": ForescoutOptions,
    "FortiSIEM": FortiSiemOptions,
}
ENTRY = re.compile(r"^(\w+(?:, \w+)*): (.*(?:\n    .*)*)", re.MULTILINE)
HEADER = """\
# Lab switches

This page lists the switches of the [lab](docs/lab.md), for the variable `lab_options` of a host. It is made
from the code. The first value is the default. Marks such as (documented), (observed), (assumed) and (unknown)
name the basis of the behaviour that a switch selects.
"""


def page() -> str:
    """Return all switches as a page of Markdown, with one table for each product."""
    return "\n".join([HEADER, *(section(product, options) for product, options in PRODUCTS.items())])


def section(product: str, options: type) -> str:
    """Return the heading and the table of one product."""
    texts = meanings(options)
    rows = [
        f"| {', '.join(f'`{name}`' for name in names)} | {values(options, names[0])} | {text} |"
        for names, text in texts.items()
    ]
    return "\n".join([f"## {product}", "", "| switch | values | meaning |", "|---|---|---|", *rows, ""])


def meanings(options: type) -> dict[tuple[str, ...], str]:
    """Return the meaning of each switch, or of switches that are explained together, by their names."""
    return {
        tuple(names.split(", ")): " ".join(text.split()).replace("|", "\\|")
        for owner in options.__mro__
        for names, text in _entries(owner)
    }


def _entries(owner: type) -> Iterator[tuple[str, str]]:
    yield from ENTRY.findall(inspect.cleandoc(owner.__doc__ or "")) if owner is not object else ()


def values(options: type, name: str) -> str:
    """Return the values of a switch, or its default if it takes any."""
    found: Field[Any] = next(each for each in fields(options) if each.name == name)
    choices = found.metadata.get("choices", (found.default,))
    return ", ".join(f"`{_as_yaml(choice)}`" for choice in choices) + (
        "" if "choices" in found.metadata else " and others"
    )


def _as_yaml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    words = {None: "null", True: "true", False: "false", "": '""'}
    return next((word for known, word in words.items() if value is known or value == known == ""), str(value))


if __name__ == "__main__":
    print(page())
