"""A requests adapter that knows whether a request was written: the difference between "refused" and "unknown"."""

from __future__ import annotations

from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class RequestProbe(HTTPAdapter):
    """`is_written` turns true when the first byte of a request may leave, after the connection (and TLS) stands.

    Never retries by itself. One thread at a time.
    """

    def __init__(self) -> None:
        self.is_written = False
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        probe = self

        class ProbedHTTPConnection(HTTPConnection):
            def request(self, *args: Any, **kwargs: Any) -> None:
                if self.sock is None:
                    self.connect()
                probe.is_written = True
                super().request(*args, **kwargs)

        class ProbedHTTPSConnection(HTTPSConnection):
            def request(self, *args: Any, **kwargs: Any) -> None:
                if self.sock is None:
                    self.connect()
                probe.is_written = True
                super().request(*args, **kwargs)

        class ProbedHTTPPool(HTTPConnectionPool):
            ConnectionCls = ProbedHTTPConnection

        class ProbedHTTPSPool(HTTPSConnectionPool):
            ConnectionCls = ProbedHTTPSConnection

        self.poolmanager.pool_classes_by_scheme = {"http": ProbedHTTPPool, "https": ProbedHTTPSPool}
