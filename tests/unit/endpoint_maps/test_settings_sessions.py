# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Over generated sessions with a Forescout platform: a drafted map writes the settings, or says why not."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.otsec.defender_iot.tests.support.web_settings import SettingsBehaviour
from ansible_collections.otsec.defender_iot.tests.unit.endpoint_maps.driven import (
    configured,
    recorded_settings,
)

LOGINS = ("json", "form", "multipart", "two_steps")
CARRIERS = ("cookie", "early_cookie", "header", "bearer", "path", "query", "body", "script_cookie")
CSRF = ("none", "cookie", "encoded_cookie", "meta", "hidden", "header")


@st.composite
def behaviours(draw: st.DrawFn) -> SettingsBehaviour:
    """Draw a behaviour that a web interface can have."""
    is_basic = draw(st.integers(0, 9)) == 0
    carrier = "header" if is_basic else draw(st.sampled_from(CARRIERS))
    is_opened_before = draw(st.integers(0, 4)) > 0
    is_cookie = carrier in ("cookie", "early_cookie")
    return SettingsBehaviour(
        login="basic" if is_basic else draw(st.sampled_from(LOGINS)),
        login_status=302 if is_cookie and draw(st.booleans()) else 200,
        carrier=carrier,
        csrf="none" if is_basic else draw(st.sampled_from(CSRF)),
        refreshes=carrier != "early_cookie" and not is_basic and draw(st.booleans()),
        logout=draw(st.sampled_from(("post", "get", "none"))),
        looks=draw(st.sampled_from(("hex", "letters", "base64", "jwt", "uuid"))),
        form=draw(st.sampled_from(("json", "form", "multipart"))),
        method=draw(st.sampled_from(("POST", "PUT", "PATCH"))),
        # A GET has no body to carry the session in.
        reads="post" if carrier == "body" else draw(st.sampled_from(("get", "get", "post"))),
        same_path=draw(st.booleans()),
        shows=draw(st.sampled_from(("nothing", "mask", "token"))),
        echoes=draw(st.booleans()),
        trial=draw(st.integers(0, 4)) == 0,
        etag=is_opened_before and draw(st.booleans()),
        opened_before=is_opened_before,
    )


def expected(behaviour: SettingsBehaviour) -> set[str]:
    """Return the operations that a map for such an interface cannot have."""
    found = set()
    if behaviour.reads == "post" and not behaviour.opened_before:
        found.add("settings.read")
    if behaviour.trial and not behaviour.same_path:
        found.add("settings.update")
    return found


@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
@given(behaviour=behaviours(), seed=st.integers(0, 10**6))
def test_a_drafted_map_writes_the_settings_or_the_draft_says_why_not(
    behaviour: SettingsBehaviour, seed: int
) -> None:
    drafted = recorded_settings(behaviour, seed)
    missing = set(drafted.missing)
    if (behaviour.csrf, behaviour.logout) == ("header", "post"):
        missing.discard("login.logout")
    assert missing == expected(behaviour)
    if not missing:
        configured(drafted)
