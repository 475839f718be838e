# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stored secret belongs to one object of one appliance, and is refused for every other one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.belonging import (
    Belonging,
    address_of,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.claims import Claims
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    Conflict,
    NotFound,
    SecretStoreError,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Outcome
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.mint import adopt, converge_parent
from ansible_collections.otsec.defender_iot.tests.unit.fakes import INVALID, REF, UNKNOWN, VALID, begun
from ansible_collections.otsec.defender_iot.tests.unit.minting.scene import ADMIN, KEY, TOKEN, Scene, rows

HERE = Belonging("box", "box.example", "a", ("S1",))
SAME: dict[str, tuple[Belonging, bool]] = {
    # what else answers or is declared: (belonging, the same object)
    "nothing else": (HERE, True),
    "another name": (replace(HERE, name="b"), False),
    "another address": (replace(HERE, address="new.example"), True),
    "another inventory name": (replace(HERE, host="new"), True),
    "both": (replace(HERE, host="new", address="new.example"), True),
    "another unit, as after a failover": (replace(HERE, serials=("S2",)), True),
    "another unit at another address, as with swapped addresses": (
        replace(HERE, address="other.example", serials=("S2",)),
        False,
    ),
    "another unit of another host, at one address behind two bastions": (
        replace(HERE, host="other", serials=("S2",)),
        False,
    ),
    "a copied record": (Belonging("other", "other.example", "a", ("S2",)), False),
    "one unit of a known cluster": (replace(HERE, serials=("S1", "S2")), True),
    "no serial number": (replace(HERE, serials=()), True),
    "neither serial number nor address": (replace(HERE, address="new.example", serials=()), True),
    "neither serial number nor inventory name": (replace(HERE, host="new", serials=()), True),
    "a copied record without a serial number": (Belonging("other", "other.example", "a"), False),
}


@pytest.mark.parametrize(("other", "same"), SAME.values(), ids=SAME)
def test_what_identifies_an_object(other: Belonging, same: bool) -> None:
    assert HERE.is_same(other) is same
    assert other.is_same(HERE) is same


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        (Belonging("new", "new.example", "b", ("S1", "S2")), True),
        (Belonging("new", "box.example", "b", ("S2",)), False),
        (Belonging("new", "box.example", "b"), True),
        (Belonging("box", "new.example", "a"), False),
    ],
)
def test_what_shows_that_two_names_are_one_appliance(other: Belonging, shared: bool) -> None:
    assert HERE.shares_appliance(other) is shared
    assert other.shares_appliance(HERE) is shared


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://FGT.example:443/", "fgt.example"),
        ("fgt.example", "fgt.example"),
        ("https://192.0.2.1:8443", "192.0.2.1:8443"),
        ("https://[2001:db8::1]:443", "[2001:db8::1]"),
        ("https://name:password@fgt.example", "fgt.example"),
        ("", ""),
        ("https://[fgt", "https://[fgt"),
    ],
)
def test_an_address_is_the_same_in_every_spelling_of_a_url(url: str, address: str) -> None:
    assert address_of(url) == address


def scene(resource: Any, objects: Any, owner: Belonging | None, **more: Any) -> Scene:
    """Make a task on the appliance S1, with a stored value of this owner."""
    played = Scene(resource, objects, belongs_to=owner, **{"value": "old", "id": 1, **more})
    played.api.serial = HERE.serials[0] if resource is KEY else None
    played.task = replace(played.task, address=HERE.address)
    return played


FOREIGN = Belonging("other", "other.example", "a", ("S2",))


@pytest.mark.parametrize("resource", [KEY, TOKEN])
@pytest.mark.parametrize("options", [{}, {"state": "absent"}, {"recreate": "always"}, {"verify_keys": True}])
@pytest.mark.parametrize("left", [{}, {"pending": begun()}, {"doubted": True}])
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_secret_of_another_appliance_is_neither_used_nor_replaced_nor_removed(
    resource: Any, options: Any, left: Any, check_mode: bool
) -> None:
    objects = ADMIN if resource is KEY else rows(1)
    played = scene(resource, objects, FOREIGN, params=options, check_mode=check_mode, **left)
    with pytest.raises(Conflict) as caught:
        played.play()
    assert played.events == ["store read", "appliance read" if resource is KEY else "appliance table"]
    own = "box.example, serial number S1" if resource is KEY else "box.example"
    assert caught.value.sentence("box") == (
        f'box: checking the owner of {REF} failed: the secret belongs to "a" of other (other.example, serial '
        f'number S2), not to "a" of box ({own}); set another secret_ref, or if both are the same appliance '
        "and name, remove belongs_to from the record"
    )


def test_an_adopted_token_of_another_sensor_is_not_tried() -> None:
    played = scene(TOKEN, {}, FOREIGN)
    with pytest.raises(Conflict, match='belongs to "a" of other'):
        adopt(played.task, Outcome())
    assert played.events == ["store read"]


def test_a_key_of_another_appliance_is_not_doubted_by_the_creation_of_an_administrator() -> None:
    played = scene(KEY, {}, FOREIGN)
    with pytest.raises(Conflict, match='belongs to "a" of other'):
        converge_parent(played.task, Outcome())
    assert played.events == ["appliance read", "store read"]


@pytest.mark.parametrize("owner", [None, HERE])
def test_a_record_that_says_nothing_or_the_right_thing_is_not_written(owner: Any) -> None:
    played = scene(KEY, ADMIN, owner)
    assert not played.play()["changed"]
    assert played.events == ["store read", "appliance read"]
    assert played.keeper.owner == HERE


def test_the_message_about_another_run_names_what_it_mints_for() -> None:
    played = scene(KEY, ADMIN, FOREIGN, pending=begun(is_minting=True))
    with pytest.raises(SecretStoreError, match='which belongs to "a" of other'):
        played.play()


NEW_UNIT = "another unit answers: S1, before S2"


@pytest.mark.parametrize("verdict", [VALID, UNKNOWN])
@pytest.mark.parametrize("check_mode", [True, False])
def test_another_unit_at_the_same_address_is_recorded_once(verdict: Any, check_mode: bool) -> None:
    appliance = {"verdicts": [verdict]}
    owner = replace(HERE, serials=("S2",))
    played = scene(KEY, ADMIN, owner, appliance=appliance, check_mode=check_mode)
    result = played.play()
    assert (result["changed"], result["minted"], result["reason"]) == (True, False, NEW_UNIT)
    assert [each["action"] for each in result["objects"]] == ["update"]
    is_warned = [f"{NEW_UNIT}, as after a failover" in warning for warning in played.warnings]
    assert is_warned == ([] if verdict == VALID else [True])
    assert played.events[2:] == ["appliance probe old", *([] if check_mode else ["store bind"])]
    if not check_mode:
        assert not played.play()["changed"]


def test_another_unit_that_rejects_the_key_is_refused_until_a_replacement_is_declared() -> None:
    owner = replace(HERE, serials=("S2",))
    played = scene(KEY, ADMIN, owner, appliance={"verdicts": [INVALID, INVALID, VALID]})
    with pytest.raises(Conflict, match=f"{NEW_UNIT}, and it rejects the stored value"):
        played.play()
    played.task = replace(played.task, options={**played.task.options, "recreate": "invalid"})
    assert played.play()["minted"]


def test_a_rotation_does_not_record_another_unit() -> None:
    owner = replace(HERE, serials=("S2",))
    played = scene(KEY, ADMIN, owner, params={"rotate_only": True})
    assert not played.play()["changed"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_the_first_key_of_an_existing_administrator_comes_with_a_warning(check_mode: bool) -> None:
    played = scene(KEY, ADMIN, None, value=None, check_mode=check_mode)
    assert played.play()["changed"]
    (warning,) = played.warnings
    assert 'the store has no key "a", but its administrator exists' in warning


OTHER_PLACE = "/srv/secrets/old/a.yml"


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    "other", [Belonging("old", "old.example", "a", ("S0", "S1")), replace(HERE, host="old", serials=())]
)
def test_the_first_key_under_a_second_inventory_name_is_refused_in_a_later_run_too(
    other: Belonging, check_mode: bool
) -> None:
    played = scene(KEY, ADMIN, None, value=None, check_mode=check_mode, others=[(OTHER_PLACE, other)])
    with pytest.raises(Conflict) as caught:
        played.play()
    reason = caught.value.reason
    assert 'key "a" of box is also the one of old, because both are the same appliance (S1)' in reason
    assert (
        "remove box or old from the inventory, or if you renamed old, move this file to vault_file:" in reason
    )
    assert played.events == ["store read", "appliance read"]


NOT_ALIASES = {
    "another appliance": {"other": Belonging("old", "box.example", "a", ("S2",))},
    "another administrator": {"other": replace(HERE, host="old", name="b")},
    "its administrator is new": {"objects": {}},
    "a key to remove": {"params": {"state": "absent"}},
    "a rotation": {"params": {"rotate_only": True}},
    "a stored key": {"value": "stored"},
}


@pytest.mark.parametrize("given", NOT_ALIASES.values(), ids=NOT_ALIASES)
def test_what_makes_no_key_of_another_name_void_is_not_refused(given: Any) -> None:
    other = given.get("other", replace(HERE, host="old"))
    known = {"value": given.get("value"), "params": given.get("params"), "others": [(OTHER_PLACE, other)]}
    played = scene(KEY, given.get("objects", ADMIN), None, **known)
    with suppress(NotFound):
        played.play()


@pytest.mark.parametrize("left", [{"pending": begun()}, {"doubted": True}])
def test_what_an_earlier_run_has_left_is_no_reason_to_warn(left: Any) -> None:
    played = scene(KEY, ADMIN, None, value=None, **left)
    assert played.play()["minted"]
    assert played.warnings == []


@pytest.mark.parametrize(
    ("verdict", "warning"),
    [
        (VALID, None),
        (INVALID, "rejects the stored key"),
        (UNKNOWN, None),
        (("unknown", 500), "was answered with 500"),
    ],
)
def test_a_key_is_verified_and_not_replaced(verdict: Any, warning: str | None) -> None:
    played = scene(KEY, ADMIN, HERE, params={"verify_keys": True}, appliance={"verdicts": [verdict]})
    result = played.play()
    assert not result["changed"]
    assert result["accepted"] is {"valid": True, "invalid": False}.get(verdict[0])
    assert len(played.warnings) == (warning is not None)
    assert (warning or "") in "".join(played.warnings)


@pytest.mark.parametrize("serial", ["S1", None])
def test_two_references_for_one_key_in_one_run_are_refused_with_both_hosts(serial: str | None) -> None:
    claims = Claims()
    first, second = (scene(KEY, ADMIN, None) for _number in range(2))
    for played, host in ((first, "box"), (second, "alias")):
        played.api.serial = serial
        played.task = replace(played.task, claims=claims, host=host)
    second.keeper.ref = "vault_file:/srv/secrets/y"
    first.play()
    first.play()
    with pytest.raises(Conflict) as caught:
        second.play()
    assert (
        'key "a" of alias is also the one of box, because both are the same appliance' in caught.value.reason
    )
    assert second.events == ["store read", "appliance read"]
    second.keeper.ref = first.keeper.ref
    second.play()
