# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Defender for IoT sensor: access tokens through an endpoint map, verified by the documented API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._engine.appliance import Appliance, Route
from .._engine.errors import ApplianceError, Unsupported
from .._engine.resource import MINTED_NOW, Resource
from .._wire.https import Http
from .._wire.web_interface import WebInterface, placeholders
from .api import BASES, NOT_AVAILABLE, ask_for_no_alerts, token_verdict


class Sensor(Appliance):
    """The verbs on one sensor. Without an endpoint map, only :meth:`probe` is supported."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Raise InvalidOptions for an impossible URL. ``params`` includes ``endpoint_map``."""
        self.http = Http(params)
        self.web = WebInterface(self.http, params) if params.get("endpoint_map") else None

    def table(self, resource: Resource) -> list[dict[str, Any]]:
        """Return every token: id, description and the time of its last use, None for never.

        The documented value for never counts regardless of the endpoint map. If it counted as a time, the
        predecessor of a token that no platform uses yet could be deleted.
        """
        rows = self._interface().listed(resource.path)
        return [{**row, "used": None if _means_never(row["used"]) else row["used"]} for row in rows]

    def delete(self, resource: Resource, key: str, raw: Mapping[str, Any] | None = None) -> None:
        """Delete one token, if a new reading of the list names it by this id and this description.

        A token that this task has created is deleted by the id in the answer, even if it is not listed yet.

        Raises ApplianceError if the list does not name the token, if the endpoint map deletes by a
        description that other tokens have or contain, or if the list then still has the token, or lacks
        another one.
        """
        before = self.table(resource)
        fields = self._row_to_delete(before, raw or {})
        self._interface().write(resource.path, "delete", fields)
        self._require_gone(str(fields["id"]), before, self.table(resource))

    def _require_gone(self, id_: str, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
        """Raise ApplianceError unless the token, and no other one, is gone from the list."""
        left = {str(row["id"]) for row in after}
        others = ", ".join(sorted({str(row["id"]) for row in before} - left - {id_}))
        if others:
            instead = (
                f"the token with id {id_} is still listed, and instead"
                if id_ in left
                else f"besides the token with id {id_},"
            )
            raise ApplianceError(
                f"{instead} the tokens with the ids {others} are gone",
                "remove tokens.delete from the endpoint map, unless another administrator deleted them: each "
                "further run could delete others",
            )
        if id_ in left:
            raise ApplianceError(
                f"the appliance accepted the deletion, and still lists the token with id {id_}",
                "run again; if it stays, check the endpoint map's tokens.delete",
            )

    def mint(self, resource: Resource, key: str) -> tuple[str, Any]:
        """Create a token; return its value, and its id if the endpoint map finds one in the answer."""
        made = self._interface().write(resource.path, "create", {"description": key})
        if not isinstance(made["secret"], str) or not made["secret"]:
            raise ApplianceError(
                "the answer contains no token where the endpoint map expects it",
                "check the secret in the map's tokens.create.fields, and delete the new token on the sensor",
            )
        return made["secret"], made.get("id")

    def _row_to_delete(self, rows: list[dict[str, Any]], row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the row of the token to delete."""
        id_, description = row.get("id"), row.get("description")
        found = [each for each in rows if str(each["id"]) == str(id_)]
        alike = [each for each in rows if each["description"] == description]
        delete = self._interface().map["tokens"].get("delete", {})
        takes_id = "id" in set(placeholders(delete))
        if not found and takes_id and row.get(MINTED_NOW):
            return {"id": id_, "description": description}
        if len(found) != 1 or found[0] not in alike:
            raise ApplianceError(
                f'the list does not name exactly one token with id {id_} and description "{description}", '
                "so nothing was deleted",
                "run again if another administrator is changing the tokens, otherwise check the endpoint map",
            )
        if not takes_id:
            _require_own_description(rows, str(description))
        return found[0]

    def probe(
        self, resource: Resource, key: str, secret: str, raw: Mapping[str, Any] | None = None
    ) -> tuple[str, int | None]:
        """Call the documented API with the token, which sets its *Used* time.

        Requests the alerts since now, the smallest documented answer. The answer to a wrong token is not
        documented, so only a JSON list proves that the token works.
        """
        answer = ask_for_no_alerts(self.http, BASES["sensor"], secret)
        return token_verdict(answer), answer.status

    def close(self) -> None:
        (self.web or self.http).close()

    def _interface(self) -> WebInterface:
        if self.web is None:
            raise Unsupported("no public interface lists or changes access tokens", "set endpoints")
        return self.web


def connect(params: dict[str, Any], route: Route) -> Appliance:
    return route.relay(params) or Sensor(params)


def _require_own_description(rows: list[dict[str, Any]], description: str) -> None:
    """Raise ApplianceError if a deletion by description could match another token too.

    An appliance may compare the beginning or a part of it, or without regard to case (assumed).
    """
    wanted = description.lower()
    alike = [row for row in rows if wanted in str(row["description"]).lower()]
    if len(alike) > 1:
        raise ApplianceError(
            f'{len(alike)} tokens have or contain the description "{description}", and the endpoint map '
            "deletes by description only, so nothing was deleted",
            "delete the token in the web interface, or add {id} to the map's tokens.delete",
        )


def _means_never(used: Any) -> bool:
    return not used or str(used).strip().upper() == NOT_AVAILABLE
