"""A web server that receives webhooks: it answers as configured and records the requests."""

from __future__ import annotations

import select
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Call:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A context manager. `answers` are given in turn, the last one for good; a redirect leads to `/elsewhere`.

    `drips`: so many bytes are sent, one by one, before any answer, or until `released`; `was_hung_up`: the caller
    closed the connection.
    """

    answers: list[int] = field(default_factory=lambda: [200])
    calls: list[Call] = field(default_factory=list)
    drips: int = 0
    retry_after: str = ""
    was_hung_up: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook?team=a"

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.calls.append(Call(self.path, dict(self.headers), body))
                if receiver.drips:
                    self._drip()
                status = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                if receiver.retry_after:
                    self.send_header("Retry-After", receiver.retry_after)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def _drip(self) -> None:
                for _ in range(receiver.drips):
                    if receiver.released.is_set():
                        break
                    if select.select([self.connection], [], [], 0.05)[0]:
                        receiver.was_hung_up.set()
                        break
                    self.wfile.write(b"a")

            def log_message(self, *args: Any) -> None:
                """Silent."""

        return Handler
