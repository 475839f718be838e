# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=line-too-long

"""Event source that listens for syslog messages and ignores what they say."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENTATION = r"""
---
short_description: Report that a syslog message has arrived
description:
  - Listens for syslog messages on a UDP and a TCP port of the same number, such as those that a forwarding
    rule of a Microsoft Defender for IoT OT sensor sends. The messages may have any format and any framing.
  - Anyone can forge, repeat or suppress a syslog message. So an event has the time and nothing else, neither
    a text nor an address. It only says that the sensors should be looked at.
  - All messages within one second cause one event, so a flood uses neither memory nor the rule engine.
version_added: 0.1.0
author:
  - The otsec.defender_iot authors (@otsec)
options:
  port:
    description:
      - Number of the UDP and the TCP port. Ports below 1024 require privileges.
    type: int
    required: true
  host:
    description:
      - Address to listen on.
    type: str
    default: 0.0.0.0
  senders:
    description:
      - Addresses and networks, such as V(192.0.2.0/24), whose messages count. Others are ignored. Without the
        option, all count. This keeps away noise, but no attacker, because a UDP sender can be forged.
    type: list
    elements: str
    default: []
  certfile:
    description:
      - A PEM file with the certificate of this listener. With it, the TCP port requires TLS and the UDP port
        is closed.
    type: path
  keyfile:
    description:
      - A PEM file with the unencrypted private key of O(certfile). Not needed if O(certfile) contains it.
    type: path
notes:
  - Transport and framing of a sensor's messages are not documented in full. This plugin has never received
    a message from a real sensor. It is tested against the lab that the collection includes.
"""

EXAMPLES = r"""
- name: Wait for forwarded alerts
  hosts: all
  sources:
    - name: syslog
      otsec.defender_iot.syslog_doorbell:
        port: 5514
        senders: [192.0.2.20, 198.51.100.0/24]
  rules:
    - name: Print when a message arrives
      condition: event.syslog_doorbell is defined
      throttle:
        once_after: 5 seconds
        group_by_attributes:
          - event.meta.source.name
      action:
        debug:
          msg: A sensor has sent something
"""

logger = logging.getLogger("otsec.defender_iot.syslog_doorbell")

OPTIONS = ("port", "host", "senders", "certfile", "keyfile")
EVERYWHERE = "0.0.0.0"  # noqa: S104 the listener is for other machines
LAST_PORT = 65535
PAUSE_SECONDS = 1
MOST_CONNECTIONS = 100
"""So that idle connections do not use up the file descriptors that playbooks need."""
CHUNK = 65536


class Doorbell(asyncio.DatagramProtocol):
    """Rings when an accepted sender sends something. The rest of a message is dropped."""

    def __init__(self, senders: list[str]) -> None:
        """Parse the accepted senders.

        Parameters
        ----------
        senders : list[str]
            Addresses and networks, none for all. A ValueError is raised for anything else.

        """
        self.rung = asyncio.Event()
        self.networks = [ipaddress.ip_network(sender) for sender in senders]
        self.connections = 0

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Ring for a UDP message.

        Parameters
        ----------
        data : bytes
            The message.
        addr : tuple[Any, ...]
            The address and the port of the sender, which may be forged.

        """
        if data and self.accepts(addr[0]):
            self.rung.set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Ring for everything that arrives on a TCP connection.

        Parameters
        ----------
        reader : asyncio.StreamReader
            The incoming side.
        writer : asyncio.StreamWriter
            The outgoing side, which stays silent.

        """
        self.connections += 1
        try:
            # A client that has gone already has no address.
            peer = writer.get_extra_info("peername")
            if peer and self.connections <= MOST_CONNECTIONS and self.accepts(peer[0]):
                while await reader.read(CHUNK):
                    self.rung.set()
        except OSError:
            logger.debug("a syslog connection was lost")
        finally:
            self.connections -= 1
            writer.close()

    def accepts(self, sender: str) -> bool:
        """Return whether messages of a sender count.

        Parameters
        ----------
        sender : str
            An IP address.

        Returns
        -------
        bool
            Whether it is in the list, or the list is empty.

        """
        address = ipaddress.ip_address(sender.partition("%")[0])
        return not self.networks or any(address in network for network in self.networks)


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Listen until the task is cancelled.

    Parameters
    ----------
    queue : asyncio.Queue[Any]
        The events go here.
    args : dict[str, Any]
        The options of the plugin.

    """
    _check(args)
    doorbell = Doorbell(args.get("senders") or [])
    host, port = args.get("host") or EVERYWHERE, args["port"]
    context = _tls(args)
    server = await asyncio.start_server(doorbell.connected, host, port, ssl=context)
    transport = None
    if context is None:
        loop = asyncio.get_running_loop()
        transport, _protocol = await loop.create_datagram_endpoint(lambda: doorbell, (host, port))
    try:
        await _ring(queue, doorbell)
    finally:
        server.close()
        if transport is not None:
            transport.close()


async def _ring(queue: asyncio.Queue[Any], doorbell: Doorbell) -> None:
    while True:
        await doorbell.rung.wait()
        doorbell.rung.clear()
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        await queue.put({"syslog_doorbell": {"at": at}})
        await asyncio.sleep(PAUSE_SECONDS)


def _check(args: Mapping[str, Any]) -> None:
    unknown = sorted(args.keys() - {*OPTIONS, "eda_feedback_queue"})
    if unknown:
        _refuse(f"unsupported option {unknown[0]}; use {', '.join(OPTIONS)}")
    port = args.get("port")
    if not isinstance(port, int) or not 0 < port <= LAST_PORT:
        _refuse(f"port is not the number of a port; set it to 1 to {LAST_PORT}")
    if args.get("keyfile") and not args.get("certfile"):
        _refuse("keyfile is set without certfile; set certfile too")


def _tls(args: Mapping[str, Any]) -> ssl.SSLContext | None:
    if not args.get("certfile"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args["certfile"], args.get("keyfile") or None)
    return context


def _refuse(reason: str) -> NoReturn:
    raise ValueError(reason)
