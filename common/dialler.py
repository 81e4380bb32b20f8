"""Opens every connection to a host that a member can name: mail servers, providers, token services, webhooks.

The host is resolved once, each of its addresses is checked, and exactly those addresses are connected to, so that a
name cannot point elsewhere between the check and the connection. Must not know a model or speak a protocol.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from common.deadlines import Deadline
from common.networks import Network, is_reachable

_LONGEST_NAME = 253  # RFC 1035 section 2.3.4
_SHOWN = 100
_LOOK_UP_SECONDS = 10.0


class RefusedHostError(OSError):
    """The host may not be connected to. The text is one line that says why and what to do."""


class UnknownHostError(OSError):
    """The name is not known at the moment. The text is one line."""


@dataclass(frozen=True, slots=True)
class _Resolved:
    family: int
    socket_address: Any


@dataclass(frozen=True, slots=True)
class Dialler:
    """`private_networks`: networks besides the public ones that hosts may be in."""

    private_networks: Sequence[Network] = ()

    def check(self, host: str, port: int, deadline: Deadline) -> None:
        """Raises `RefusedHostError`, `UnknownHostError` or `TimeoutError`. Connects to nothing."""
        self._resolve(host, port, deadline)

    def connect(
        self,
        host: str,
        port: int,
        deadline: Deadline,
        *,
        at_most: float,
        on_socket: Callable[[socket.socket], None] | None = None,
    ) -> socket.socket:
        """A TCP connection to one of the host's addresses, with `at_most` seconds for each; raises as `check`, OSError.

        `on_socket` gets each socket before it connects, so that another thread can end the wait by shutting it down.

        The caller verifies TLS by the name, not by the address.
        """
        failure: OSError = UnknownHostError(f"the host {host[:_SHOWN]} has no address")
        for each in self._resolve(host, port, deadline):
            sock = socket.socket(each.family, socket.SOCK_STREAM)
            try:
                if on_socket is not None:
                    on_socket(sock)
                sock.settimeout(deadline.remaining(at_most))
                sock.connect(each.socket_address)
            except OSError as error:
                sock.close()
                failure = error
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        raise failure

    def _resolve(self, host: str, port: int, deadline: Deadline) -> list[_Resolved]:
        shown = host[:_SHOWN] if host.isprintable() else ascii(host[:_SHOWN])
        if not host or len(host) > _LONGEST_NAME or not host.isprintable() or " " in host:
            raise RefusedHostError(f"{shown or 'nothing'} is not the name of a host: correct it")
        if not 0 < port < 65_536:
            raise RefusedHostError(f"{port} is not a port: give one from 1 to 65535")
        found = _look_up(host, port, deadline)
        if not found:
            raise UnknownHostError(f"the host {shown} is not known")
        if not all(is_reachable(str(each.socket_address[0]), self.private_networks) for each in found):
            raise RefusedHostError(
                f"the host {shown} is in a private network, which is not called: name a public host,"
                " or ask the operator to list the network in PRIVATE_NETWORKS"
            )
        return found


def members_dialler() -> Dialler:
    """The dialler for hosts that members name, with the networks that the operator has opened."""
    return Dialler(tuple(settings.PRIVATE_NETWORKS))


def _look_up(host: str, port: int, deadline: Deadline) -> list[_Resolved]:
    """All addresses, none when the name is not known. In a thread, because `getaddrinfo` knows no time limit."""
    found: list[_Resolved] = []

    def run() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, ValueError):  # a UnicodeError is a ValueError
            return
        found.extend(_Resolved(answer[0], answer[4]) for answer in answers)

    thread = threading.Thread(target=run, daemon=True, name="resolve")
    thread.start()
    thread.join(deadline.remaining(_LOOK_UP_SECONDS))
    if thread.is_alive():
        raise TimeoutError("the name server took too long")
    return found
