# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The data of a sensor's documented API: devices, alerts, and the check of the connection.

The documents disagree on some spellings, so a field may have several.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from .._engine.errors import ApplianceError, InvalidOptions, Refused, attempting
from .._engine.moment import as_text, clock_skew, now, read_moment
from .._engine.resource import Field, Resource
from .._engine.task import Outcome, Task, complete, list_objects
from .._module.arguments import Spec, require
from .._wire.https import CHECK_URL
from .api import NOT_AVAILABLE, is_assumed

SEVERITIES = ["critical", "major", "minor", "warning"]
ENGINES = ["protocol_violation", "policy_violation", "malware", "anomaly", "operational"]
TYPES = {"disconnections": "disconnections", "unexpected_new_devices": "unexpected new devices"}


def _listed(value: Any) -> list[Any]:
    """Return a list for each documented form: null, one item, or a list."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if _known(item) is not None]


def _word(value: Any) -> Any:
    """Return a severity or an engine as a choice of the options."""
    return value.lower().replace(" ", "_") if isinstance(value, str) else value


def _moment(value: Any) -> str:
    """Return epoch milliseconds as text in UTC. Raises TypeError and ValueError."""
    try:
        moment = datetime.fromtimestamp(float(value) / 1000, timezone.utc)
    except (OverflowError, OSError):
        raise ValueError(value) from None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _known(value: Any) -> Any:
    return None if value == NOT_AVAILABLE else value


def _version(value: Any) -> str | None:
    """Return a firmware version as text: the documents declare a number and show a text."""
    return None if _known(value) is None else str(value)


def _inner(fields: Mapping[str, Field]) -> Any:
    """Return a decoder for a list of objects with these fields."""
    return lambda value: [{o: f.from_wire(row) for o, f in fields.items()} for row in _listed(value)]


PROTOCOL = {
    "id": Field("id", optional=True),
    "name": Field("name"),
    "addresses": Field("addresses", former={"ipAddresses": ()}, decode=_listed, absent_value=[]),
}

FIRMWARE = {
    "address": Field("address", optional=True, decode=_known),
    "module_address": Field("moduleAddress", optional=True, decode=_known),
    "serial": Field("serial", optional=True, decode=_known),
    "model": Field("model", optional=True, decode=_known),
    "firmware_version": Field("firmwareVersion", optional=True, decode=_version),
    "additional_data": Field("additionalData", optional=True, decode=_known),
    "rack": Field("rack", optional=True, decode=_known),
    "slot": Field("slot", optional=True, decode=_known),
}

ORIGIN = {
    "sensor_id": Field("sensorId", optional=True),
    "zone_id": Field("zoneId", optional=True),
    "site_id": Field("siteId", optional=True),
}
"""The fields that a management console adds to every object."""

DEVICE = Resource(
    label="device",
    kind="device",
    path="devices",
    key="id",
    fields={
        "id": Field("id"),
        "name": Field("name"),
        "type": Field("type"),
        "vendor": Field("vendor", optional=True, decode=_known),
        "operating_system": Field("operatingSystem", optional=True, decode=_known),
        "ip_addresses": Field("ipAddresses", former={"ipAddress": ()}, decode=_listed, absent_value=[]),
        "mac_addresses": Field("macAddresses", optional=True, decode=_listed, absent_value=[]),
        "authorized": Field("authorized", optional=True),
        "scanner": Field("scanner", optional=True),
        "engineering_station": Field("engineeringStation", optional=True),
        "has_dynamic_address": Field("hasDynamicAddress", optional=True),
        "protocols": Field("protocols", optional=True, decode=_inner(PROTOCOL), absent_value=[]),
        "firmware": Field("firmware", optional=True, decode=_inner(FIRMWARE), absent_value=[]),
        "security_score": Field("securityScore", optional=True),
        **ORIGIN,
    },
)

LACKS_V2 = "the sensor has no version 2 of the alerts API, so version 1 was read, which states no addresses"

ALERT = Resource(
    label="alert",
    kind="alert",
    path="alerts",
    key="id",
    fields={
        "id": Field("id", former={"ID": ()}),
        "time": Field("time", decode=_moment),
        "title": Field("title"),
        "message": Field("message"),
        "severity": Field("severity", decode=_word),
        "engine": Field("engine", decode=_word),
        "source_device": Field("sourceDevice", optional=True),
        "destination_device": Field("destinationDevice", optional=True),
        "additional_information": Field("additionalInformation", former={"additionalinformation": ()}),
        "handled": Field("handled", optional=True),
        "source_device_address": Field("sourceDeviceAddress", optional=True),
        "destination_device_address": Field("destinationDeviceAddress", optional=True),
        "remediation_steps": Field("remediationSteps", optional=True, decode=_listed, absent_value=[]),
        "sensor_name": Field("sensorName", optional=True),
        "zone_name": Field("zoneName", optional=True),
        "site_name": Field("siteName", optional=True),
        **ORIGIN,
    },
)

CONNECTION = Resource(label="connection", kind="connection", path="alerts", fields={}, singleton=True)


def fields_of(resource: Resource) -> Spec:
    """Return the option that reduces a large result."""
    return {"fields": {"type": "list", "elements": "str", "choices": list(resource.fields)}}


def prepare_device_info(params: dict[str, Any]) -> dict[str, Any]:
    """Turn the filter of a task into a query. Raises InvalidOptions."""
    require(params, "token")
    wanted = params["authorized"]
    return {**params, "query": {} if wanted is None else {"authorized": str(wanted).lower()}}


def prepare_alert_info(params: dict[str, Any]) -> dict[str, Any]:
    """Turn the filters that the sensor supports into a query. Raises InvalidOptions."""
    require(params, "token")
    query = {
        "state": params["state"],
        "type": TYPES.get(params["type"]),
        "fromTime": _milliseconds("since", params["since"]),
        "toTime": _milliseconds("until", params["until"]),
    }
    asked = {**params, "query": {name: value for name, value in query.items() if value is not None}}
    return {**asked, "provenance": "assumed"} if is_assumed(params) else asked


def _milliseconds(option: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return str(int(read_moment(text).timestamp() * 1000))
    except ValueError:
        raise InvalidOptions(
            f'{option} is "{text}", which is not a time', f"set {option} to a time like 2026-11-02T10:15:00Z"
        ) from None


def read_devices(task: Task, outcome: Outcome) -> None:
    """Report the devices, each with the properties that Forescout shows."""
    list_objects(task, outcome)
    devices, fields = outcome.values["devices"], task.options["fields"]
    outcome.values["devices"] = (
        [_only(fields, each) for each in devices]
        if fields
        else [{**each, "forescout": _properties(each)} for each in devices]
    )


def _only(fields: Sequence[str], row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in fields}


def _properties(device: Mapping[str, Any]) -> dict[str, Any]:
    """Return the eight properties. No document maps a field of a device to the risk level."""
    return {
        "authorized": device["authorized"],
        "firmware": device["firmware"],
        "name": device["name"],
        "operating_system": device["operating_system"],
        "type": device["type"],
        "vendor": device["vendor"],
        "risk_level": None,
        "protocols": [protocol["name"] for protocol in device["protocols"]],
    }


def read_alerts(task: Task, outcome: Outcome) -> None:
    """Report the alerts, filtered by severity and engine: the sensor has no filter for these."""
    with attempting("reading every alert"):
        found = task.appliance.search(task.resource, "")
        alerts = [complete(task.resource.described, row) for row in found["rows"]]
    if found.get("lacks"):
        outcome.warnings.append(LACKS_V2)
    skew = clock_skew(found["date"])
    outcome.values["clock_skew"] = None if skew is None else round(skew)
    severities, engines = task.options["severities"], task.options["engines"]
    outcome.values["alerts"] = [
        _only(task.options["fields"] or list(alert), alert)
        for alert in alerts
        if (severities is None or alert["severity"] in severities)
        and (engines is None or alert["engine"] in engines)
    ]


def check_connection(task: Task, outcome: Outcome) -> None:
    """Try token or credentials exactly once. Raises ApplianceError unless they are clearly accepted."""
    status = _try_credentials(task) if task.options["check"] == "credentials" else _try_token(task)
    outcome.values.update(accepted=True, status=status, checked_at=as_text(now()))


def _try_token(task: Task) -> int | None:
    with attempting("trying the access token"):
        verdict, status = task.appliance.probe(task.resource, None, task.options["token"])
        _refuse_unless_valid("the access token", verdict, status)
    if task.options["negative_control"]:
        _check_negative_control(task)
    return status


def _try_credentials(task: Task) -> int | None:
    name = task.options["username"]
    with attempting(f'trying the password of "{name}"'):
        verdict, status = task.appliance.probe(task.resource, name, task.options["password"])
        _refuse_unless_valid("the password", verdict, status)
    return status


def _refuse_unless_valid(what: str, verdict: str, status: int | None) -> None:
    if verdict == "invalid":
        raise Refused(
            f"{what} is not accepted, and it is not tried again, because failed logins block this source "
            "address for every user",
            "check it on the sensor before you run again",
            status=status,
        )
    if verdict != "valid":
        raise ApplianceError(
            "the answer is not the documented one, so it is not known whether it is accepted",
            CHECK_URL,
            status=status,
        )


def _check_negative_control(task: Task) -> None:
    with attempting("trying a token that does not exist"):
        verdict, status = task.appliance.probe(task.resource, None, secrets.token_hex(16))
        if verdict == "valid":
            raise ApplianceError(
                "it was accepted like the real one, so the check proves nothing",
                CHECK_URL,
                status=status,
            )
