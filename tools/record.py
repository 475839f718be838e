# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the recordings that tests replay, and the pictures of the documentation, with a real Chromium.

`tools/run python tools/record.py`, after every change of the lab's pages. Needs `chromium` on PATH.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.lab import running_lab  # noqa: E402
from tests.support.recording import KEPT, appliances, record  # noqa: E402


def main() -> None:
    """Records on a lab of its own."""
    KEPT.mkdir(parents=True, exist_ok=True)
    pictures = ROOT / "docs" / "images"
    pictures.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running_lab(Path(folder), appliances()) as lab:
        record(lab, KEPT, pictures)
    for path in sorted([*KEPT.iterdir(), *pictures.iterdir()]):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
