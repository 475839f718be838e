# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Good, compressed and broken answers, and values that cannot be sent."""

from __future__ import annotations

import gzip
import json
import zlib
from contextlib import closing
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    InvalidOptions,
    Unreachable,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Field, Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api import FortiGate
from ansible_collections.otsec.defender_iot.tests.support.certificates import Certificates
from ansible_collections.otsec.defender_iot.tests.support.servers import http
from ansible_collections.otsec.defender_iot.tests.support.wire import (
    CHUNKED,
    DOUBT,
    MANY,
    SECRET,
    appliance,
    ask,
    bomb,
    endless,
    failure,
    session,
)

# --- form


@pytest.mark.parametrize(
    "answer",
    [
        http(gzip.compress(b'{"is": "well"}'), "Content-Encoding: gzip"),
        http(gzip.compress(b'{"is"') + gzip.compress(b': "well"}'), "Content-Encoding: GZIP"),
        http(zlib.compress(b'{"is": "well"}'), "Content-Encoding: deflate"),
        http(b'{"is": "well"}', "Content-Encoding: identity", "Content-Type: text/html; charset=latin-1"),
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"is"\r\n9\r\n: "well"}\r\n0\r\n\r\n',
        b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"is": "well"}',
    ],
    ids=["gzip", "gzip in two", "deflate", "identity", "chunks", "until the end"],
)
def test_an_answer_is_unpacked(certificates: Certificates, answer: bytes) -> None:
    with appliance(certificates, answer) as box:
        assert ask(box.url, certificates).json() == {"is": "well"}


def test_gzip_is_all_that_is_asked_for(certificates: Certificates) -> None:
    with appliance(certificates) as box:
        ask(box.url, certificates)
        assert box.requests[0][1]["accept-encoding"] == "gzip"


def test_names_are_utf_8_whatever_the_headers_say(certificates: Certificates) -> None:
    body = json.dumps({"name": "Füllstation"}, ensure_ascii=False).encode()
    with appliance(certificates, http(body, "Content-Type: text/html; charset=iso-8859-1")) as box:
        assert ask(box.url, certificates).json() == {"name": "Füllstation"}


BROKEN = {
    "gzip that is none": http(b'{"is": "well"}', "Content-Encoding: gzip"),
    "half a body": b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\n{"is": ',
    "chunk of no length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "chunk that breaks off": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n9\r\n{}"
    ),
    "trailer without an end": endless(CHUNKED + b"0\r\nX: ", MANY),
    "length of a chunk without an end": endless(CHUNKED, b"0" * (1 << 20)),
    "no HTTP": b"220 mail.example ESMTP\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    "a header too long": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_is_no_answer(certificates: Certificates, answer: Any) -> None:
    with appliance(certificates, answer) as box, pytest.raises(Unreachable) as caught:
        ask(box.url, certificates, "POST", timeout=2)
    assert caught.value.reason.endswith(DOUBT)
    assert any(said in caught.value.reason for said in ("lost in the middle", "decompressed"))


@pytest.mark.parametrize("packed", ["br", "zstd", "gzip, gzip", "gzip\r\nContent-Encoding: gzip", "x-odd"])
def test_what_was_not_asked_for_is_not_unpacked(certificates: Certificates, packed: str) -> None:
    with appliance(certificates, http(bomb(1 << 24, layers=2), f"Content-Encoding: {packed}")) as box:
        assert "its answer has a content encoding that was not requested" in failure(box.url, certificates)


NO_JSON = {
    "deep nesting": b"[" * 200_000,
    "not a number": b'{"results": NaN}',
    "infinity": b'{"results": -Infinity}',
    "huge number": b"1" * 100_000,
    "byte order mark": b"\xef\xbb\xbf{",
    "nothing": b"",
    "bytes": bytes(range(256)),
    "HTML": b"<html></html>",
}


def test_half_of_a_packed_answer_is_not_json(certificates: Certificates) -> None:
    half = gzip.compress(b'{"is": "well"}')[:-10]
    with (
        appliance(certificates, http(half, "Content-Encoding: gzip")) as box,
        pytest.raises(ApplianceError) as caught,
    ):
        ask(box.url, certificates).json()
    assert "where JSON was expected" in caught.value.reason


def test_half_a_character_in_an_answer_is_named_as_the_cause(certificates: Certificates) -> None:
    with (
        appliance(certificates, http(b'{"name": "\\ud83d"}')) as box,
        pytest.raises(ApplianceError, match="text that is not UTF-8, such as the name of an object"),
    ):
        ask(box.url, certificates).json()


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
def test_what_nobody_can_use_is_not_json(certificates: Certificates, body: bytes) -> None:
    with (
        appliance(certificates, http(body)) as box,
        pytest.raises(ApplianceError, match="where JSON was expected"),
    ):
        ask(box.url, certificates).json()


@pytest.mark.parametrize("name", [r"\ud83d\ude00", "😀"])
def test_a_whole_character_is_json_however_it_is_written(certificates: Certificates, name: str) -> None:
    with appliance(certificates, http(f'{{"name": "{name}"}}'.encode())) as box:
        assert ask(box.url, certificates).json() == {"name": "😀"}


# --- every verb of a FortiGate


ADMIN = Resource(
    label="REST API administrator", kind="admin", path="system/api-user", fields={"name": Field("name")}
)
VERBS = {
    "read": ("a",),
    "table": (),
    "create": ("a", {}),
    "update": ("a", {}),
    "delete": ("a",),
    "mint": ("a",),
    "probe": ("a", SECRET),
}


@pytest.mark.parametrize("account", ["token", "username"])
@pytest.mark.parametrize("answer", [*BROKEN.values(), *map(http, NO_JSON.values())], ids=[*BROKEN, *NO_JSON])
def test_every_verb_of_a_fortigate_says_one_sentence_of_it(
    certificates: Certificates, answer: Any, account: str
) -> None:
    accounts = {"token": None, "username": None, "password": None, account: SECRET}
    params = {"validate_certs": True, "ca_path": certificates.ca_path, "connect_timeout": 5, "timeout": 2}
    with appliance(certificates, answer) as box:
        for verb, arguments in VERBS.items():
            with (
                closing(FortiGate({"url": box.url, "vdom": None, **params, **accounts})) as api,
                pytest.raises(ApplianceError) as caught,
            ):
                getattr(api, verb)(ADMIN, *arguments)
            assert caught.value.reason.isprintable()
            assert SECRET not in caught.value.sentence("fgt").replace(f'login as "{SECRET}"', "")


# --- what cannot be sent


@pytest.mark.parametrize("token", ["to\nken", "to\r\nken"])
def test_a_token_with_a_line_break_is_told_so(certificates: Certificates, token: str) -> None:
    with appliance(certificates) as box:
        with (
            session(box.url, certificates) as api,
            pytest.raises(InvalidOptions, match="a character that a request cannot carry") as caught,
        ):
            api.request("GET", "/", headers={"Authorization": f"Bearer {token}"})
        assert "ken" not in str(caught.value).replace("token, password", "")
        assert box.requests == []


def test_a_password_beyond_latin_is_sent_in_utf_8(certificates: Certificates) -> None:
    with appliance(certificates) as box:
        with session(box.url, certificates) as api:
            api.request("GET", "/", headers={"X-Admin-Passwd": "п€"})
        assert box.requests[0][1]["x-admin-passwd"].encode("latin-1").decode() == "п€"


def test_a_host_that_cannot_exist_is_told_so(certificates: Certificates) -> None:
    with pytest.raises(InvalidOptions, match="url contains a host name that is not valid"):
        ask("https://fgt..example", certificates)
