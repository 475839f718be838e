# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For any answer of a FortiGate, a verb returns a result or raises one sentence without a secret."""

from __future__ import annotations

import io
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import ApplianceError
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Field, Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate import api as fortigate_api
from ansible_collections.otsec.defender_iot.plugins.module_utils._wire.https import Http
from ansible_collections.otsec.defender_iot.tests.unit.fakes import CONNECTION

ADMIN = Resource(
    label="REST API administrator", kind="admin", path="system/api-user", fields={"name": Field("name")}
)
TOKEN, PASSWORD, MINTED = "the-token-0123", "the-password-4567", "the-key-8901"
ACCOUNT = {"token": TOKEN, "username": None, "password": None, "vdom": None}
LOGIN = {"token": None, "username": "admin", "password": PASSWORD, "vdom": None}
LONGEST_SENTENCE = 600
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "30"))
"""Examples for each verb and login, always the same ones. More, such as 2000, find more."""
VERBS = {
    "read": ("a",),
    "table": (),
    "create": ("a", {"name": "a"}),
    "update": ("a", {"comments": "b"}),
    "delete": ("a",),
    "mint": ("a",),
    "probe": ("a", MINTED),
}

TEXTS = st.text(st.characters(exclude_categories=()), max_size=20) | st.just("\n\x1b[31m" * 500)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([10**400, -3, -5, 200, "success", "error", "system", "api-user", "a", MINTED])
    | TEXTS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
HOSTS = st.fixed_dictionaries(
    {}, optional={"type": VALUES, "ipv4-trusthost": VALUES | st.just("127.0.0.0 255.0.0.0")}
)
ROWS = st.fixed_dictionaries(
    {}, optional={"name": st.just("a") | VALUES, "trusthost": st.lists(HOSTS) | VALUES}
)
ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "path": st.just("system") | VALUES,
        "name": st.just("api-user") | VALUES,
        "status": st.sampled_from(["success", "error", 5, 6]) | VALUES,
        "status_code": VALUES,
        "error": VALUES,
        "cli_error": st.lists(TEXTS | VALUES) | VALUES,
        "results": st.lists(ROWS, max_size=3) | st.fixed_dictionaries({"access_token": VALUES}) | VALUES,
    },
)
JSON = (ENVELOPES | VALUES).map(lambda value: json.dumps(value).encode())


def cut(body: bytes) -> st.SearchStrategy[bytes]:
    """Truncate a body."""
    return st.integers(0, len(body)).map(lambda end: body[:end])


BODIES = (
    JSON
    | JSON.flatmap(cut)
    | st.binary(max_size=50)
    | st.sampled_from(
        [b"", b"[" * 100_000, b"1" * 5000, b"<html></html>", b'{"results": NaN}', b"\xff\xfe{}"]
    )
)
PACKED = BODIES.map(zlib.compress) | BODIES.map(zlib.compress).flatmap(cut) | BODIES
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Content-Encoding": st.sampled_from(["deflate", "gzip", "br", "gzip, gzip", "é"]),
        "Content-Type": TEXTS.map(lambda text: text.encode("latin-1", "replace").decode("latin-1")),
        "Location": st.sampled_from(["/", "https://jo:pw@other.example/?x=1", "//[", "\x00", "x" * 5000]),
        "Retry-After": st.sampled_from(["30", "-1", "soon", "9" * 5000, "٣"]),
        "Set-Cookie": st.sampled_from(["ccsrftoken=%22x%22; path=/", "=", ";;;", "ccsrf_token_1=\x00"]),
    },
)
STATUSES = st.sampled_from([200, 200, 200, 201, 204, 301, 302, 400, 401, 403, 404, 429, 500, 502, 999])
ANSWERS = st.tuples(STATUSES, HEADERS, BODIES | PACKED)


class Generated(HTTPAdapter):
    """An adapter that returns the answers of a list repeatedly."""

    def __init__(self, answers: list[Any]) -> None:
        super().__init__()
        self.answers: Iterator[Any] = iter(answers * 9)

    def send(self, request: PreparedRequest, *_arguments: Any, **_options: Any) -> Response:
        status, headers, body = next(self.answers)
        raw = HTTPResponse(io.BytesIO(body), headers, status, preload_content=False, decode_content=False)
        return self.build_response(request, raw)


def assert_one_sentence(error: ApplianceError) -> None:
    """Check that an error is short, printable, and without a secret."""
    sentence = error.sentence("fgt")
    assert sentence.isprintable()
    assert len(sentence) < LONGEST_SENTENCE
    assert not any(secret in sentence for secret in (TOKEN, PASSWORD))


@pytest.mark.parametrize("account", [ACCOUNT, LOGIN], ids=["token", "password"])
@pytest.mark.parametrize("verb", VERBS)
@given(answers=st.lists(ANSWERS, min_size=1, max_size=3))
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_any_answer_gives_a_result_or_a_sentence(
    verb: str, account: dict[str, Any], answers: list[Any]
) -> None:
    wire = Generated(answers)

    def connected(params: Any) -> Http:
        http = Http(params)
        http.session.mount("https://", wire)
        return http

    options = {**CONNECTION, "url": "127.0.0.1", "validate_certs": False}

    with (
        patch.object(fortigate_api, "Http", connected),
        closing(fortigate_api.FortiGate({**options, **account})) as appliance,
    ):
        try:
            getattr(appliance, verb)(ADMIN, *VERBS[verb])
        except ApplianceError as error:
            assert_one_sentence(error)
