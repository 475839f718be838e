# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Over generated sessions: a drafted map works, or the draft says why not, and it never has a secret."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import ApplianceError
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.load import Fault
from ansible_collections.otsec.defender_iot.tests.support.web_sessions import USED, Behaviour
from ansible_collections.otsec.defender_iot.tests.unit.endpoint_maps.driven import managed, recorded

LOGINS = ("json", "form", "multipart", "two_steps")
CARRIERS = ("cookie", "early_cookie", "header", "bearer", "path", "query", "body", "script_cookie")
CSRF = ("none", "cookie", "encoded_cookie", "meta", "hidden", "header")
ONE_PAGE = ("total", "size")
DELETIONS = ("path", "body", "get", "none")
HARMFUL = ("remaining", "row", "steps")
"""Deletions that a map cannot repeat without changing other tokens."""


@st.composite
def behaviours(draw: st.DrawFn, deletions: tuple[str, ...] = DELETIONS) -> Behaviour:
    """Draw a behaviour that a web interface can have."""
    is_basic = draw(st.integers(0, 9)) == 0
    carrier = "header" if is_basic else draw(st.sampled_from(CARRIERS))
    deletion = draw(st.sampled_from(deletions))
    is_cookie = carrier in ("cookie", "early_cookie")
    return Behaviour(
        login="basic" if is_basic else draw(st.sampled_from(LOGINS)),
        login_status=302 if is_cookie and draw(st.booleans()) else 200,
        carrier=carrier,
        csrf="none" if is_basic else draw(st.sampled_from(CSRF)),
        refreshes=carrier not in ("early_cookie",) and not is_basic and draw(st.booleans()),
        paging=draw(st.sampled_from(("none", "page", "offset", "cursor", "link", "nested_link", *ONE_PAGE))),
        ids=draw(st.sampled_from(("number", "uuid", "text"))),
        used=draw(st.sampled_from(sorted(USED))),
        created=draw(st.sampled_from(("object", "without_id", "string"))),
        # A GET has no body to carry the session in.
        deletion="path" if (carrier, deletion) == ("body", "get") else deletion,
        logout=draw(st.sampled_from(("post", "get", "none"))),
        looks=draw(st.sampled_from(("hex", "letters", "base64", "jwt", "uuid"))),
    )


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
@given(behaviour=behaviours(), seed=st.integers(0, 10**6))
def test_a_drafted_map_works_or_the_draft_says_why_not(behaviour: Behaviour, seed: int) -> None:
    drafted = recorded(behaviour, seed)
    expected = {"tokens.delete"} if behaviour.deletion == "none" else set()
    expected |= {"tokens.list.paging"} if behaviour.paging in ONE_PAGE else set()
    assert set(drafted.missing) == expected
    if behaviour.paging not in ONE_PAGE:
        managed(drafted)
        return
    managed(drafted, others=0)
    with pytest.raises(ApplianceError, match="the list may be incomplete"):
        managed(drafted, others=9)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
@given(behaviour=behaviours((*DELETIONS, *HARMFUL)), seed=st.integers(0, 10**6))
def test_tokens_of_others_are_never_changed(behaviour: Behaviour, seed: int) -> None:
    drafted = recorded(behaviour, seed)
    is_harmful = behaviour.deletion in (*HARMFUL, "none")
    assert ("tokens.delete" in drafted.missing) == is_harmful
    assert ("delete" in drafted.made.endpoints["tokens"]) != is_harmful
    with suppress(ApplianceError, Fault):
        managed(drafted, others=9)
