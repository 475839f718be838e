# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draft an endpoint map from a recording. Follows the values that the operator typed and saw.

The names of paths, fields, cookies and headers are not known in advance. Pure.
"""

from __future__ import annotations

import re
from urllib.parse import quote

import yaml

from ....module_utils._engine.errors import InvalidOptions
from ....module_utils._wire.web_interface import PLACEHOLDER
from ..load import Fault, checked_endpoint_map
from ..recording.har import read_recording
from ..recording.values import decodings, texts
from .operations import Drafter
from .session import Draft, RecordedSession
from .sign_in import SignIn
from .writer import is_secret, is_telling


def draft(recording: str, session: RecordedSession) -> Draft:
    """Return the draft of a map from the text of a HAR file. Raises InvalidOptions."""
    read = read_recording(recording)
    made = Draft(
        {
            "schema": 2,
            "product": session.product,
            "provenance": "captured",
            "versions": session.version or "unknown",
        },
        skipped=read.skipped,
    )
    drafter = Drafter(read, session, made)
    operations = drafter.tokens() if session.product == "sensor" else drafter.settings()
    if operations:
        SignIn(drafter, operations).write()
    drafter.note_evicted()
    try:
        checked_endpoint_map(made.endpoints)
    except Fault as fault:
        if not made.missing:
            made.miss(fault.where, "invalid", fault=fault.why)
    secrets = drafter.secrets | drafter.flow.followed
    made.found = [_masked(each, secrets) for each in made.found]
    made.missing = [_masked(each, secrets) for each in made.missing]
    _require_no_secret(made, secrets, session.password)
    return made


def text_of(made: Draft) -> str:
    """Return the map as YAML. Comments at the top list what is missing."""
    head = ["# Drafted from a recording. Read it before you use it."]
    head += [f"# Missing: {each}" for each in made.missing]
    body = yaml.safe_dump(
        made.endpoints, sort_keys=False, width=100, allow_unicode=True, default_flow_style=None
    )
    return "\n".join(["---", *head, body])


def _masked(note: str, secrets: set[str]) -> str:
    """Return a note without the secrets that paths in it may have."""
    for secret in sorted(filter(is_telling, secrets), key=len, reverse=True):
        note = note.replace(secret, "...").replace(quote(secret, safe=""), "...")
    return note


def _require_no_secret(made: Draft, secrets: set[str], password: str) -> None:
    """Raise InvalidOptions if the draft contains a secret of the recording, at any depth, encoded or not."""
    drafted = [*texts(made.endpoints), *made.found, *made.missing]
    remedy = "report how the appliance sends it, but do not send the recording"
    if password.isalpha() and any(password in text for text in drafted):
        remedy = "set a password for this account that is no word of another text, and record again"
    for text in drafted:
        plain = PLACEHOLDER.sub("", text)
        if any(is_secret(each, secrets) or _words(each) & _unusual(secrets) for each in decodings(plain)):
            raise InvalidOptions(
                "the draft would contain a secret of the recording, so it was not written", remedy
            )


def _words(text: str) -> set[str]:
    return set(re.split(r"[^A-Za-z0-9_-]+", text))


def _unusual(secrets: set[str]) -> set[str]:
    """Return the secrets too short to search for inside other texts, without those that may be words."""
    return {each for each in secrets if not is_telling(each) and not each.islower()}
