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


def rows(*numbers: int, **told: Any) -> Any:
    """Answer with a page that has these rows."""
    return answer(200, {"rows": [{"id": number} for number in numbers], **told})


def listed(wire: Wire, path: str, **paging_of_map: Any) -> list[int]:
    """Return the ids of a list that is read by a map with this paging."""
    operation = {"method": "GET", "path": path, "success": [200], "items": "/rows", "fields": {"id": "/id"}}
    endpoints = {"login": {"steps": []}, "tokens": {"list": {**operation, "paging": paging_of_map}}}
    return [row["id"] for row in WebInterface(wire, {**USER, "endpoint_map": endpoints}).listed("tokens")]


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
    "a cursor and no path": ({"next": "/n"}, [rows(1, n="abc")], "the answer names a next page"),
    "a link to another host": (
        {"next": "/n"},
        [rows(1, n="//else.example/t")],
        "the answer names a next page",
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
