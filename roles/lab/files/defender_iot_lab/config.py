# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of a lab."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .core.options import ConfigurationError

KINDS = ("fortigate", "sensor", "forescout", "fortisiem")
ADDRESS = re.compile(r"[A-Za-z0-9:]([A-Za-z0-9_.:-]*[A-Za-z0-9])?")
CERTIFICATES = ("valid", "expired", "wrong_name", "untrusted", "self_signed")


@dataclass(frozen=True)
class ApplianceConfig:
    """One appliance. Other appliances know it by its address; the lab does not listen there."""

    name: str
    kind: str
    address: str
    certificate: str = "valid"
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigurationError(f"{self.name}: kind is {self.kind!r}; set one of {', '.join(KINDS)}")
        if self.certificate not in CERTIFICATES:
            raise ConfigurationError(
                f"{self.name}: certificate is {self.certificate!r}; set one of {', '.join(CERTIFICATES)}"
            )
        if not ADDRESS.fullmatch(self.address):
            raise ConfigurationError(
                f"{self.name}: address is {self.address!r}; set an IP address or a host name"
            )


@dataclass(frozen=True)
class LabConfig:
    """The appliances of a lab and the seed of its secrets."""

    appliances: tuple[ApplianceConfig, ...]
    seed: int = 1

    def __post_init__(self) -> None:
        for key in ("name", "address"):
            values = [getattr(appliance, key) for appliance in self.appliances]
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ConfigurationError(
                    f"{', '.join(twice)}: more than one appliance has this {key}; set another one"
                )


def load(path: Path) -> LabConfig:
    """Read a configuration file, YAML or JSON. Raises ConfigurationError."""
    if path.exists() and not path.is_file():
        raise ConfigurationError(f"{path} is not a regular file; use one")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        appliances = tuple(ApplianceConfig(**appliance) for appliance in content.pop("appliances"))
        return LabConfig(appliances, **content)
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path}: {error}; fix the configuration file") from error
