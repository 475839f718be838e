# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What answers of both generations of the query interface have in common, and the reading of XML.

XML from an appliance is data of others: raw events are in it. No document type, no entity and no network
address in it is ever read, and its depth is bounded by the parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .._engine.errors import ApplianceError, InvalidOptions, Refused
from .._wire.https import Response

try:
    from lxml import etree
except ImportError:
    etree = None

LONGEST_QUOTE = 200
PROLOG = re.compile(r"(?:\s|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
ILLEGAL = re.compile(
    r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    r"|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F]));"
)
"""Characters, and references to them, that XML 1.0 forbids but raw events have."""


@dataclass(frozen=True)
class Query:
    """One search. ``where`` is in FortiSIEM's language, ``low`` and ``high`` are seconds since 1970."""

    where: str
    low: int
    high: int
    limit: int


@dataclass(frozen=True)
class Rows:
    """The newest events, each with its attributes by name, and how many match, None if that is unknown."""

    rows: list[dict[str, Any]]
    total: int | None


COLUMNS = (
    *("phRecvTime", "reptDevIpAddr", "reptDevName", "eventType", "eventName"),
    *("parserName", "collectorId", "rawEventMsg"),
)


def require_parser() -> None:
    """Raise InvalidOptions if this host cannot read XML."""
    if etree is None:
        raise InvalidOptions(
            "the XML interface needs the Python package lxml on the host that sends the requests",
            "install it there, or set api to json if this FortiSIEM has the newer interface",
        )


def read_xml(answer: Response) -> Any:
    """Return the root element of an answer. Raises ApplianceError for anything but a whole XML document."""
    text = answer.text.lstrip("\ufeff")
    if text.startswith("<!DOCTYPE", PROLOG.match(text).end()):  # type: ignore[union-attr]
        raise ApplianceError(
            "its answer declares a document type, as web pages do, and was not read",
            answer.hint,
            status=answer.status,
            path=answer.path,
        )
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(ILLEGAL.sub("\ufffd", text).encode(), parser)
    except (etree.XMLSyntaxError, ValueError):
        raise ApplianceError(
            "its answer is not a whole XML document",
            answer.hint,
            status=answer.status,
            path=answer.path,
        ) from None


def refused_query(answer: Response, description: Any) -> Refused:
    """Return the error of a query that FortiSIEM refuses. Its HTTP status is 200."""
    said = quote(description)
    return Refused(
        f"it refuses the query{f' ({said})' if said else ''}",
        "check that the account may run queries in Analytics, and that api suits this version",
        status=answer.status,
        path=answer.path,
    )


def unusable(answer: Response) -> ApplianceError:
    """Return the error of an answer that has neither the documented form nor an observed one."""
    return ApplianceError(
        "the answer is not the documented one", answer.hint, status=answer.status, path=answer.path
    )


def quote(text: Any) -> str:
    """Return an appliance's text for a message: printable, in one clause, and short."""
    shown = "".join(letter for letter in str(text or "") if letter.isprintable()).replace(";", ",")
    return shown[:LONGEST_QUOTE].strip(" .")
