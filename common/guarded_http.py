"""HTTP to URLs that members name: guarded connections, no redirects, one deadline, an answer of bounded size.

Also knows whether a request was written: the difference between "refused" and "unknown".
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from common.deadlines import Deadline, hang_up_after
from common.dialler import Dialler, RefusedHostError

MOST_BYTES = 1024 * 1024
_CONNECT_SECONDS = 10.0


class Wire:
    """What all connections of one HTTP client share. One thread at a time.

    `is_written` turns true when the first byte of a request may leave, after the connection (and TLS) stands.
    `refusal` is why the host may not be called, or empty.
    """

    def __init__(self, dialler: Dialler) -> None:
        self._dialler = dialler
        self._deadline = Deadline(_CONNECT_SECONDS)
        self._connection: Any = None
        self.is_written = False
        self.refusal = ""

    @contextmanager
    def exchange(self, seconds: float) -> Iterator[None]:
        """Within it a request is sent and its answer read; what takes longer in all is cut off."""
        self.is_written, self.refusal = False, ""
        self._deadline = Deadline(seconds)
        with hang_up_after(seconds, self._find_socket):
            yield

    def dial(self, connection: Any) -> socket.socket:
        self._connection = connection
        host = connection._dns_host
        at_most = connection.timeout if isinstance(connection.timeout, int | float) else _CONNECT_SECONDS
        try:
            sock = self._dialler.connect(host.strip("[]"), int(connection.port), self._deadline, at_most=at_most)
            sock.settimeout(self._deadline.remaining(at_most))
        except RefusedHostError as error:
            self.refusal = str(error)
            raise NewConnectionError(connection, str(error)) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(connection, "no connection in time") from error
        except OSError as error:
            raise NewConnectionError(connection, str(error)) from error
        return sock

    def begin_request(self, connection: Any) -> None:
        self._connection = connection
        if connection.sock is None:
            connection.connect()
        self.is_written = True

    def _find_socket(self) -> socket.socket | None:
        return getattr(self._connection, "sock", None)


class _GuardedConnection:
    """Mixed into a connection class of urllib3. `wire` is set by `guard_pools`."""

    wire: Wire

    def _new_conn(self) -> socket.socket:
        return self.wire.dial(self)

    def request(self, *args: Any, **kwargs: Any) -> Any:
        self.wire.begin_request(self)
        return super().request(*args, **kwargs)  # type: ignore[misc]


def guard_pools(wire: Wire, http_pool: type, https_pool: type) -> dict[str, type]:
    """The pool classes of a urllib3 `PoolManager`, by scheme, with connections that only `wire` opens."""

    def guard(pool: Any) -> type:
        connection = type("Guarded", (_GuardedConnection, pool.ConnectionCls), {"wire": wire})
        return type("GuardedPool", (pool,), {"ConnectionCls": connection})

    return {"http": guard(http_pool), "https": guard(https_pool)}


class _GuardedAdapter(HTTPAdapter):
    """Never retries, and keeps at most `MOST_BYTES` of an answer."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = guard_pools(self._wire, HTTPConnectionPool, HTTPSConnectionPool)

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().send(*args, **kwargs)
        body = b""
        for chunk in response.iter_content(16_384):
            body += chunk
            if len(body) >= MOST_BYTES:
                response.raw.close()
                break
        response._content = body[:MOST_BYTES]
        response._content_consumed = True  # type: ignore[attr-defined]
        return response


def guard_session(session: requests.Session, wire: Wire) -> None:
    """All requests of the session go through `wire`; redirects are answers, not followed.

    Neither proxies nor a .netrc of the host are used: credentials are those that the caller gives.
    """
    adapter = _GuardedAdapter(wire)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.trust_env = False
    session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
