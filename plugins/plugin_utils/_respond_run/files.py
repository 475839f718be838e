# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a site: decisions.json, and the proposal as Markdown and YAML.

A run that decides the same again writes none of them, so that Git and a reviewer see a change only if there
is one.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ...module_utils._engine.errors import Conflict
from ...module_utils._engine.files import make_private_folder, open_regular, refuse_irregular
from ...module_utils._engine.moment import read_moment
from .._respond.document import VERSION
from .._respond.entries import APPROVAL
from .._respond.proposal import as_markdown, as_yaml

Document = Mapping[str, Any]

MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
CHANGES = ("block", "renew", "release")
IN_FORCE = ("block", "renew", "keep")


def as_json(document: Document) -> str:
    """Return a document as JSON."""
    return json.dumps(document, indent=2) + "\n"


# The last one is complete only if the others are.
FILES: dict[str, Callable[[Document], str]] = {
    "proposal.md": as_markdown,
    "proposal.yml": as_yaml,
    "decisions.json": as_json,
}


class Publication:
    """The files in a folder. ``previous`` is the document of an earlier run, {} if there is no usable one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.previous = _read(folder / "decisions.json")

    def is_current(self, document: Document, now: datetime) -> bool:
        """Return whether the files already say what a document says."""
        if not all((self.folder / name).is_file() for name in FILES):
            return False
        if document["mode"] == "enforce" and any(document["counts"][each] for each in CHANGES):
            return False
        return _same(self.previous, document) and _is_fresh(self.previous, document, now)

    def write(self, document: Document) -> None:
        """Replace the files, each at once. Raises OSError."""
        make_private_folder(self.folder)
        for name, render in FILES.items():
            _replace(self.folder / name, render(document).encode("utf-8", "replace"))

    def ended(self) -> set[tuple[str, str]]:
        """Return the alerts that have blocked an address for as long as they may without a person."""
        return {_alert(each) for each in self.previous.get("ended", ())}

    def new_refusals(self, document: Document) -> Iterator[Mapping[str, Any]]:
        """Yield each matched alert without a block that the earlier document does not explain the same."""
        known = {_refusal(row) for row in self.previous.get("decisions", ()) if row["decision"] == "none"}
        released = _released(self.previous)
        for row in document["decisions"]:
            is_refused = row["decision"] == "none" and row["matched"]
            if is_refused and _alert(row) not in released and _refusal(row) not in known:
                yield row

    def new_caps(self, document: Document) -> list[str]:
        """Return the sentences about exceeded caps that the earlier document does not have."""
        return [each for each in document["exceeded"] if each not in self.previous.get("exceeded", ())]


def _read(path: Path) -> dict[str, Any]:
    """Return a document of this version. What is damaged or missing is written anew."""
    try:
        with open_regular(path) as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if _is_usable(found) else {}


def _is_usable(found: Any) -> bool:
    """Return whether everything that is read of a document is there. An operator may have edited it."""
    try:
        _lasting(found, _released(found))
        as_yaml(found)
        for each in found["entries"]:
            read_moment(each["until"])
        return bool(found["version"] == VERSION)
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def _same(old: Document, new: Document) -> bool:
    """Return whether two documents decide the same, at whatever time.

    In enforce mode, a block that a run has made is one that the next run keeps.
    """
    if not old or old["mode"] != new["mode"]:
        return False
    handled = _released(old) if new["mode"] == "enforce" else set()
    return _lasting(old, handled) == _lasting(new, handled)


def _lasting(document: Document, handled: set[tuple[str, str]]) -> list[Any]:
    """Return what does not change with time. ``handled`` are alerts whose entries have been released."""
    is_enforced = document["mode"] == "enforce"
    rows = [
        [*_alert(row), row["device"], row["address"], _word(row, is_enforced), _timeless(row), row["matched"]]
        for row in document["decisions"]
        if not (is_enforced and row["decision"] == "release") and _alert(row) not in handled
    ]
    entries = [
        {**each, "until": each["until"] if each["source"] == APPROVAL else ""} for each in document["entries"]
    ]
    ended = [_alert(each) for each in document["ended"]]
    same = ("collection", "site", "catalogue", "outcome", "exceeded", "unread")
    return [*(document[name] for name in same), sorted(rows, key=str), entries, ended]


def _word(row: Mapping[str, Any], is_enforced: bool) -> str:
    return "blocked" if is_enforced and row["decision"] in IN_FORCE else str(row["decision"])


def _timeless(row: Mapping[str, Any]) -> str:
    return MOMENT.sub("", row["reason"])


def _alert(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row["sensor"]), str(row["alert"])


def _refusal(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return (*_alert(row), _timeless(row))


def _released(document: Document) -> set[tuple[str, str]]:
    """Return the alerts whose entries were released. The next run may list them as not blocked."""
    return {_alert(row) for row in document.get("decisions", ()) if row["decision"] == "release"}


def _is_fresh(old: Document, new: Document, now: datetime) -> bool:
    """Return whether the times of the earlier entries still have at least half of their duration."""
    until = {each["address"]: read_moment(each["until"]) for each in old["entries"]}
    return all(
        (until[each["address"]] - now) * 2 >= read_moment(each["until"]) - now for each in new["entries"]
    )


def _replace(path: Path, content: bytes) -> None:
    """Replace a file at once, with the mode that the umask gives. Raises OSError."""
    refuse_irregular(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def folder_of(folder: str, site: str) -> Path:
    """Return the folder of a site's files."""
    return Path(folder).expanduser().absolute() / site


def unwritable(error: OSError) -> Conflict:
    """Return the error of a file that could not be written."""
    return Conflict(
        f"{error.filename} cannot be written: {error.strerror}",
        "correct the permissions or the disk space of respond_folder, and run again",
    )
