# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures how fast the page of a report on 1,000 appliances opens: `tools/run python -m tools.bench.page`.

Requires `chromium` on PATH. Opening is the time from the navigation until the page sets its ready mark, and
until the first paint. The work of the page is the CPU time of its main thread until then, so a busy machine
does not increase it. The time of an answer is from a reader's action to the next paint.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser

from ..lab import ROOT

sys.path[:0] = [str(ROOT), str(ROOT / ".cache/tree")]

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._report.page import render  # noqa: E402
from tests.support.browser import opened  # noqa: E402
from tests.support.report_documents import fleet  # noqa: E402

ROUNDS, GOAL = 7, 2000
READY = "performance.getEntriesByName('ready')[0].startTime"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
# The second callback runs after the paint that follows the change.
ANSWER = """async () => {
  const started = performance.now();
  ACT;
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now() - started;
}"""
TYPE = "const field = byId('text'); field.value = '{}'; field.dispatchEvent(new Event('input'))"
ACTS = {
    "first letter of a text": TYPE.format("p"),
    "another letter": TYPE.format("plant-3"),
    "clear": "byId('filters').reset()",
    "all objects": "document.querySelector('[value=all]').click()",
    "next page": "document.querySelector('#pages button:last-child').click()",
    "open a site's graph": "document.querySelector('.site h3 button').click()",
}


def main() -> None:
    report = fleet()
    sizes = ", ".join(f"{len(report[part]):,} {part}" for part in ("appliances", "objects"))
    sizes += f", {sum(report['edge_counts'].values()):,} edges"
    started = time.perf_counter()
    page = render(report)
    rendered = (time.perf_counter() - started) * 1000
    with tempfile.TemporaryDirectory() as folder, opened() as browser:
        file = Path(folder, "report.html")
        file.write_text(page, encoding="utf-8")
        print(
            f"==> {sizes}, {len(page) / 1e6:.1f} MB, {ROUNDS} rounds, load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
        measured: dict[str, list[float]] = defaultdict(list)
        for _round in range(ROUNDS):
            measure(browser, file.as_uri(), measured)
        print(f"\nChromium {browser.version}, {os.cpu_count()} cores\n")
    print(f"{'':24}{'median ms':>12}{'range':>16}")
    print(f"{'render in Python':24}{rendered:>12.0f}")
    for what, each in measured.items():
        print(f"{what:24}{median(each):>12.0f}{f'{min(each):.0f}-{max(each):.0f}':>16}")
    print(f"\nThe goal is a page that opens within {GOAL} ms.")


def measure(browser: Browser, url: str, measured: dict[str, list[float]]) -> None:
    """Open the page in a new browser context and carry out a reader's actions."""
    # The wait for the first paint evaluates a text as code, which the page's own policy forbids.
    context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    page = context.new_page()
    inspector = context.new_cdp_session(page)
    inspector.send("Performance.enable", {"timeDomain": "threadTicks"})
    started = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_selector("html[data-ready]", state="attached")
    measured["opened, wall time"].append((time.perf_counter() - started) * 1000)
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    measured["ready"].append(page.evaluate(READY))
    measured["first paint"].append(page.evaluate(PAINTED))
    metrics = inspector.send("Performance.getMetrics")["metrics"]
    measured["work of the page"].append(
        1000 * sum(each["value"] for each in metrics if each["name"] == "TaskDuration")
    )
    for what, act in ACTS.items():
        measured[what].append(page.evaluate(ANSWER.replace("ACT", act)))
    context.close()


if __name__ == "__main__":
    main()
