# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Profiles, REST API administrators and trusted hosts of any content read back as they were written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.plan import overlay, plan
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.admin_profile import (
    CUSTOM_ROWS,
    LEVELS,
    PROFILE,
    ROWS,
    SWITCHES,
    prepare_admin_profile,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_admin import (
    ADMIN,
    network,
    networks,
    trusted_hosts,
)
from ansible_collections.otsec.defender_iot.tests.unit.fortigate.test_admin_profile import raw

settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")

TEXT = st.text(max_size=35)
LEVEL = st.sampled_from(LEVELS)
ADDRESS = st.ip_addresses().map(str)
HOST = (
    ADDRESS
    | st.builds("{}/{}".format, st.ip_addresses(v=4), st.integers(1, 32))
    | st.builds("{}/{}".format, st.ip_addresses(v=6), st.integers(1, 128))
    | st.builds(
        "{} {}".format,
        st.ip_addresses(v=4),
        st.sampled_from(["255.255.255.255", "255.255.240.0", "128.0.0.0"]),
    )
)


@st.composite
def profiles(draw: st.DrawFn) -> dict[str, Any]:
    """Make options of a profile: any rows, and any permissions of the custom ones."""
    wanted: dict[str, Any] = {"name": draw(TEXT.filter(bool))}
    for row in draw(st.sets(st.sampled_from(sorted(ROWS)))):
        wanted[row] = draw(st.sampled_from([*LEVELS, "custom"]) if row in CUSTOM_ROWS else LEVEL)
        if wanted[row] == "custom":
            rights = st.dictionaries(st.sampled_from(CUSTOM_ROWS[row]), LEVEL)
            wanted[f"{row}_permissions"] = draw(rights)
    for switch in draw(st.sets(st.sampled_from(sorted(SWITCHES)))):
        wanted[switch] = draw(st.booleans())
    if wanted.get("override_idle_timeout"):
        wanted["idle_timeout"] = draw(st.integers(0, 480))
    return wanted


@st.composite
def admins(draw: st.DrawFn) -> dict[str, Any]:
    """Make options of a REST API administrator."""
    return {
        "name": draw(TEXT.filter(bool)),
        "profile": draw(TEXT),
        "trusted_hosts": draw(st.lists(HOST, min_size=1, max_size=8)),
        "vdoms": draw(st.lists(TEXT, max_size=4)),
        **{option: draw(TEXT) for option in ("comments", "cors_allow_origin", "pki_group", "schedule")},
    }


def read_back(resource: Resource, wanted: dict[str, Any]) -> dict[str, Any]:
    """Write the values to a new object, and read it back."""
    fresh = raw() if resource is PROFILE else {"api-key": "ENC XXXX"}
    return resource.from_wire(overlay(fresh, resource.to_wire(wanted)))


@pytest.mark.parametrize(("resource", "options"), [(PROFILE, profiles()), (ADMIN, admins())])
def test_written_values_read_back_unchanged(resource: Resource, options: Any) -> None:
    @given(options)
    def check(given_options: dict[str, Any]) -> None:
        params = prepare_admin_profile(given_options) if resource is PROFILE else given_options
        wanted = resource.desired(params)
        back = read_back(resource, wanted)
        assert {option: overlay(back.get(option), value) for option, value in wanted.items()} == {
            option: back.get(option) for option in wanted
        }
        assert plan(resource, back, wanted, "present").action == "keep"

    check()


@pytest.mark.parametrize(("resource", "options"), [(PROFILE, profiles()), (ADMIN, admins())])
def test_read_values_can_be_written_without_a_change(resource: Resource, options: Any) -> None:
    @given(options)
    def check(given_options: dict[str, Any]) -> None:
        back = read_back(resource, resource.desired(given_options))
        assert resource.desired(back) == back
        assert plan(resource, back, resource.desired(back), "present").action == "keep"

    check()


NORMALISERS = [
    (resource.kind, option, spec.normalise)
    for resource in (PROFILE, ADMIN)
    for option, spec in resource.fields.items()
]


@given(st.sampled_from(NORMALISERS), st.lists(st.text() | HOST))
def test_every_normaliser_is_idempotent(normaliser: Any, values: list[str]) -> None:
    once = normaliser[2](values)
    assert normaliser[2](once) == once


@given(st.text())
def test_a_text_that_is_no_network_is_left_as_it_is(text: str) -> None:
    once = network(text)
    assert network(once) == once


@given(st.lists(HOST, max_size=12))
def test_trusted_hosts_read_back_whatever_their_order_form_and_number(hosts: list[str]) -> None:
    wanted = networks(hosts)
    table = ADMIN.fields["trusted_hosts"].to_wire(wanted)
    assert networks(trusted_hosts(table)) == wanted
    assert networks(trusted_hosts(list(reversed(table)))) == wanted
    assert [row["id"] for row in table] == list(range(1, len(wanted) + 1))
