# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The call of a Forescout to its sensor: a real HTTPS request, through the lab's routes."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

from ..core.appliance import World

TIMEOUT_SECONDS = 5


class PollError(Exception):
    """A poll without a device list. The message says why."""


def fetch_devices(world: World, address: str, token: str) -> list[dict[str, Any]]:
    """Return the device list of the sensor at an address. Raises PollError without a 200 and a JSON list."""
    port = world.routes.get(address)
    if port is None:
        raise PollError("unreachable: nothing has this address")
    try:
        status, body = _get(world, address, port, token)
    except (OSError, http.client.HTTPException) as error:
        raise PollError(f"unreachable: {error or type(error).__name__}") from error
    if status != 200:
        raise PollError(f"refused: status {status}")
    return _device_list(body)


def _get(world: World, address: str, port: int, token: str) -> tuple[int, bytes]:
    with (
        socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as plain,
        world.trust.wrap_socket(plain, server_hostname=address) as secured,
    ):
        connection = http.client.HTTPConnection(address)
        connection.sock = secured
        headers = {"Authorization": token, "Accept": "application/json", "Connection": "close"}
        connection.request("GET", "/api/v1/devices", headers=headers)
        response = connection.getresponse()
        return response.status, response.read()


def _device_list(body: bytes) -> list[dict[str, Any]]:
    try:
        devices = json.loads(body)
    except ValueError as error:
        raise PollError("no device list: not JSON") from error
    if not isinstance(devices, list) or not all(isinstance(device, dict) for device in devices):
        raise PollError("no device list: not a list of objects")
    return devices
