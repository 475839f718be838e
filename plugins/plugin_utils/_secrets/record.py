# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a secret in a store: pure functions from record to record.

A record has ``value`` and, beside it, ``id``, ``created_at``, ``rotation_id``, ``salt``, ``verified`` and
``delivered`` (the fingerprints of the verified value and of each consumer's value), ``delivered_at`` (the
start of each delivery), ``consumers`` (all that it was ever assigned to), ``pending`` during a minting,
``previous`` until the new value is verified, and ``doubt`` while an earlier run may have made the value void.
``belongs_to`` has ``host``, ``address``, ``name`` and ``serials`` of a Belonging. ``trusted`` has the trusted
hosts that came from the inventory, each with its inventory name.
An operator may write a record with only ``value``, or replace only the value.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ...module_utils._engine.belonging import Belonging
from ...module_utils._engine.moment import as_text, now
from ...module_utils._engine.secret import Secret, fingerprint
from .owner import Owner

Record = dict[str, Any]

OF_A_VALUE = ("value", "id", "created_at", "rotation_id")
PARTS = ("pending", "previous", "verified", "delivered", "delivered_at", "trusted", "belongs_to")
SALT_BYTES = 16


def is_well_formed(record: Mapping[str, Any]) -> bool:
    """Return whether a stored mapping is a valid record."""
    parts = [record.get(name) or {} for name in PARTS]
    if not all(isinstance(part, dict) for part in parts):
        return False
    belongs_to = parts[-1]
    if not _is_belonging(belongs_to):
        return False
    texts = [record.get("salt", ""), *(each.get("value", "") for each in (record, *parts[:2]))]
    if not all(isinstance(text, str) for text in texts) or len(texts[0].encode()) > SALT_BYTES:
        return False
    if not all(isinstance(text, str) for text in (record.get("trusted") or {}).values()):
        return False
    return isinstance(parts[0].get("known", []), list) and isinstance(record.get("consumers", []), list)


def _is_belonging(part: Mapping[str, Any]) -> bool:
    serials = part.get("serials", [])
    texts = [part.get(name, "") for name in ("host", "address", "name")]
    return isinstance(serials, list) and all(isinstance(text, str) for text in (*texts, *serials))


def belonging(record: Mapping[str, Any]) -> Belonging | None:
    """Return what the secret belongs to, None if the record does not say."""
    part = record.get("belongs_to")
    if not part:
        return None
    host, address, name = (part.get(each, "") for each in ("host", "address", "name"))
    return Belonging(host, address, name, tuple(part.get("serials", ())))


def bound(record: Record, owner: Belonging) -> Record:
    """Record what the secret belongs to. Serial numbers are added: a cluster has several units."""
    known = belonging(record)
    serials = sorted({*(known.serials if known else ()), *owner.serials})
    part = {"host": owner.host, "address": owner.address, "name": owner.name}
    return {**record, "belongs_to": {**part, "serials": serials} if serials else part}


def secret(ref: str, record: Mapping[str, Any], part: str) -> Secret | None:
    """Return the current, pending or previous value, None if there is none."""
    holder = record if part == "current" else record.get(part) or {}
    value = holder.get("value")
    if not value:
        return None
    salt, verified = record.get("salt", ""), record.get("verified") or {}
    proved = verified.get("fingerprint") == fingerprint(salt, value)
    return Secret(
        ref=ref,
        value=value,
        salt=salt,
        id=holder.get("id"),
        created_at=_text(holder.get("created_at")),
        rotation_id=_text(holder.get("rotation_id")),
        verified_at=_text(verified.get("at")) if proved else None,
        delivered=dict(record.get("delivered") or {}),
        delivered_at=dict(record.get("delivered_at") or {}),
        consumers=tuple(map(str, record.get("consumers", ()))),
    )


def reserved(record: Record, salt: str, owner: Owner, known: Sequence[str]) -> Record:
    """Begin a minting. A new record gets a salt; a record with a value keeps its fingerprint."""
    salted = record if "value" in record else {"salt": salt, **record}
    return {**salted, "pending": {"since": as_text(now()), "owner": owner, "known": list(known)}}


def doubted(record: Record, doubt: Any) -> Record:
    """Doubt the value; None ends the doubt."""
    changed = _without(record, "doubt") if doubt is None else {**record, "doubt": doubt}
    return changed if changed.keys() - {"salt", "belongs_to"} else {}


def new_doubt(id_: str) -> Record:
    """Return a doubt that differs from every other one."""
    return {"since": as_text(now()), "id": id_}


def settled(record: Record, doubt: Any) -> Record:
    """End a doubt, unless another one was recorded since."""
    return _without(record, "doubt") if record.get("doubt") == doubt else record


def released(record: Record) -> Record:
    """End a minting without a result. A record without a value becomes empty."""
    kept = _without(record, "pending")
    return kept if "value" in kept else {}


def persisted(record: Record, value: str, id_: Any, rotation_id: str | None) -> Record:
    """Add a minted value to the pending record."""
    made = {"value": value, "id": id_, "created_at": as_text(now()), "rotation_id": rotation_id}
    known = {name: each for name, each in made.items() if each is not None}
    return {**record, "pending": {**record.get("pending", {}), **known}}


def committed(record: Record, verified: bool, id_: Any, keep_previous: bool) -> Record:
    """Make the pending value current, and with ``keep_previous`` the current one previous.

    Otherwise the record keeps an existing previous value, because the replaced one is void.
    """
    pending, kept = record["pending"], _without(record, "pending")
    old = {name: kept.pop(name) for name in OF_A_VALUE if name in kept}
    if keep_previous and old:
        kept["previous"] = old
    kept.update({name: pending[name] for name in OF_A_VALUE if name in pending})
    if id_ is not None:
        kept["id"] = id_
    return proved(kept) if verified else kept


def confirmed(record: Record) -> Record:
    """Record that the appliance accepted the current value, so an unfinished minting changed nothing."""
    return proved(_without(record, "pending"))


def proved(record: Record) -> Record:
    """Record that the appliance accepted the current value."""
    mark = fingerprint(record.get("salt", ""), record["value"])
    return {**record, "verified": {"at": as_text(now()), "fingerprint": mark}}


def retired(record: Record) -> Record:
    """Remove the previous value."""
    return _without(record, "previous")


def consumed(record: Record, consumer: str) -> Record:
    """Record that the secret is assigned to a consumer, unless the secret was removed."""
    if "value" not in record:
        return record
    return {**record, "consumers": sorted({*record.get("consumers", ()), consumer})}


def abandoned(record: Record, consumers: Collection[str]) -> Record:
    """Record that the secret is no longer assigned to some consumers."""
    left = [each for each in record.get("consumers", ()) if each not in consumers]
    kept = {**record, "consumers": left} if "consumers" in record else {**record}
    for part in record.keys() & {"delivered", "delivered_at"}:
        kept[part] = {name: each for name, each in (record[part] or {}).items() if name not in consumers}
    return kept


def delivered(record: Record, consumer: str, mark: str, at: str) -> Record:
    """Record the fingerprint of a consumer's value, and since when, unless the secret was removed."""
    if "value" not in record:
        return record
    noted = {"delivered": mark, "delivered_at": at}
    return {**record, **{part: {**(record.get(part) or {}), consumer: each} for part, each in noted.items()}}


def trusting(record: Record, hosts: Mapping[str, str]) -> Record:
    """Record the trusted hosts that came from the inventory, unless the secret was removed."""
    return {**record, "trusted": dict(hosts)} if "value" in record else record


def _without(record: Record, name: str) -> Record:
    return {each: value for each, value in record.items() if each != name}


def _text(value: Any) -> str | None:
    return str(value) if value else None
