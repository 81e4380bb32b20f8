"""The web server of the demo: Django's own, in threads of this process, on this machine only."""

from __future__ import annotations

import threading
from socketserver import BaseServer
from types import TracebackType
from typing import Any, Self

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler, get_internal_wsgi_application


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """The terminal belongs to the story."""


class WebServer:
    """Use as a context manager. Port 0: any free one. Raises `OSError` when the port cannot be used."""

    def __init__(self, port: int) -> None:
        self._server = ThreadedWSGIServer(("127.0.0.1", port), _QuietHandler)
        self._server.set_app(get_internal_wsgi_application())
        self._thread = threading.Thread(target=self._server.serve_forever, name="web", daemon=True)
        self.port: int = self._server.server_address[1]
        self.base_url = f"http://localhost:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        BaseServer.shutdown(self._server)
        self._server.server_close()
        self._thread.join()
