# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages of a recorded list: a map reads all of them from the first one, or the draft says why not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.drafting.session import Draft
from ansible_collections.otsec.defender_iot.tests.unit.endpoint_maps.entries import (
    BOTH,
    CREATE,
    LOGIN,
    OLD,
    PAGE,
    ROW,
    X_CSRF,
    entry,
    made,
)

OTHERS = [{**OLD, "nr": number, "text": f"Tool {number}"} for number in (3, 4, 5)]
FIRST, SECOND, NEWEST = OTHERS[:2], [OTHERS[2], ROW], [ROW, OTHERS[0]]


def page(path: str, rows: list[Any], link: str = "", **beside: Any) -> dict[str, Any]:
    """Make the entry of one page of a list."""
    given = entry("GET", path, answer={"rows": rows, **beside}, cookies=BOTH)
    given["response"]["headers"] += [{"name": "Link", "value": link}] if link else []
    return given


def asked(sent: Any, rows: list[Any], **beside: Any) -> dict[str, Any]:
    """Make the entry of one page that is requested by a body."""
    return entry("POST", "/find", sent, {"rows": rows, **beside}, headers=X_CSRF, cookies=BOTH)


def drafted(*pages: Any) -> Draft:
    """Draft a map from a recording with these pages."""
    return made(PAGE, LOGIN, CREATE, *pages)


SHORT = "https://sensor.example/t?%24skip=2"
WHOLE = {
    # how the pages are requested: (the pages, the path of the first one, the paging)
    "a link on the first page alone": (
        [page("/t", FIRST, **{"@odata.nextLink": SHORT}), page("/t?%24skip=2", SECOND)],
        "/t",
        {"next": "/@odata.nextLink"},
    ),
    "a relative link": (
        [page("/t", FIRST, next="t?$skip=2"), page("/t?$skip=2", SECOND)],
        "/t",
        {"next": "/next"},
    ),
    "a header with a link": (
        [page("/t", NEWEST, '</t?at=2>; rel="next"'), page("/t?at=2", [OTHERS[1]])],
        "/t",
        {"next": {"header": "Link"}},
    ),
    "the first page without a number": (
        [page("/t", FIRST), page("/t?page=2", SECOND)],
        "/t",
        {"start": 1, "counts": "pages", "next_path": "/t?page={page}"},
    ),
    "the newest on the first page": (
        [page("/t", NEWEST), page("/t?page=2", OTHERS[1:])],
        "/t",
        {"start": 1, "counts": "pages", "next_path": "/t?page={page}"},
    ),
    "the first page without an offset": (
        [page("/t?order=nr", FIRST), page("/t?order=nr&offset=2", SECOND)],
        "/t?order=nr",
        {"start": 0, "counts": "rows", "next_path": "/t?order=nr&offset={page}"},
    ),
    "the pages in another order": (
        [page("/t?page=2", SECOND), page("/t?page=1", FIRST)],
        "/t?page={page}",
        {"start": 1, "counts": "pages"},
    ),
    "a count of each page beside the total": (
        [page("/t?offset=0", FIRST, count=2, total=4), page("/t?offset=2", SECOND, count=2, total=4)],
        "/t?offset={page}",
        {"start": 0, "counts": "rows", "total": "/total"},
    ),
    "a parameter of any name that counts pages": (
        [page("/t?hop=0", FIRST, total=4), page("/t?hop=1", SECOND, total=4)],
        "/t?hop={page}",
        {"start": 0, "counts": "pages", "total": "/total"},
    ),
    "a parameter of any name that counts rows": (
        [page("/t?hop=0", FIRST, total=4), page("/t?hop=2", SECOND, total=4)],
        "/t?hop={page}",
        {"start": 0, "counts": "rows", "total": "/total"},
    ),
    "a count of all": (
        [page("/t?page=1", NEWEST, count=4), page("/t?page=2", OTHERS[1:], count=4)],
        "/t?page={page}",
        {"start": 1, "counts": "pages", "total": "/count"},
    ),
    "a total that is text": (
        [page("/t?page=1", NEWEST, total="2")],
        "/t?page={page}",
        {"start": 1, "counts": "pages", "total": "/total"},
    ),
    "a number of pages that is called a total": (
        [page("/t?page=1", NEWEST, total=1, totalRecords=2)],
        "/t?page={page}",
        {"start": 1, "counts": "pages", "total": "/totalRecords"},
    ),
    "a page in the path": (
        [page("/t/page/1?sort=nr", FIRST), page("/t/page/2?sort=nr", SECOND)],
        "/t/page/{page}?sort=nr",
        {"start": 1, "counts": "pages"},
    ),
    "an offset and a limit in the path": (
        [page("/t/0/2", FIRST, total=4), page("/t/2/2", SECOND, total=4)],
        "/t/{page}/2",
        {"start": 0, "counts": "rows", "size": 2},
    ),
    "a word for the last page": (
        [page("/t?page=1", FIRST), page("/t?page=last", SECOND)],
        "/t?page={page}",
        {"start": 1, "counts": "pages"},
    ),
}


def test_a_count_of_one_page_is_no_total() -> None:
    operation = drafted(page("/t?page=1", NEWEST, count=2)).endpoints["tokens"]["list"]
    assert operation["paging"] == {"start": 1, "counts": "pages"}
    operation = drafted(page("/t", NEWEST, count=2)).endpoints["tokens"]["list"]
    assert operation["paging"] == {"total": "/count"}


@pytest.mark.parametrize(("pages", "path", "paging"), WHOLE.values(), ids=WHOLE)
def test_all_pages_are_read_from_the_first_one(pages: list[Any], path: str, paging: Any) -> None:
    found = drafted(*pages)
    operation = found.endpoints["tokens"]["list"]
    assert operation["path"] == path
    assert paging.items() <= operation["paging"].items()
    assert not [each for each in found.missing if each.startswith("tokens.list.paging")]


def test_a_cursor_in_a_body_is_null_on_the_first_page() -> None:
    pages = [asked({"after": None}, FIRST, next="c2"), asked({"after": "c2"}, SECOND, next=None)]
    operation = drafted(*pages).endpoints["tokens"]["list"]
    assert operation["json"] == {"after": "{next}"}
    assert operation["paging"] == {"next": "/next", "next_path": "/find"}


def test_a_page_may_be_asked_for_in_a_list_of_a_body() -> None:
    pages = [asked(["find", {"page": 0}], FIRST), asked(["find", {"page": 1}], SECOND)]
    assert drafted(*pages).endpoints["tokens"]["list"]["json"] == ["find", {"page": "{page}"}]


def test_a_list_whose_first_page_was_not_recorded_is_not_drafted() -> None:
    found = drafted(page("/t?page=2", OTHERS[:2]), page("/t?page=3", SECOND))
    assert "list" not in found.endpoints["tokens"]
    assert any(
        each.startswith("tokens.list.paging: the recording lacks the first page of GET /t;")
        for each in found.missing
    )


NO_WAY = {
    # what the recording does not show: (the pages, the paging that refuses a list of several pages)
    "that there is more": ([page("/t", NEWEST, hasMore=False)], {"more": "/hasMore"}),
    "the name of the next page": ([page("/t", NEWEST, next=None)], {"next": "/next"}),
    "a page before the second": (
        [page("/t", FIRST), page("/t?page=5", SECOND)],
        {"size": 2},
    ),
    "a number in a body": ([asked({}, FIRST), asked({"page": 2}, SECOND)], {"size": 2}),
    "the id of the last row": (
        [page("/t?limit=2", FIRST), page("/t?limit=2&key=4", SECOND), page("/t?limit=2&key=5", [ROW])],
        {"size": 2},
    ),
    "a limit in JSON": ([page("/t?filter=%7B%22limit%22%3A10%7D", NEWEST)], {"size": 10}),
    "a limit in code": ([asked({"query": "{ tokens(first: 10, of: 3) { nr } }"}, NEWEST)], {"size": 10}),
    "a limit of any name": ([asked({"n": 10, "v": 2}, NEWEST)], {"size": 10}),
    "a limit in the path": ([page("/t/0/10", NEWEST)], {"size": 10}),
    "fewer than asked for": ([page("/t?size=1000", NEWEST, size=10)], {"size": 10}),
}


@pytest.mark.parametrize(("pages", "paging"), NO_WAY.values(), ids=NO_WAY)
def test_a_list_that_may_have_other_pages_is_reported(pages: list[Any], paging: Any) -> None:
    found = drafted(*pages)
    assert found.endpoints["tokens"]["list"]["paging"] == paging
    assert any(each.startswith("tokens.list.paging: ") for each in found.missing)


def ranged(path: str, rows: list[Any], header: str = "", stated: str = "") -> dict[str, Any]:
    """Make the entry of a page that is requested by both its ends."""
    given = page(path, rows)
    given["request"]["headers"] += [{"name": "Range", "value": header}] if header else []
    given["response"]["headers"] += [{"name": "Content-Range", "value": stated}] if stated else []
    return given


TOGETHER = {
    # what moves from page to page: (the pages, the fields, the paging that refuses a list of several pages)
    "two positions": ([page("/t?page=1&start=0&limit=25", NEWEST)], "page and start", {"size": 25}),
    "the end of the first page": ([page("/t?from=0&to=9", NEWEST)], "from and to", {"size": 9}),
    "the end of any name": (
        [page("/t?start=0&bound=2", FIRST), page("/t?start=2&bound=4", SECOND)],
        "start and bound",
        {"size": 2},
    ),
    "both ends in a parameter": ([ranged("/t?range=%5B0%2C9%5D", NEWEST)], "range", {"size": 10}),
    "both ends in a header": ([ranged("/t", NEWEST, "items=0-24")], "Range", {"size": 25}),
    "both ends, as the answer shows": (
        [ranged("/t?rows=0-9&at=5-5", NEWEST, stated="rows 0-1/2")],
        "rows",
        {"size": 10},
    ),
}


@pytest.mark.parametrize(("pages", "fields", "paging"), TOGETHER.values(), ids=TOGETHER)
def test_numbers_that_change_together_are_reported(pages: list[Any], fields: str, paging: Any) -> None:
    found = drafted(*pages)
    assert found.endpoints["tokens"]["list"]["paging"] == paging
    said = f"tokens.list.paging: GET /t asks for a page by {fields}, in which several numbers change together"
    assert any(each.startswith(said) for each in found.missing)


@pytest.mark.parametrize("variables", [{"variables": {"first": 2}}, {"variables": None}, {}])
def test_a_cursor_that_the_first_page_lacks_is_sent_as_null(variables: Any) -> None:
    query = {"query": "query tokens"}
    first = asked({**query, **variables}, FIRST, info={"endCursor": "c2", "more": True})
    after = {**query, "variables": {**(variables.get("variables") or {}), "after": "c2"}}
    found = drafted(first, asked(after, SECOND, info={"endCursor": "c4", "more": False}))
    operation = found.endpoints["tokens"]["list"]
    assert operation["json"]["variables"]["after"] == "{next}"
    assert operation["paging"] == {"more": "/info/more", "next": "/info/endCursor", "next_path": "/find"}
    said = 'tokens.list.paging: the request for the first page has no "/variables/after", but POST /find'
    assert any(each.startswith(said) for each in found.missing)


@pytest.mark.parametrize(
    "other",
    [
        entry("GET", "/t?view=empty", answer={"rows": []}, cookies=BOTH),
        entry("GET", "/t?page=2", answer={"done": True}, cookies=BOTH),
    ],
)
def test_a_request_that_asks_for_something_else_is_no_page(other: Any) -> None:
    operation = drafted(page("/t", NEWEST), other).endpoints["tokens"]["list"]
    assert (operation["path"], "paging" in operation) == ("/t", False)
