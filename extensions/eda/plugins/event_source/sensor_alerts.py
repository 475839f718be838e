# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=line-too-long

"""Event source that polls the alerts of Defender for IoT sensors."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENTATION = r"""
---
short_description: Report that the unhandled alerts of a Defender for IoT sensor have changed
description:
  - Reads the unhandled alerts of Microsoft Defender for IoT OT sensors at a fixed interval, through their
    documented API. Sends an event if there is a new one, or if one has been handled.
  - An event only says that a sensor should be looked at. It has the name of the sensor, the number of its
    unhandled alerts and the time, but no text of an alert. A rule must read everything else from the sensor.
  - Repeated traffic raises no new alert while its alert is unhandled, so it causes no event.
  - A sensor that cannot be read causes one warning, and is tried again at growing intervals of up to 15
    minutes. It never ends the rulebook. Invalid options do, at the start.
version_added: 0.1.0
author:
  - The otsec.defender_iot authors (@otsec)
options:
  sensors:
    description:
      - The sensors to poll. Each is a dictionary with a C(name), which is the name in the inventory, C(url),
        and other connection options of the module M(otsec.defender_iot.sensor_alert_info), such as C(ca_path)
        or C(cert_fingerprint). The certificate is verified by default.
      - The access token is C(token), or the content of C(token_file). The file is read before each poll, so a
        rotated token needs no restart. Without either, the environment variable E(SENSOR_TOKEN) is read.
      - Use a token that no integration uses, because every call updates its I(Used) time.
    type: list
    elements: dict
    required: true
  interval:
    description:
      - Number of seconds between two polls of a sensor, at least 10. Each answer has all unhandled alerts,
        because the API has no pages.
    type: int
    default: 30
  state_file:
    description:
      - A file that keeps, for each sensor, a hash of the numbers of its unhandled alerts. After a restart,
        only a sensor with other alerts causes an event. Without the file, every sensor does.
      - A file that is missing or damaged counts as empty. Its folder must exist.
    type: path
requirements:
  - requests >= 2.31
  - ansible-core >= 2.18
notes:
  - This plugin has never been run against a real sensor. It is tested against the lab that the collection
    includes.
"""

EXAMPLES = r"""
- name: Poll two sensors
  hosts: all
  sources:
    - name: sensors
      otsec.defender_iot.sensor_alerts:
        sensors:
          - name: sensor-north-01
            url: https://192.0.2.20
            token_file: /etc/defender-iot/sensor-north-01.token
            ca_path: /etc/ssl/plant.pem
          - name: sensor-south-01
            url: https://198.51.100.20
            token_file: /etc/defender-iot/sensor-south-01.token
        interval: 60
        state_file: /var/lib/defender_iot/sensor_alerts.json
  rules:
    - name: Print which sensor has changed
      condition: event.sensor_alerts is defined
      action:
        debug:
          msg: "{{ event.sensor_alerts }}"
"""

logger = logging.getLogger("otsec.defender_iot.sensor_alerts")

SHORTEST_INTERVAL = 10
DEFAULT_INTERVAL = 30
LONGEST_PAUSE = 900
OPTIONS = ("sensors", "interval", "state_file")
PACKAGE = "otsec_defender_iot_module_utils"


def _shared(module: str) -> ModuleType:
    # ansible-rulebook runs this file outside of any package, and ansible_collections is not importable there.
    # The name `plugins`, which other collections import theirs by, would be the same for all of them.
    if PACKAGE not in sys.modules:
        package = ModuleType(PACKAGE)
        package.__path__ = [str(Path(__file__).parents[4] / "plugins" / "module_utils")]
        sys.modules[PACKAGE] = package
    return importlib.import_module(f"{PACKAGE}.{module}")


api = _shared("_sensor.api")
arguments = _shared("_module.arguments")
errors = _shared("_engine.errors")
files = _shared("_engine.files")
https = _shared("_wire.https")
moment = _shared("_engine.moment")

SPEC = arguments.connection("SENSOR")
for _account in ("username", "password"):
    del SPEC[_account]
SPEC["token"]["required"] = True
SPEC["name"] = {"type": "str", "required": True}
CONNECTION = arguments.Arguments(SPEC)


class Sensor:
    """A sensor to poll."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Check the options without connecting.

        Parameters
        ----------
        options : Mapping[str, Any]
            Name, url, token or token_file, and connection options. A TaskError is raised if they are invalid.

        """
        given = dict(options)
        self.token_file = given.pop("token_file", None)
        if self.token_file:
            if given.get("token"):
                _refuse("token and token_file are both set; remove one of them")
            given["token"] = self._token_from_file()
        self.options, _secrets = CONNECTION.validate(given)
        self.name = self.options["name"]
        https.Http(self.options).close()

    def read(self) -> list[str]:
        """Read the numbers of the unhandled alerts, sorted. Blocks for as long as the time limits allow.

        Returns
        -------
        list[str]
            The numbers as text. A TaskError is raised for every answer but a list of alerts.

        """
        with errors.attempting("reading the unhandled alerts"):
            http = https.Http(self.options)
            try:
                token = self._token_from_file() if self.token_file else self.options["token"]
                headers = {"Authorization": token}
                path = api.BASES["sensor"] + "/v1/alerts"
                answer = http.request("GET", path, headers=headers, params={"state": "unhandled"})
                return sorted(str(row.get("id", row.get("ID"))) for row in api.rows(answer))
            finally:
                http.close()

    def _token_from_file(self) -> str:
        try:
            with files.open_regular(self.token_file) as file:
                token = str(file.read(), "utf-8").strip()
        except (OSError, ValueError, TypeError):
            token = ""
        if not token:
            why = f"token_file cannot be read or is empty: {self.token_file}"
            raise errors.InvalidOptions(why, "write the access token into it")
        return token


class State:
    """A hash of the alerts that were last seen on each sensor, in memory and in a file."""

    def __init__(self, path: str | None, names: list[str]) -> None:
        """Read the file. Whatever is wrong with it, it counts as empty.

        Parameters
        ----------
        path : str | None
            The file, None or empty for none.
        names : list[str]
            The names of the sensors. Others are forgotten.

        """
        self.path = Path(path) if path else None
        self.unwritable = False
        known = self._load()
        self.seen = {name: known[name] for name in names if name in known}

    def is_news(self, name: str, alerts: list[str]) -> bool:
        """Return whether the alerts of a sensor differ from the last ones, or are the first.

        Parameters
        ----------
        name : str
            The name of the sensor.
        alerts : list[str]
            The numbers of its unhandled alerts, sorted.

        Returns
        -------
        bool
            Whether an event is due.

        """
        return self.seen.get(name) != _digest(alerts)

    def keep(self, name: str, alerts: list[str]) -> None:
        """Remember the alerts of a sensor. A file that cannot be written causes one warning.

        Parameters
        ----------
        name : str
            The name of the sensor.
        alerts : list[str]
            The numbers of its unhandled alerts, sorted.

        """
        self.seen[name] = _digest(alerts)
        if self.path is None:
            return
        try:
            # A process that is killed while it writes leaves the old file.
            new = self.path.with_name(f"{self.path.name}.new")
            new.write_text(json.dumps({"version": 1, "sensors": self.seen}), encoding="utf-8")
            new.replace(self.path)
        except OSError as error:
            if not self.unwritable:
                logger.warning(
                    "state_file cannot be written (%s); after a restart every sensor causes an event",
                    error.strerror,
                )
            self.unwritable = True

    def _load(self) -> dict[str, Any]:
        if self.path is None or not self.path.exists():
            return {}
        try:
            with files.open_regular(self.path) as file:
                document = json.loads(file.read())
            return dict(document["sensors"])
        except (OSError, ValueError, KeyError, TypeError):
            logger.warning("state_file cannot be read and counts as empty: %s", self.path)
            return {}


def _digest(alerts: list[str]) -> str:
    return hashlib.sha256(json.dumps(alerts).encode()).hexdigest()


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Poll the sensors until the task is cancelled.

    Parameters
    ----------
    queue : asyncio.Queue[Any]
        The events go here.
    args : dict[str, Any]
        The options of the plugin.

    """
    sensors, interval = _checked(args)
    state = State(args.get("state_file"), [sensor.name for sensor in sensors])
    await asyncio.gather(*(_watch(queue, sensor, state, interval) for sensor in sensors))


def _checked(args: Mapping[str, Any]) -> tuple[list[Sensor], int]:
    unknown = sorted(args.keys() - {*OPTIONS, "eda_feedback_queue"})
    if unknown:
        _refuse(f"unsupported option {unknown[0]}; use {', '.join(OPTIONS)}")
    if https.REQUESTS_IMPORT_ERROR:
        _refuse("the Python package requests is missing in this environment; install it")
    entries = args.get("sensors")
    if not isinstance(entries, list) or not entries or not all(isinstance(each, dict) for each in entries):
        _refuse("sensors is not a list of dictionaries; set name, url and token of each sensor")
    interval = args.get("interval", DEFAULT_INTERVAL)
    if not isinstance(interval, int) or interval < SHORTEST_INTERVAL:
        _refuse(f"interval is not a number of at least {SHORTEST_INTERVAL} seconds; correct it")
    sensors = [_sensor(number, entry) for number, entry in enumerate(entries, 1)]
    if len({sensor.name for sensor in sensors}) < len(sensors):
        _refuse("two sensors have the same name; give each its name in the inventory")
    return sensors, interval


def _sensor(number: int, entry: Mapping[str, Any]) -> Sensor:
    try:
        return Sensor(entry)
    except errors.TaskError as error:
        msg = f"sensor {number}: {error.reason}"
        raise ValueError(msg) from None


def _refuse(reason: str) -> NoReturn:
    raise ValueError(reason)


async def _watch(queue: asyncio.Queue[Any], sensor: Sensor, state: State, interval: int) -> None:
    failures = 0
    while True:
        try:
            await _poll(queue, sensor, state)
        except errors.TaskError as error:
            if not failures:
                logger.warning("%s; polling goes on", error.sentence(sensor.name))
            failures += 1
        else:
            if failures:
                logger.warning("%s: its alerts can be read again", sensor.name)
            failures = 0
        await asyncio.sleep(_pause(interval, failures))


async def _poll(queue: asyncio.Queue[Any], sensor: Sensor, state: State) -> None:
    alerts = await asyncio.to_thread(sensor.read)
    if not state.is_news(sensor.name, alerts):
        return
    at = moment.as_text(moment.now())
    await queue.put({"sensor_alerts": {"sensor": sensor.name, "unhandled": len(alerts), "at": at}})
    # In this order, a process that is killed in between repeats an event rather than losing it.
    state.keep(sensor.name, alerts)


def _pause(interval: int, failures: int) -> int:
    # The exponent is bounded because an outage may last for weeks.
    return min(interval << min(failures, 10), max(interval, LONGEST_PAUSE))
