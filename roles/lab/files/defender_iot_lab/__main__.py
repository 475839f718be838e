# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line of the lab: run, start and stop it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .core.options import ConfigurationError
from .process import ProcessError, run, start, stop


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="defender_iot_lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("run", "run in the foreground"), ("start", "run in the background")):
        command = commands.add_parser(name, help=text)
        command.add_argument(
            "--config", type=Path, required=True, help="file that lists the appliances, YAML or JSON"
        )
        command.add_argument("--directory", type=Path, required=True, help="folder for lab.json")
    command = commands.add_parser("stop", help="stop the lab that runs in the background")
    command.add_argument("--directory", type=Path, required=True, help="folder of lab.json")
    return parser


def main() -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args()
    try:
        match arguments.command:
            case "run":
                run(arguments.config, arguments.directory)
            case "start":
                start(arguments.config, arguments.directory)
            case "stop":
                stop(arguments.directory)
    except (ConfigurationError, ProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
