# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real browser on the lab's pages: acts like a user and records a HAR file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from .patience import STEP_SECONDS

CHROMIUM = shutil.which("chromium")
MISSING = "Chromium is missing; install it, for example: apt-get install chromium"
# Chromium has no sandbox for root, and containers run as root.
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]


@contextmanager
def opened() -> Iterator[Browser]:
    """Start Chromium in headless mode. Raises FileNotFoundError without it."""
    if not CHROMIUM or not Path(CHROMIUM).exists():
        raise FileNotFoundError(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def recorded(browser: Browser, url: str, har: Path | None = None) -> Iterator[Page]:
    """Open a page in a new context. The HAR file gets every request, with the content of the answers."""
    context = browser.new_context(
        ignore_https_errors=True,
        record_har_path=har,
        record_har_content="embed",
        viewport={"width": 720, "height": 460},
    )
    context.set_default_timeout(STEP_SECONDS * 1000)
    try:
        page = context.new_page()
        page.goto(url)
        yield page
    finally:
        context.close()


def sign_in(page: Page, account: dict[str, str]) -> None:
    """Submit the login form, which is the same on both pages."""
    page.get_by_label("Username").fill(account["username"])
    page.get_by_label("Password").fill(account["password"])
    page.get_by_role("button", name="Sign in").click()


def make_token(page: Page, account: dict[str, str], description: str, pictures: Path | None = None) -> str:
    """Sign in to a sensor, generate a token, open the list, sign out. Return the token."""

    def picture(name: str) -> None:
        if pictures:
            page.screenshot(path=pictures / f"{name}.png")

    picture("sensor_sign_in")
    sign_in(page, account)
    page.get_by_role("button", name="Access tokens").click()
    page.get_by_role("button", name="Generate token").click()
    page.get_by_label("Description").fill(description)
    picture("sensor_generate_token")
    page.get_by_role("button", name="Generate", exact=True).click()
    token = page.locator("#token")
    token.wait_for()
    value = token.inner_text()
    picture("sensor_token_shown_once")
    page.get_by_role("button", name="Finish").click()
    page.get_by_role("cell", name=description, exact=True).wait_for()
    picture("sensor_token_list")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in").wait_for()
    return value


def apply_settings(
    page: Page, account: dict[str, str], server_address: str, access_token: str, pictures: Path | None = None
) -> None:
    """Sign in to a Forescout platform and set the module's two fields."""
    sign_in(page, account)
    page.get_by_label("Server Address").fill(server_address)
    page.get_by_label("Access Token").fill(access_token)
    if pictures:
        page.screenshot(path=pictures / "forescout_module.png")
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("Applied.").wait_for()
