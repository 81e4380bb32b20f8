"""An IMAP server in threads: quick with an empty inbox, or one that drips bytes after the login and never answers."""

from __future__ import annotations

import socket
import socketserver
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_DRIP_SECONDS = 0.02


@dataclass
class SlowImap:
    """A context manager. `drips`: what it does after the login; `connections`: open now, `most`: ever at a time."""

    drips: bool = False
    host: str = "127.0.0.1"
    connections: int = 0
    most: int = 0
    selected: int = 0
    hung_up: int = 0
    _closing: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        imap = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                imap.count(1)
                try:
                    imap.talk(self)
                except OSError:
                    imap.hung_up += 1
                finally:
                    imap.count(-1)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 128

        self._server = Server((self.host, 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def count(self, change: int) -> None:
        with self._lock:
            self.connections += change
            self.most = max(self.most, self.connections)

    def talk(self, handler: socketserver.StreamRequestHandler) -> None:
        handler.wfile.write(b"* OK ready\r\n")
        for line in handler.rfile:
            tag, command, *_ = [*line.decode().split(), ""]
            untagged = self._answer(handler.connection, command.upper())
            handler.wfile.write(f"{untagged}{tag} OK done\r\n".encode())
            if command.upper() == "LOGOUT":
                return

    def _answer(self, connection: socket.socket, command: str) -> str:
        match command:
            case "CAPABILITY":
                return "* CAPABILITY IMAP4REV1\r\n"
            case "SELECT" | "EXAMINE":
                self.selected += 1
                if self.drips:
                    self._drip(connection)
                return "* 0 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 1] ok\r\n"
            case "UID" | "SEARCH":
                return "* SEARCH\r\n"
            case _:
                return ""

    def _drip(self, connection: socket.socket) -> None:
        """One byte at a time, so that no single read ever takes long; raises OSError when the client has hung up."""
        while not self._closing.wait(_DRIP_SECONDS):
            connection.sendall(b"*")
