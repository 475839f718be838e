# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The messages of errors, and their form for machines."""

from __future__ import annotations

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    Conflict,
    Locked,
    NotFound,
    Refused,
    SecretStoreError,
    Unreachable,
    Unsupported,
    attempting,
)

SENTENCES = [
    (Refused("permission denied", status=403), "failed (403)"),
    (Refused("permission denied", status=403, code=-37), "failed (403, -37)"),
    (Refused("permission denied", code=-37), "failed (-37)"),
    (Refused("permission denied"), "failed"),
    (Locked("permission denied", status=429), "failed (429)"),
    (NotFound("permission denied", status=404), "failed (404)"),
    (Unreachable("permission denied"), "failed"),
    (Unsupported("permission denied"), "is not supported"),
    (SecretStoreError("permission denied"), "failed"),
    (ApplianceError("permission denied", code=0), "failed (0)"),
]


@pytest.mark.parametrize(("error", "outcome"), SENTENCES)
def test_the_sentence_names_appliance_attempt_and_answer(error: ApplianceError, outcome: str) -> None:
    with pytest.raises(ApplianceError) as caught, attempting('updating admin profile "ro"'):
        raise error
    assert (
        caught.value.sentence("fgt01") == f'fgt01: updating admin profile "ro" {outcome}: permission denied'
    )


def test_an_error_outside_every_attempt_still_makes_a_sentence() -> None:
    assert Refused("no").sentence("fgt01") == "fgt01: the task failed: no"


def test_the_innermost_attempt_names_the_error() -> None:
    with pytest.raises(ApplianceError) as caught, attempting("the whole"), attempting("the part"):
        raise ApplianceError("no")
    assert caught.value.attempt == "the part"


def test_an_attempt_leaves_other_exceptions_alone() -> None:
    with pytest.raises(Conflict, match=r"\Ano way\Z"), attempting("the whole"):
        raise Conflict("no way")


def test_an_attempt_that_succeeds_is_silent() -> None:
    with attempting("the whole"):
        done = True
    assert done


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (Refused("no", status=403, code=-37, path="/p"), {"status": 403, "code": -37, "path": "/p"}),
        (Unreachable("no"), {"status": None, "code": None, "path": None}),
    ],
)
def test_machines_get_the_numbers_and_the_path(error: ApplianceError, failure: dict[str, object]) -> None:
    assert error.failure == failure


@pytest.mark.parametrize(
    ("special", "general"),
    [(Locked, Refused), *((each, ApplianceError) for each in (Refused, NotFound, Unreachable, Unsupported))],
)
def test_special_errors_are_caught_as_the_general_one(special: type, general: type) -> None:
    assert issubclass(special, general)


@pytest.mark.parametrize("unclear", [ApplianceError, NotFound, Unreachable, Unsupported, SecretStoreError])
def test_only_a_refusal_proves_that_the_appliance_said_no(unclear: type) -> None:
    assert not issubclass(unclear, Refused)
