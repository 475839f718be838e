# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the recordings for the tests and the pictures of the documentation, with a real Chromium.

Run `tools/run python tools/record.py` after every change of the lab's pages. Requires `chromium` on PATH.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from plugins.plugin_utils._report.page import render  # noqa: E402
from tests.support import report_documents  # noqa: E402
from tests.support.browser import opened  # noqa: E402
from tests.support.lab import running_lab  # noqa: E402
from tests.support.recording import KEPT, appliances, record  # noqa: E402


def main() -> None:
    """Records on a separate lab."""
    KEPT.mkdir(parents=True, exist_ok=True)
    pictures = ROOT / "docs" / "images"
    pictures.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running_lab(Path(folder), appliances()) as lab:
        record(lab, KEPT, pictures)
    picture_of_a_report(pictures / "report.png")
    for path in sorted([*KEPT.iterdir(), *pictures.iterdir()]):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


def picture_of_a_report(file: Path) -> None:
    """Takes a picture of a report with one object opened."""
    with tempfile.TemporaryDirectory() as folder, opened() as browser:
        source = Path(folder, "report.html")
        source.write_text(render(report_documents.small()), encoding="utf-8")
        page = browser.new_page(viewport={"width": 1100, "height": 1000}, device_scale_factor=0.65)
        page.clock.set_fixed_time("2026-11-22T10:27:00Z")
        page.goto(source.as_uri())
        page.get_by_role("button", name="defender-iot", exact=True).click()
        page.screenshot(path=file, full_page=True)


if __name__ == "__main__":
    main()
