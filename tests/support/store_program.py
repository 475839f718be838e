# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program for the store `command`, like one of an operator: one JSON file for each location.

    store_program.py FOLDER [HABIT]

It records each verb in FOLDER/calls. Its habits: `versions` counts versions and compares before it sets.
`forgets` reports success and keeps its content.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main(folder: Path, habit: str = "") -> None:
    request = json.load(sys.stdin)
    with (folder / "calls").open("a") as calls:
        calls.write(request["verb"] + "\n")
    file = folder / (request["location"].replace("/", "-") + ".json")
    stored = json.loads(file.read_text()) if file.exists() else {"record": None, "version": None}
    print(json.dumps(answer(request, file, stored, habit)))


def answer(request: dict[str, Any], file: Path, stored: dict[str, Any], habit: str) -> dict[str, Any]:
    if request["verb"] == "read":
        return stored
    if habit == "versions" and request["expected"] != stored["version"]:
        print(json.dumps({"error": f"it is at version {stored['version']}"}))
        sys.exit(75)
    if request["verb"] == "delete":
        file.unlink()
        return {}
    version = str(int(stored["version"] or 0) + 1) if habit == "versions" else None
    if habit != "forgets":
        file.write_text(json.dumps({"record": request["record"], "version": version}))
    return {"version": version}


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
