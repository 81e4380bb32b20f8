"""A DNS server on a free UDP port that answers from a table, or not at all."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


class NameServer:
    """`zone`: by (name, type), the records as text. A name that begins with `silent` gets no answer, one
    that begins with `broken` SERVFAIL. `asked`: the questions, in order.
    """

    def __init__(self, zone: Mapping[tuple[str, str], Sequence[str]]) -> None:
        self._zone = zone
        self.asked: list[tuple[str, str]] = []

    def __enter__(self) -> Self:
        zone, asked = self._zone, self.asked

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, socket = self.request
                query = dns.message.from_wire(data)
                question = query.question[0]
                name, kind = str(question.name).rstrip("."), dns.rdatatype.to_text(question.rdtype)
                asked.append((name, kind))
                if name.startswith("silent"):
                    return
                answer = dns.message.make_response(query)
                records = zone.get((name, kind), ())
                if name.startswith("broken"):
                    answer.set_rcode(dns.rcode.SERVFAIL)
                elif records:
                    answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *records))
                elif name not in {known for known, _ in zone}:
                    answer.set_rcode(dns.rcode.NXDOMAIN)
                socket.sendto(answer.to_wire(), self.client_address)

        self._server = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
