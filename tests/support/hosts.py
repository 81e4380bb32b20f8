"""Hosts and URLs by which a member may try to reach the server's own network, and what shows that none was reached."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Any, Self

import pytest

# What the test's name server answers, one list per look-up, the last one for good.
NAMES: dict[str, list[list[str]]] = {
    "loopback.example": [["127.0.0.1"]],
    "six.example": [["::1"]],
    "mapped.example": [["::ffff:127.0.0.1"]],
    "inside.example": [["10.0.0.5"]],
    "metadata.example": [["169.254.169.254"]],
    "both.example": [["8.8.8.8", "127.0.0.1"]],
    "both-families.example": [["8.8.8.8", "::1"]],
    "localhost": [["127.0.0.1", "::1"]],
    "localhost.": [["127.0.0.1"]],
    "LOCALHOST": [["127.0.0.1"]],
    "metadata.google.internal": [["169.254.169.254"]],
    "rebinding.example": [["8.8.8.8"], ["127.0.0.1"]],
}
HOSTS = [
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "0.0.0.0", "0", "2130706433", "017700000001", "0x7f000001",
    "0x7f.1", "0x7f.0.0.1", "0177.0.0.1", "0177.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "0xa.1", "3232235521",
    "169.254.0.1", "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16", "192.0.0.192", "192.88.99.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::1", "::", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:169.254.169.254", "::127.0.0.1",
    "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::127.0.0.1", "2002:7f00:1::1",
    "2001:0:808:808:0:ffff:80ff:fffe", "fd00:ec2::254", "fd00::1", "fe80::1", "fec0::1", "ff02::1", "①②⑦.⓪.⓪.①",
    "127。0。0。1", *(name for name in NAMES if name != "rebinding.example"),
]  # fmt: skip
# Beside `http://HOST:PORT/`: what parsers of URLs take differently.
URLS = [
    "http://public.example@127.0.0.1:{port}/", "http://public.example:80@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@public.example/",
    "http://127.0.0.1:{port}?@public.example/", "http://127.0.0.1:{port}\\@public.example/", "HTTP://127.0.0.1:{port}/",
    "http://127.0.0.1.:{port}/", "http://%31%32%37.0.0.1:{port}/", "http://127.0.0.1%2f:{port}/",
    "http:\\\\127.0.0.1:{port}/",
    "http:/127.0.0.1:{port}/", "//127.0.0.1:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://[::1%25lo]:{port}/",
    "file:///etc/passwd", "gopher://127.0.0.1:{port}/_x", "ftp://127.0.0.1:{port}/", "http:///", "http://",
]  # fmt: skip


def list_urls(port: int) -> list[str]:
    """Every host as a URL, then the tricks that only a URL can play."""
    hosts = (f"[{host}]" if ":" in host else host for host in HOSTS)
    return [f"http://{host}:{port}/" for host in hosts] + [url.format(port=port) for url in URLS]


class Trap:
    """A context manager: listens on every address of this machine and counts who connects."""

    def __enter__(self) -> Self:
        self.count = 0
        self._socket = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.count += 1
            connection.close()


class Network:
    """Stands between the product and the network: `lookups` by name, and `dialled`, each address that was tried.

    Names are answered from `NAMES`; a connection to an address outside of this machine is refused, not made.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lookups: list[str] = []
        self.dialled: list[str] = []
        self._connect, self._find = socket.socket.connect, socket.getaddrinfo
        network = self

        def connect(sock: socket.socket, address: Any) -> None:
            if sock.family in {socket.AF_INET, socket.AF_INET6}:
                network.dialled.append(address[0])
                if not address[0].startswith("127."):
                    raise ConnectionRefusedError(111, "Connection refused")
            network._connect(sock, address)

        monkeypatch.setattr(socket.socket, "connect", connect)
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def _look_up(self, host: str, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in NAMES:
            kwargs["flags"] = socket.AI_NUMERICHOST
            return self._find(host, port, *args, **kwargs)
        answers = NAMES[host]
        number = self.lookups.count(host)
        self.lookups.append(host)
        found = []
        for address in answers[min(number, len(answers) - 1)]:
            found += self._find(address, port, *args, **kwargs)
        return found
