# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of trying an endpoint map, for each of its operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

READS = {"sensor": "tokens.list", "forescout": "settings.read"}
WRITES = {"sensor": ("tokens.create", "tokens.delete"), "forescout": ("settings.update",)}


def endpoint_map_report(
    result: Mapping[str, Any], endpoints: Mapping[str, Any], proof: Mapping[str, Any] | None = None
) -> list[dict[str, str]]:
    """Return for every operation of a map whether it works, fails, was not tried, or is missing.

    ``result`` is the result of an info module with that map. ``proof`` has the ``description`` of a temporary
    token, and the results of the modules that ``created`` and ``deleted`` it, and that listed the tokens
    between (``listed``) and ``after``.
    """
    failed = result.get("failed") or result.get("unreachable")
    if failed and not result.get("failure"):
        return [_line("map", "fails", str(result.get("msg", "no response")))]
    product = endpoints["product"]
    if failed:
        return [*_failure(result, endpoints, READS[product]), *_writes(product, endpoints)]
    login = _line("login", "works", "the appliance accepted the login")
    read = _line(READS[product], "works", _seen(result, endpoints))
    writes = _proved(result, proof) if proof else _writes(product, endpoints)
    return [login, read, _version(endpoints), *writes]


def _failure(result: Mapping[str, Any], endpoints: Mapping[str, Any], read: str) -> list[dict[str, str]]:
    said, path = str(result["msg"]), result["failure"]["path"]
    if result.get("unreachable") or path is None or path in _login_paths(endpoints["login"]):
        return [_line("login", "fails", said), _line(read, "not tried", "it requires the login")]
    return [_line("login", "works", "the appliance accepted the login"), _line(read, "fails", said)]


def _login_paths(login: Mapping[str, Any]) -> list[str]:
    """Return the paths of a login. A login of schema 1 has a request, and perhaps a page before it."""
    old = [login.get("before"), login.get("request", {}).get("path")]
    return [path for path in (*old, *(step["path"] for step in login.get("steps", ()))) if path]


def _seen(result: Mapping[str, Any], endpoints: Mapping[str, Any]) -> str:
    if "tokens" not in result:
        return "the server address was found"
    rows, operation = result["tokens"], endpoints["tokens"]["list"]
    if not rows:
        return "the list is empty, so the map's fields could not be tried; create a token and check again"
    used = sum(row["used"] is not None for row in rows)
    counted = "total" in operation.get("paging", {})
    of = "the appliance reports the same total" if counted else "the answer has no total"
    found = f"{len(rows)} tokens, {used} of them used; {of}; every field was found"
    if used and "used_format" not in operation:
        return f"{found}; without used_format, only ISO 8601 and times since 1970 can be compared"
    return found


def _proved(result: Mapping[str, Any], proof: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the results of creating and deleting a temporary token."""
    created = proof["created"]
    if _failed(created):
        is_left = "tokens" in proof["after"] and _ids(proof["after"], proof["description"])
        left = f"; {_left_behind(proof)}" if is_left else ""
        return _results(("fails", f"{created.get('msg')}{left}"), ("not tried", "it requires tokens.create"))
    if not created.get("minted"):
        left = "an earlier check left the temporary token, which this run deletes; run the check again"
        untried = "check mode creates and deletes nothing" if created.get("changed") else left
        return _results(("not tried", untried), ("not tried", untried))
    lists = [result, proof["listed"], proof["after"]]
    failed = next((each for each in lists if "tokens" not in each), None)
    if failed:
        why = f"the list could not be read again: {failed.get('msg')}; {_left_behind(proof, 'may be')}"
        return _results(("fails", why), ("fails", why))
    before, between, after = map(_ids, lists)
    new = sorted(_ids(proof["listed"], proof["description"]) - before)
    if between - before != set(new) or len(new) != 1 or before - between:
        why = f"{_changed(before, between)} after the creation; the map's tokens.list may not read all tokens"
        return _results(
            ("fails", f"{why}; {_left_behind(proof)}"), ("not tried", "it requires tokens.create")
        )
    return _results(
        ("works", "the list has one token more, the temporary one"), _deleted(proof, before, after)
    )


def _deleted(proof: Mapping[str, Any], before: set[str], after: set[str]) -> tuple[str, str]:
    left = f"; {_left_behind(proof)}" if after - before else ""
    if _failed(proof["deleted"]):
        return "fails", f"{proof['deleted'].get('msg')}{left}"
    if before != after:
        return "fails", f"{_changed(before, after)} after the deletion{left}"
    return "works", "only that token was deleted"


def _failed(result: Mapping[str, Any]) -> bool:
    return bool(result.get("failed") or result.get("unreachable"))


def _ids(listed: Mapping[str, Any], description: str | None = None) -> set[str]:
    rows = listed["tokens"]
    return {str(row["id"]) for row in rows if description in (None, row["description"])}


def _changed(before: set[str], now: set[str]) -> str:
    return f"the list had the ids {_joined(before)} before, and has {_joined(now)}"


def _left_behind(proof: Mapping[str, Any], verb: str = "is") -> str:
    return f'the token "{proof["description"]}" {verb} left on the sensor: delete it manually'


def _results(create: tuple[str, str], delete: tuple[str, str]) -> list[dict[str, str]]:
    return [_line("tokens.create", *create), _line("tokens.delete", *delete)]


def _joined(ids: set[str]) -> str:
    return ", ".join(sorted(ids)) or "none"


def _version(endpoints: Mapping[str, Any]) -> dict[str, str]:
    versions = endpoints["versions"]
    listed = any(
        "version" in each for name in ("tokens", "settings") for each in endpoints.get(name, {}).values()
    )
    if listed:
        return _line("version", "works", f"the map supports the appliance's version, {versions}")
    return _line(
        "version", "not tried", f"no response contains it; the map is for {versions}; check it manually"
    )


def _writes(product: str, endpoints: Mapping[str, Any]) -> list[dict[str, str]]:
    lines = []
    for place in WRITES[product]:
        group, name = place.split(".")
        known = name in endpoints.get(group, {})
        state = (
            ("not tried", "it writes, and this check only reads") if known else ("missing", "not in the map")
        )
        lines.append(_line(place, *state))
    return lines


def _line(operation: str, state: str, detail: str) -> dict[str, str]:
    return {"operation": operation, "state": state, "detail": detail}


class FilterModule:
    """The collection's filters for endpoint maps."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"endpoint_map_report": endpoint_map_report}
