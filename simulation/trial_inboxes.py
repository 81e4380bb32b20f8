"""The inboxes of a trial: a scripted IMAP server in the place of the network. The product's own reader reads it.

Speaks as much of IMAPClient as the product uses; a mailbox can be made unreachable or to renumber its messages.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

from emails.models import Mailbox

_FOLDERS = ((), b"/", "INBOX"), ((b"\\Sent",), b"/", "Sent")


@dataclass(slots=True)
class Inbox:
    """What one address has received, and the Message-IDs that its provider keeps in the Sent folder."""

    mails: list[tuple[datetime, bytes]] = field(default_factory=list)
    sent: set[str] = field(default_factory=set)
    uidvalidity: int = 1
    first_uid: int = 1
    is_down: bool = False
    # the server takes a login and then answers nothing until it is set
    gate: threading.Event | None = None

    def renumber(self) -> None:
        """As a server does after a restore: the same mails, other numbers."""
        self.uidvalidity += 1
        self.first_uid += 1_000


class Inboxes:
    """All addresses of a trial."""

    def __init__(self) -> None:
        self._inboxes: dict[str, Inbox] = {}

    def __getitem__(self, address: str) -> Inbox:
        return self._inboxes.setdefault(address.lower(), Inbox())

    def taking_over(self) -> AbstractContextManager[object]:
        """Within it, every IMAP connection of this process leads here."""

        def connect(mailbox: Mailbox, seconds: float) -> _Client:
            client = _Client(self)
            client.login(mailbox.imap_username or mailbox.address)
            return client

        return patch("emails.inbound.imap.log_in_to_imap", connect)


class _Client:
    """One connection, as IMAPClient would have it."""

    normalise_times = True

    def __init__(self, inboxes: Inboxes) -> None:
        self._inboxes = inboxes
        self._inbox = Inbox()
        self._folder = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder = ""

    def login(self, user: str) -> None:
        self._inbox = self._inboxes[user]
        if self._inbox.is_down:
            raise ConnectionRefusedError(111, "Connection refused")

    def capabilities(self) -> tuple[bytes, ...]:
        return (b"IMAP4REV1", b"SPECIAL-USE")

    def has_capability(self, name: str | bytes) -> bool:
        return (name.encode() if isinstance(name, str) else name).upper() in self.capabilities()

    def list_folders(self, *args: object) -> list[tuple[tuple[bytes, ...], bytes, str]]:
        return list(_FOLDERS)

    def find_special_folder(self, use: bytes) -> str | None:
        return next((name for flags, _, name in _FOLDERS if use in flags), None)

    def select_folder(self, name: str, readonly: bool = False) -> dict[bytes, Any]:
        self._folder = name
        inbox = self._inbox
        if inbox.gate is not None:
            inbox.gate.wait()
        return {b"UIDVALIDITY": inbox.uidvalidity, b"UIDNEXT": inbox.first_uid + len(self._mails()), b"EXISTS": 1}

    def _mails(self) -> list[tuple[datetime, bytes]]:
        return self._inbox.mails if self._folder == "INBOX" else []

    def search(self, criteria: Sequence[Any], *args: object) -> list[int]:
        uids = range(self._inbox.first_uid, self._inbox.first_uid + len(self._mails()))
        match list(criteria):
            case ["UID", str() as span]:
                return [uid for uid in uids if uid >= int(span.partition(":")[0])] or list(uids[-1:])
            case ["SINCE", date() as day]:
                return [uid for uid, (at, _) in zip(uids, self._mails(), strict=True) if at.date() >= day]
            case ["HEADER", "Message-ID", str() as message_id]:
                return [1] if self._folder == "Sent" and message_id in self._inbox.sent else []
            case _:
                raise ValueError(f"the scripted inbox cannot search for {criteria}")

    def fetch(self, uids: Sequence[int], items: Sequence[str]) -> dict[int, dict[bytes, Any]]:
        answers = {}
        for uid in uids:
            at, raw = self._mails()[uid - self._inbox.first_uid]
            answers[uid] = {b"INTERNALDATE": at, b"BODY[]<0>": raw, b"RFC822.SIZE": len(raw), b"FLAGS": ()}
        return answers
