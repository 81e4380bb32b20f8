"""Reads what a domain publishes of its mail servers in Mozilla's format (draft-ietf-mailmaint-autoconfig).

Pure. The file is foreign: a document type, and with it every entity, is refused, and so is what is large or deep.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from emails.choices import Security

MOST_BYTES = 64 * 1024
_MOST_DEPTH = 20
_MOST_SERVERS = 20
_LONGEST = 253
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", re.IGNORECASE)
_SECURITY = {"ssl": Security.TLS, "starttls": Security.STARTTLS}
_KINDS = {"incomingServer": "imap", "outgoingServer": "smtp"}
_PASSWORDS = frozenset({"password-cleartext", "plain", ""})


class AutoconfigError(ValueError):
    """The file is none that can be used. The text is one line."""


@dataclass(frozen=True, slots=True)
class Server:
    """`username` is what the server is logged in to with: never a password."""

    host: str
    port: int
    security: Security
    username: str


@dataclass(slots=True)
class _Reader:
    """Collects the text of the elements of each server."""

    servers: list[dict[str, str]] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.path.append(name)
        self.text = []
        if len(self.path) > _MOST_DEPTH:
            raise AutoconfigError("the file is nested too deeply")
        if name in _KINDS:
            if len(self.servers) == _MOST_SERVERS:
                raise AutoconfigError("the file names too many servers")
            self.servers.append({"kind": _KINDS[name], "type": attributes.get("type", "")})

    def data(self, text: str) -> None:
        self.text.append(text)

    def end(self, name: str) -> None:
        self.path.pop()
        if self.path and self.path[-1] in _KINDS and self.servers:
            # of several ways to log in the first one is the preferred
            self.servers[-1].setdefault(name, "".join(self.text).strip()[:_LONGEST])
        self.text = []


def read_autoconfig(raw: bytes, address: str) -> dict[str, Server]:
    """By `smtp` and `imap`, the first server with TLS that takes a password. Raises `AutoconfigError`."""
    if len(raw) > MOST_BYTES:
        raise AutoconfigError("the file is too large")
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.data
    parser.StartDoctypeDeclHandler = _refuse_document_type
    try:
        parser.Parse(raw, True)
    except expat.ExpatError:
        raise AutoconfigError("the file is not XML") from None
    found: dict[str, Server] = {}
    for given in reader.servers:
        server = _read_server(given, address)
        if server is not None:
            found.setdefault(given["kind"], server)
    return found


def _refuse_document_type(*declaration: object) -> None:
    raise AutoconfigError("the file declares a document type")


def _read_server(given: Mapping[str, str], address: str) -> Server | None:
    """None: another protocol, no TLS, or a way to log in that is not known here."""
    security = _SECURITY.get(given.get("socketType", "").lower())
    host, port = _fill(given.get("hostname", ""), address).lower(), given.get("port", "")
    if given["type"].lower() != given["kind"] or security is None or given.get("authentication", "") not in _PASSWORDS:
        return None
    if not _HOST.fullmatch(host) or not port.isdecimal() or not port.isascii() or not 0 < int(port) < 65_536:
        return None
    username = _fill(given.get("username", "") or "%EMAILADDRESS%", address)
    return Server(host, int(port), security, username) if username.isprintable() else None


def _fill(text: str, address: str) -> str:
    local, _, domain = address.rpartition("@")
    for name, value in (("%EMAILADDRESS%", address), ("%EMAILLOCALPART%", local), ("%EMAILDOMAIN%", domain)):
        text = text.replace(name, value)
    return text
