# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of many pages: every page is requested, and a list that may be incomplete is an error."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import ApplianceError
from ansible_collections.otsec.defender_iot.plugins.module_utils._wire import paging
from ansible_collections.otsec.defender_iot.plugins.module_utils._wire.web_interface import WebInterface
from ansible_collections.otsec.defender_iot.tests.unit.fakes import Wire, answer

USER = {"token": None, "username": "u", "password": "p"}
PAGED = "/t?at={page}"
NEXT = "/t?from={next}"


def rows(*numbers: int, **stated: Any) -> Any:
    """Answer with a page that has these rows."""
    return answer(200, {"rows": [{"id": number} for number in numbers], **stated})


def linked(number: int, link: str) -> Any:
    """Answer with a page of one row and a Link header."""
    return answer(200, {"rows": [{"id": number}]}, Link=link)


def listed(wire: Wire, path: str, items: str = "/rows", **paging_of_map: Any) -> list[int]:
    """Return the ids of a list that is read by a map with this paging."""
    operation = {"method": "GET", "path": path, "success": [200], "items": items, "fields": {"id": "/id"}}
    endpoints = {"login": {"steps": []}, "tokens": {"list": {**operation, "paging": paging_of_map}}}
    return [row["id"] for row in WebInterface(wire, {**USER, "endpoint_map": endpoints}).listed("tokens")]


def whole(wire: Wire, items: str = "/rows") -> list[int]:
    """Return the ids of a list that is read by a map without paging."""
    return listed(wire, "/t", items)


COUNTED = {"start": 0, "counts": "pages"}
WHOLE = {
    # how the end is known: (paging, answers, the paths that are requested)
    "a short page is followed by an empty one": (
        {**COUNTED, "size": 2},
        [rows(1, 2), rows(3), rows()],
        ["/t?at=0", "/t?at=1", "/t?at=2"],
    ),
    "no such page": (
        {"start": 1, "counts": "pages"},
        [rows(1, 2), rows(3), answer(404)],
        ["/t?at=1", "/t?at=2", "/t?at=3"],
    ),
    "a short page is answered again": (
        {**COUNTED, "size": 3},
        [rows(1, 2), rows(1, 2)],
        ["/t?at=0", "/t?at=1"],
    ),
    "rows are counted": (
        {"start": 0, "counts": "rows", "total": "/all"},
        [rows(1, 2, all=3), rows(3, all=3)],
        ["/t?at=0", "/t?at=2"],
    ),
    "the last page says so": (
        {**COUNTED, "last": "/end"},
        [rows(1, end=False), rows(2, end=True)],
        ["/t?at=0", "/t?at=1"],
    ),
    "a total that is text": ({"total": "/all"}, [rows(1, 2, all="2")], ["/t?at=0"]),
    "a page that is not full": ({"size": 3}, [rows(1, 2)], ["/t?at=0"]),
    "a full page and a total": ({"size": 2, "total": "/all"}, [rows(1, 2, all=2)], ["/t?at=0"]),
    "no row at all": ({"last": "/end"}, [rows(end=True)], ["/t?at=0"]),
    "a link": ({"next": "/more"}, [rows(1, more="/t?p=2"), rows(2, more=None)], ["/t?at=0", "/t?p=2"]),
    "a link with the host": (
        {"next": {"pointer": "/more"}},
        [rows(1, more="https://appliance.example/t?p=2"), rows(2)],
        ["/t?at=0", "/t?p=2"],
    ),
    "a link with another scheme and port": (
        {"next": "/more"},
        [rows(1, more="http://appliance.example:8080/t?p=2"), rows(2)],
        ["/t?at=0", "/t?p=2"],
    ),
    "a relative link": (
        {"next": "/more"},
        [rows(1, more="t?p=2"), rows(2, more="?p=3"), rows(3)],
        ["/t?at=0", "/t?p=2", "/t?p=3"],
    ),
    "a link in a header": (
        {"next": {"header": "Link"}},
        [linked(1, '</t?p=9>; rel="last", </t?p=2>; rel="next"'), linked(2, '</t?p=1>; rel="prev"')],
        ["/t?at=0", "/t?p=2"],
    ),
    "no parameter on the first page": (
        {"start": 1, "counts": "pages", "next_path": "/t?p={page}"},
        [rows(1, 2), rows(3), rows()],
        ["/t?at=1", "/t?p=2", "/t?p=3"],
    ),
    "rows are counted from the second page on": (
        {"start": 0, "counts": "rows", "next_path": "/t?p={page}", "more": "/more"},
        [rows(1, 2, more=True), rows(3, more=False)],
        ["/t?at=0", "/t?p=2"],
    ),
    "a cursor that never ends": (
        {"next": "/c", "next_path": NEXT, "more": "/more"},
        [rows(1, c="a", more=True), rows(2, c="b", more=False)],
        ["/t?at=0", "/t?from=a"],
    ),
    "a cursor": (
        {"next": "/more", "next_path": NEXT},
        [rows(1, more="a b"), rows(2, more=7), rows(3, more="")],
        ["/t?at=0", "/t?from=a%20b", "/t?from=7"],
    ),
}


@pytest.mark.parametrize(("given", "answers", "paths"), WHOLE.values(), ids=WHOLE)
def test_every_page_is_requested(given: Any, answers: list[Any], paths: list[str]) -> None:
    wire = Wire(*answers)
    found = listed(wire, PAGED, **given)
    assert found == list(range(1, len(found) + 1))
    assert ([path for _method, path in wire.requests], wire.answers) == (paths, [])


INCOMPLETE = {
    # what is wrong: (paging, answers, what is said)
    "a full page and no way on": ({"size": 2}, [rows(1, 2)], "a page of 2 is full, so more may follow"),
    "more pages and no way on": (
        {"last": "/end"},
        [rows(1, end=False)],
        "the answer says that more pages follow",
    ),
    "another total": ({"total": "/all"}, [rows(1, all=3)], "it has 1 objects, and the appliance counts 3"),
    "another total at the end": (
        {**COUNTED, "total": "/all", "size": 5},
        [rows(1, all=3), answer(404)],
        "it has 1 objects, and the appliance counts 3",
    ),
    "a full page again": (
        {**COUNTED, "size": 1},
        [rows(1), rows(1)],
        "the appliance answers the same page again",
    ),
    "a link that leads nowhere new": (
        {"next": "/n"},
        [rows(1, n="/t"), rows(1, n="/t")],
        "the same page again",
    ),
    "a link without a path": (
        {"next": "/n"},
        [rows(1, n="https://appliance.example//else.example/t")],
        "the answer names a next page",
    ),
    "a cursor and no path": ({"next": "/n"}, [rows(1, n="abc")], "the answer names a next page"),
    "a link to another host": (
        {"next": "/n"},
        [rows(1, n="//else.example/t")],
        "the next page is on else.example",
    ),
    "a link that is no address": (
        {"next": "/n"},
        [rows(1, n="https://[else/t")],
        "names a next page that is no address",
    ),
    "more and no way on": ({"more": "/m"}, [rows(1, m=True)], "the answer says that more pages follow"),
    "more and no cursor": (
        {"next": "/n", "next_path": NEXT, "more": "/m"},
        [rows(1, m=True)],
        "more pages follow, and names none",
    ),
    "no total": ({"total": "/all"}, [rows(1)], "paging.total is not in the answer"),
    "a total that is none": ({"total": "/all"}, [rows(1, all=True)], "True is no number of objects"),
    "a last that is none": ({"last": "/end"}, [rows(1, end="no")], "'no' does not say whether"),
}


@pytest.mark.parametrize(("given", "answers", "said"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_a_list_that_may_be_incomplete_is_an_error(given: Any, answers: list[Any], said: str) -> None:
    with pytest.raises(ApplianceError, match="the list may be incomplete: ") as caught:
        listed(Wire(*answers), PAGED, **given)
    assert said in caught.value.why
    assert caught.value.remedy


def test_a_first_page_that_does_not_exist_is_no_empty_list() -> None:
    with pytest.raises(ApplianceError, match="the endpoint map does not expect this status"):
        listed(Wire(answer(404)), PAGED, **COUNTED)


def test_the_number_of_pages_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "LIMIT", 2)
    with pytest.raises(ApplianceError, match="it has more than 2 pages"):
        listed(Wire(rows(1), rows(2), rows(3)), PAGED, **COUNTED)


SIGNS = {
    # what an answer has beside its list: (the answer, what is said)
    "a link": (linked(1, '</t?p=2>; rel="next"'), "the header Link names a next page"),
    "a range": (
        answer(200, {"rows": [{"id": 1}]}, **{"Content-Range": "rows 0-0/9"}),
        "the header Content-Range is rows 0-0/9",
    ),
    "a total in a header": (
        answer(200, {"rows": [{"id": 1}]}, **{"X-Total-Count": "9"}),
        "the header X-Total-Count is 9",
    ),
    "a total in another header": (
        answer(200, {"rows": []}, **{"X-WP-Total": "9"}),
        "the header X-WP-Total is 9",
    ),
    "a number of pages in a header": (
        answer(200, {"rows": []}, **{"X-Total-Pages": "2"}),
        "the header X-Total-Pages is 2",
    ),
    "a next page in a header": (
        answer(200, {"rows": []}, **{"X-Next-Page": "2"}),
        "the header X-Next-Page is 2",
    ),
    "JSON in a header": (
        answer(200, {"rows": []}, **{"X-Pagination": '{"TotalCount": 9, "HasNext": true}'}),
        'the header X-Pagination has "TotalCount": 9',
    ),
    "a total that is text": (rows(1, total="9"), 'the answer has "total": 9'),
    "a marker": (rows(1, nextMarker="a"), 'the answer has "nextMarker", which names a next page'),
    "a number of the next page": (rows(1, nextPage=2), 'the answer has "nextPage", which names a next page'),
    "a list of links": (
        rows(1, links=[{"rel": "self"}, {"rel": "next", "href": "/t?p=2"}]),
        'the answer has "links": [',
    ),
    "not final": (rows(1, isFinal=False), 'the answer has "isFinal": False'),
    "more": (rows(1, hasMore=True), 'the answer has "hasMore": True'),
    "a cut": (rows(1, meta={"truncated": True}), 'the answer has "truncated": True'),
    "not the last": (rows(1, last=False), 'the answer has "last": False'),
    "a number of pages": (rows(1, page_count=2), 'the answer has "page_count": 2'),
    "a total": (rows(1, totalElements=2), 'the answer has "totalElements": 2'),
    "a cursor": (rows(1, meta={"nextCursor": "abc"}), 'the answer has "nextCursor", which names a next page'),
    "an error": (rows(error="locked"), 'the answer has "error" beside an empty list'),
}


@pytest.mark.parametrize(("given", "said"), SIGNS.values(), ids=SIGNS)
def test_a_sign_of_more_objects_that_the_map_does_not_read_is_an_error(given: Any, said: str) -> None:
    with pytest.raises(ApplianceError, match="the list may be incomplete: ") as caught:
        whole(Wire(given))
    assert said in caught.value.why
    assert ("check the appliance" in caught.value.remedy) == ("error" in said)


@pytest.mark.parametrize(
    "beside",
    [
        {
            "hasMore": False,
            "truncated": False,
            "last": True,
            "pages": 1,
            "total": 1,
            "next": None,
            "error": None,
        },
        {"error": {"code": 0}, "size": 50, "totals": {"total": "1"}},
        {"links": {"next": ""}, "page": {"totalPages": 1, "number": 0}},
        {"links": [{"rel": "prev"}, "self"], "total": "one", "nextPage": 0, "isFinal": True},
    ],
)
def test_other_values_beside_a_list_are_no_sign(beside: Any) -> None:
    headers = {"Link": '</t?p=1>; rel="prev"', "Content-Range": "rows 0-0/1", "X-Total-Count": "1"}
    headers |= {
        "X-Next-Page": "",
        "X-Nextjs-Cache": "2",
        "X-Pagination": "none",
        "Pagination-Page": '{"page": 1}',
    }
    assert whole(Wire(answer(200, {"rows": [{"id": 1}], **beside}, **headers))) == [1]


def test_a_sign_around_a_list_in_a_list_is_found() -> None:
    deep = {"data": [{"tokens": {"rows": [{"id": 1}], "pageInfo": {"hasNextPage": True}}}]}
    with pytest.raises(ApplianceError, match='the answer has "hasNextPage": True'):
        whole(Wire(answer(200, deep)), "/data/0/tokens/rows")


def test_a_list_that_is_one_of_several_in_groups_is_refused() -> None:
    group, other = {"rows": [{"id": 1}]}, {"users": []}
    assert whole(Wire(answer(200, [group, other])), "/0/rows") == [1]
    with pytest.raises(ApplianceError, match="the list is one of several in groups"):
        whole(Wire(answer(200, [group, other, {"rows": []}])), "/0/rows")


@pytest.mark.parametrize(
    ("given", "beside"),
    [
        ({"next": "/c"}, {"next": "/t?p=1"}),
        ({"total": "/all"}, {"total": 9, "all": 1}),
        ({"last": "/end"}, {"truncated": True, "end": True}),
        ({"more": "/m"}, {"last": False, "m": False}),
    ],
)
def test_what_the_map_s_paging_reads_itself_is_no_other_sign(given: Any, beside: Any) -> None:
    assert listed(Wire(rows(1, **beside)), "/t", **given) == [1]
