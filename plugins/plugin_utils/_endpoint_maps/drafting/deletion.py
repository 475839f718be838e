# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find which request of a recording deletes the new access token."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from ..recording.har import Exchange, at, holds
from ..recording.places_sent import addresses
from ..recording.same_request import is_for, key_of
from ..recording.token_rows import TokenRows
from .session import Draft, RecordedSession


@dataclass(frozen=True)
class Deletion:
    """Looks for the request after which the list lacks the new token.

    ``identity`` is the value of its id, None if that is unclear.
    """

    exchanges: list[Exchange]
    session: RecordedSession
    create: Exchange
    rows: TokenRows
    identity: Any
    made: Draft

    def find(self) -> Exchange | None:
        """Return the only request that can have deleted the token; else note why there is none.

        If no list was read after a request with the method DELETE, it is returned, and noted as unproved.
        """
        gone = self._gone()
        if gone is None:
            return self._unproved()
        last = self._having()[-1].number
        between = [each for each in self._after if last < each.number < gone.number]
        naming = [each for each in between if self._names(each)]
        writes = [each for each in between if each.writes]
        deletes = [each for each in naming if each.method == "DELETE" and self._is_below(each)]
        if len(deletes) == 1:
            return deletes[0]
        if len(naming) == 1 and writes in ([], naming):
            return naming[0]
        candidates = writes or naming
        if not naming or not candidates:
            return self._late(gone)
        requests = ", ".join(dict.fromkeys(map(self._masked, candidates)))
        self.made.miss("tokens.delete", "several_deletes", requests=requests)
        return None

    def _late(self, gone: Exchange) -> Exchange | None:
        """Return the only request that names the token, if a list still had the token after it."""
        before = [each for each in self._after if each.number < gone.number and each.writes]
        naming = [each for each in before if self._names(each)]
        deletes = [each for each in naming if each.method == "DELETE" and self._is_below(each)]
        if len(naming) == len(deletes) == 1 and before[-1] is naming[0]:
            self.made.miss("tokens.delete", "late_delete", request=self._masked(naming[0]))
            return naming[0]
        self.made.miss("tokens.delete", "unnamed_delete")
        return None

    def _unproved(self) -> Exchange | None:
        naming = [each for each in self._after if each.writes and self._names(each)]
        deletes = [each for each in naming if each.method == "DELETE" and self._is_below(each)]
        if len(naming) == len(deletes) == 1 and not self._later_lists(naming[0]):
            self.made.miss("tokens.delete", "unlisted_delete", request=self._masked(naming[0]))
            return naming[0]
        if naming:
            reason = "kept_delete" if self._later_lists(naming[-1]) else "unproved_delete"
            self.made.miss("tokens.delete", reason, request=self._masked(naming[-1]))
        else:
            self.made.miss("tokens.delete", "no_delete")
        return None

    @cached_property
    def _after(self) -> list[Exchange]:
        after = [each for each in self.exchanges if each.number > self.create.number and each.works]
        return [each for each in after if not self._lists(each)]

    def _names(self, exchange: Exchange) -> bool:
        return exchange in self._naming

    @cached_property
    def _naming(self) -> set[Exchange]:
        """Return the requests after the creation that name the token. Each is read only once."""
        values = [value for value in (self.identity, self.session.description) if value is not None]
        return {each for each in self._after if any(addresses(each, value) for value in values)}

    def _lists(self, exchange: Exchange) -> bool:
        return is_for(exchange, {key_of(self.rows.exchange)}) and isinstance(
            at(exchange.answer, self.rows.pointer), list
        )

    def _later_lists(self, exchange: Exchange) -> list[Exchange]:
        return [each for each in self.exchanges if each.number > exchange.number and self._lists(each)]

    def _has_token(self, exchange: Exchange) -> bool:
        value = self.session.description if self.identity is None else self.identity
        return holds(at(exchange.answer, self.rows.pointer), value)

    def _having(self) -> list[Exchange]:
        return [each for each in self._later_lists(self.create) if self._has_token(each)]

    def _gone(self) -> Exchange | None:
        """Return the first list that lacks the token after the last one that has it.

        Of several pages, this is the page that had the token, or a page after a request that names it.
        """
        having = self._having()
        if not having:
            return None
        lacking = [each for each in self._later_lists(having[-1]) if each not in having]
        asked = [(each.path, each.body) for each in having]
        same = [each for each in lacking if (each.path, each.body) in asked]
        named = [each.number for each in self._after if self._names(each) and each.number > having[-1].number]
        after = [each for each in lacking if named and each.number > named[0]]
        return next(iter([*same, *after]), None)

    def _is_below(self, exchange: Exchange) -> bool:
        """Return whether a path continues that of the list or of the creation."""
        return any(
            exchange.bare_path.startswith(each.bare_path) for each in (self.create, self.rows.exchange)
        )

    def _masked(self, exchange: Exchange) -> str:
        hidden = {str(self.identity), self.session.description}
        parts = ["..." if unquote(part) in hidden else part for part in exchange.bare_path.split("/")]
        return f"{exchange.method} {'/'.join(parts)}"
