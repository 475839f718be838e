# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the report in a real Chromium, used like by a reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._report.page import render
from ansible_collections.otsec.defender_iot.tests.support import report_documents as reports
from ansible_collections.otsec.defender_iot.tests.support.browser import CHROMIUM, MISSING, opened

pytestmark = pytest.mark.skipif(not CHROMIUM, reason=MISSING)

DESK, PHONE = (1280, 900), (360, 740)
Open = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    with opened() as browser:
        yield browser


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page of each report."""
    folder = tmp_path_factory.mktemp("pages")
    for make in (reports.small, reports.clean, reports.manual, reports.hostile, reports.fleet):
        (folder / f"{make.__name__}.html").write_text(render(make()), encoding="utf-8")
    return folder


@pytest.fixture
def page(browser: Browser, files: Path) -> Open:
    """Return a function that opens a page. At the end, check that it caused no error and no request."""

    @contextmanager
    def open_page(
        name: str, address: str = "", size: tuple[int, int] = DESK, **traits: Any
    ) -> Iterator[Page]:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **traits)
        page, said, asked = context.new_page(), [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        url = f"file://{files / name}.html"
        page.goto(f"{url}#{address}")
        if traits.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready]", state="attached")
        yield page
        context.close()
        assert said == []
        assert {each.partition("#")[0] for each in asked} <= {url, "data:,"}

    return open_page


def rows(page: Page) -> list[str]:
    """Return action, appliance and name of the visible objects."""
    read = """rows => rows.map(row => [".action > span > :last-child", ".appliance", ".object"]
      .map(part => row.querySelector(part).textContent).join(" "))"""
    return page.locator("#objects .list > tbody > tr:not(.detail)").evaluate_all(read)


def address(page: Page) -> str:
    """Return the fragment of the page's address."""
    return page.evaluate("location.hash.slice(1)")


ATTENTION = [
    "Update fgt-north-01 defender-iot",
    "Create fgt-north-02 defender-iot-sensors",
    "Rotate sensor-north-02 forescout-01",
    "Mint fgt-north-02 defender-iot-sensors",
    "Unknown fgt-south-01 fgt-south-01",
]


def test_the_page_begins_with_what_needs_attention(page: Open) -> None:
    with page("small") as shown:
        assert shown.get_by_role("heading", level=1).inner_text() == "Unknown"
        assert rows(shown) == ATTENTION
        assert shown.locator("#unchecked li").count() == 1
        expect(shown.locator("#unchecked li")).to_contain_text("no answer to GET https://192.0.2.77:443")
        expect(shown.locator("#where")).to_contain_text("2 of 3 sites")
        assert address(shown) == ""


def test_a_clean_report_says_so_and_shows_its_objects_when_asked(page: Open) -> None:
    with page("clean") as shown:
        assert shown.get_by_role("heading", level=1).inner_text() == "Clean"
        assert rows(shown) == []
        expect(shown.locator("#unchecked")).to_be_hidden()
        shown.get_by_role("button", name="Show them").click()
        assert len(rows(shown)) == 16


def test_what_is_not_provable_is_grey_and_needs_no_attention(page: Open) -> None:
    with page("manual") as shown:
        assert rows(shown) == []
        expect(shown.locator(".nothing")).to_contain_text(
            "15 objects are as declared, 1 object is not provable."
        )
        expect(shown.locator("#legend li")).to_have_text(["\u2013 no verdict 8"])
        assert shown.locator(".unknown:visible").count() == 0
        neutral = shown.evaluate("getComputedStyle(document.body).getPropertyValue('--neutral')")
        tones = "edges => edges.map(edge => getComputedStyle(edge).getPropertyValue('--tone'))"
        assert set(shown.locator(".edge").evaluate_all(tones)) == {neutral}
        shown.locator(".tile", has_text="Not provable").click()
        assert rows(shown) == ["Not provable forescout-01 Microsoft Defender for IoT"]


def test_the_filter_by_site_leaves_that_site_in_every_part(page: Open) -> None:
    with page("small") as shown:
        shown.locator("#site").select_option("south")
        assert rows(shown) == ["Unknown fgt-south-01 fgt-south-01"]
        assert shown.locator(".site .title").all_inner_texts() == ["south"]
        shown.locator("#site").select_option("north")
        assert rows(shown) == ATTENTION[:4]
        expect(shown.locator("#unchecked")).to_be_hidden()
        shown.locator("#site").select_option("no site")
        assert address(shown) == "site="
        assert rows(shown) == []
        shown.locator("#where").get_by_role("button", name="south").click()
        assert rows(shown) == ["Unknown fgt-south-01 fgt-south-01"]


def test_the_filter_by_kind_takes_kinds_of_objects_and_of_appliances(page: Open) -> None:
    with page("small") as shown:
        shown.get_by_label("Kind").select_option("key")
        assert rows(shown) == ["Mint fgt-north-02 defender-iot-sensors"]
        shown.get_by_label("Kind").select_option("sensors")
        assert rows(shown) == ["Rotate sensor-north-02 forescout-01"]
        expect(shown.locator("#unchecked")).to_be_hidden()
        shown.get_by_label("Kind").select_option("Forescouts")
        edges = shown.locator(".edge[role=option]").all()
        assert {"forescout-01" in (edge.get_attribute("aria-label") or "") for edge in edges} == {True}


@pytest.mark.parametrize(
    ("action", "found"),
    [
        ("Update", 1),
        ("Create", 1),
        ("Rotate", 1),
        ("Mint", 1),
        ("Unknown", 1),
        ("As declared", 9),
        ("All", 14),
    ],
)
def test_the_filter_by_action_shows_as_many_as_it_says(page: Open, action: str, found: int) -> None:
    with page("small") as shown:
        tile = shown.locator(".tile", has_text=action)
        assert tile.locator("b").inner_text() == str(found)
        tile.click()
        assert len(rows(shown)) == found
        assert action == "All" or {row.startswith(action) for row in rows(shown)} == {True}


def test_the_filter_by_text_finds_fields_and_values_too(page: Open) -> None:
    with page("small") as shown:
        text = shown.get_by_label("Text")
        text.fill("TRUSTED_hosts")
        assert rows(shown) == ["Create fgt-north-02 defender-iot-sensors"]
        text.fill("before")  # The word is in the file's format, not in an object.
        assert rows(shown) == []
        shown.get_by_role("button", name="Clear filters").click()
        assert rows(shown) == ATTENTION
        assert text.input_value() == ""


def test_a_link_brings_the_filters_along(page: Open) -> None:
    with page("small", "site=north&kind=fortigate&action=create&text=hosts") as shown:
        assert rows(shown) == ["Create fgt-north-02 defender-iot-sensors"]
        assert shown.locator("#site").locator("option:checked").inner_text() == "north"
        assert shown.get_by_label("Kind").locator("option:checked").inner_text() == "FortiGates"
        assert shown.get_by_label("Text").input_value() == "hosts"
        assert shown.locator(".tile", has_text="Create").locator("input").is_checked()
        shown.evaluate("location.hash = 'action=mint&site=of-another-report'")
        expect(shown.locator("#objects .list .action")).to_have_text("◆Mint")
        shown.get_by_role("button", name="Clear", exact=True).click()
        assert address(shown) == ""


def test_an_object_opens_to_its_fields_before_and_after(page: Open) -> None:
    with page("small") as shown:
        toggle = shown.get_by_role("button", name="defender-iot", exact=True)
        assert toggle.get_attribute("aria-expanded") == "false"
        toggle.press("Enter")
        assert toggle.get_attribute("aria-expanded") == "true"
        fields = shown.locator(".detail tbody tr").all_inner_texts()
        assert [each.split("\t") for each in fields] == [
            ["permissions.firewall", "none", "read_write"],
            ["permissions.system", "read_write", "none"],
            ["comment", "empty", "Defender for IoT"],
        ]
        toggle.press("Enter")
        assert shown.locator(".detail").count() == 0


def test_an_edge_says_its_state_by_word_and_line_and_its_evidence_when_focused(page: Open) -> None:
    with page("small") as shown:
        edges = {edge.get_attribute("aria-label"): edge for edge in shown.locator(".edge[role=option]").all()}
        silent = edges["forescout-01 to sensor-north-02: never called"]
        works = edges["forescout-01 to sensor-north-01: working"]
        assert silent.locator("text").inner_html() == "! never called"
        styles = {
            edge.locator(".line").evaluate("line => getComputedStyle(line).strokeDasharray")
            for edge in (silent, works, edges["sensor-north-02 to fgt-north-03: not provable"])
        }
        assert len(styles) == 3
        silent.focus()
        expect(shown.locator("#details")).to_contain_text("Used is N/A")
        works.locator("text").hover()
        expect(shown.locator("#details")).to_contain_text("2026-11-22T09:00:00Z")
        shown.keyboard.press("Escape")
        expect(shown.locator("#details")).to_be_hidden()


def test_the_graph_is_used_by_the_keyboard_alone(page: Open) -> None:
    with page("small") as shown:
        shown.locator(".scroll").first.focus()
        shown.keyboard.press("Tab")
        focused = "document.activeElement.getAttribute('aria-label')"
        assert shown.evaluate(focused) == "fgt-north-01: 1 object differs"
        shown.keyboard.press("ArrowDown")
        assert shown.evaluate(focused) == "sensor-north-01 to fgt-north-01: drift"
        shown.keyboard.press("End")
        assert shown.evaluate(focused) == "forescout-01: as declared"
        shown.keyboard.press("Home")
        shown.keyboard.press("Enter")
        assert shown.locator("[aria-selected=true]").count() == 1
        shown.get_by_role("button", name="Show its objects").press("Enter")
        assert address(shown) == "action=all&text=fgt-north-01"
        assert len(rows(shown)) == 3


def test_every_control_is_reached_by_tab(page: Open) -> None:
    with page("small") as shown:
        reached = set()
        for _step in range(60):
            shown.keyboard.press("Tab")
            reached.add(
                shown.evaluate("document.activeElement.id || document.activeElement.getAttribute('class')")
            )
        assert {"skip", "site", "kind", "text", "disclose", "unseen", "scroll"} <= reached
        assert shown.locator(".scroll").count() == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("name", ["small", "clean", "manual", "hostile"])
def test_everybody_can_use_the_page(page: Open, name: str, size: tuple[int, int], scheme: str) -> None:
    with page(name, "action=all", size, color_scheme=scheme, reduced_motion="reduce") as shown:
        for toggle in shown.locator(".disclose").all()[:3]:
            toggle.click()
        shown.locator(".node").first.focus()
        expect(shown.locator("#details")).to_be_visible()
        found = Axe().run(shown)
        assert found.violations_count == 0, found.generate_report()
        assert any(rule["id"] == "color-contrast" for rule in found.response["passes"])


def test_light_and_dark_are_two_pictures(page: Open) -> None:
    colours = set()
    for scheme in ("light", "dark"):
        with page("small", color_scheme=scheme) as shown:
            colours.add(shown.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(colours) == 2


@pytest.mark.parametrize("name", ["small", "clean", "hostile", "fleet"])
def test_a_phone_never_scrolls_sideways(page: Open, name: str) -> None:
    with page(name, "action=all", PHONE) as shown:
        shown.locator(".disclose").first.click()
        assert shown.evaluate("document.documentElement.scrollWidth") == PHONE[0]


def test_a_phone_shows_that_a_graph_goes_on_and_has_its_integrations_in_words(page: Open) -> None:
    with page("small", size=PHONE) as shown:
        graph, frame = shown.locator(".graph").first, shown.locator(".scroll").first
        fade = "frame => getComputedStyle(frame).maskImage"
        expect(graph.locator(".further")).to_have_text(
            "The graph is wider than the screen: scroll it sideways \N{RIGHTWARDS ARROW}"
        )
        assert frame.evaluate(fade).startswith("linear-gradient")
        frame.evaluate("frame => { frame.scrollLeft = frame.scrollWidth; }")
        expect(graph).not_to_have_class("graph goes-on")
        assert frame.evaluate(fade) == "none"
        words = graph.locator(".words li").all_inner_texts()
        edges = graph.locator(".edge[role=option]").count()
        assert len(words) == edges > 1
        assert words[0].split("\n")[:2] == ["\N{NOT EQUAL TO}", "drift"]
        assert "sensor-north-01 \N{RIGHTWARDS ARROW} fgt-north-01" in words[0]


def test_a_desk_shows_the_whole_graph_and_no_list(page: Open) -> None:
    with page("small") as shown:
        expect(shown.locator(".further").first).to_be_hidden()
        assert shown.locator(".goes-on, .words").count() == 0


def test_hostile_names_are_shown_and_do_nothing(page: Open) -> None:
    with page("hostile", "action=all") as shown:
        assert shown.evaluate("window.broken") is None
        assert shown.locator("img").count() == 0
        names = shown.locator("#objects .appliance").all_text_contents()
        for kind in ("image", "script", "comment", "quote", "arabic", "long", "prototype"):
            assert reports.HOSTILE[kind] in names
        assert "[U+202E]gpj.etagitrof" in names
        assert "fgt[U+200B]-[U+2066]north[U+2069][U+00AD]01" in names
        for edge in shown.locator("[role=option]").all():
            edge.focus()
        assert shown.evaluate("window.broken") is None
    with page("hostile", f"site={quote(reports.HOSTILE['script'])}&action=update") as shown:
        assert rows(shown)[0].startswith(f"Update {reports.HOSTILE['script']}")
        assert shown.evaluate("window.broken") is None


def test_without_scripts_the_summary_is_there(page: Open) -> None:
    with page("small", java_script_enabled=False) as shown:
        text = shown.locator("body").inner_text()
        for said in (
            "Unknown",
            "4 objects differ, on 3 of 8 appliances.",
            "fgt-south-01",
            "unreachable",
            "rotate",
        ):
            assert said in text


def test_a_large_fleet_opens_one_site_at_a_time_and_turns_its_pages(page: Open) -> None:
    with page("fleet", "action=all") as shown:
        assert len(rows(shown)) == 25
        assert shown.locator("svg .node").count() == 0
        sites = shown.locator(".site h3 button")
        for number in (0, 1):
            sites.nth(number).click()
            assert shown.locator(".graph").count() == 1
            assert shown.locator(".graph .node").count() == 25
            assert sites.nth(number).get_attribute("aria-expanded") == "true"
        assert sites.nth(0).get_attribute("aria-expanded") == "false"
        first = rows(shown)
        shown.get_by_role("button", name="Next").click()
        assert address(shown) == "action=all&page=2"
        assert not set(rows(shown)) & set(first)
        shown.get_by_role("button", name="Show all 40 sites").click()
        assert sites.count() == 40


def test_a_fleet_without_sites_is_drawn_where_something_is_wrong(
    browser: Browser, page: Open, files: Path
) -> None:
    fleet = reports.fleet(8)
    for each in [*fleet["appliances"], *fleet["objects"]]:
        each["site"] = ""
    (files / "one.html").write_text(render(fleet), encoding="utf-8")
    with page("one") as shown:
        wrong = {each["appliance"] for each in fleet["objects"] if each["action"] != "none"}
        drawn = {
            (each.get_attribute("aria-label") or "").partition(":")[0]
            for each in shown.locator(".node").all()
        }
        assert wrong <= drawn
        assert shown.locator(".node").count() == 60 + 8 * 5
        shown.get_by_role("button", name="Draw all").click()
        assert shown.locator(".node").count() == 200


def test_print_shows_every_object_that_the_filters_leave(page: Open) -> None:
    with page("fleet") as shown:
        assert len(rows(shown)) == 25
        shown.pdf()
        shown.emulate_media(media="print", color_scheme="dark")
        shown.evaluate("dispatchEvent(new Event('beforeprint'))")
        needs = sum(number for action, number in reports.fleet()["counts"].items() if action != "none")
        assert shown.locator("#objects .list > tbody > tr:not(.detail)").count() == needs
        assert shown.locator(".detail").count() == needs
        assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        shown.evaluate("dispatchEvent(new Event('afterprint'))")
        assert len(rows(shown)) == 25
