"""What the product understands of raw messages: `manage.py read_mail FILE…`. Stores nothing; polling reads alike."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from common.addresses import normalize_for_search
from emails.inbound.findings import Finding
from emails.inbound.parse import MOST_BYTES, InboundMail
from emails.inbound.reading import ReadMail, read_mail
from execution.management.base import BAD_ARGUMENTS, FAILED, ProductCommand

_STANDARD_INPUT = "-"
_SHOWN = 90


@dataclass(frozen=True, slots=True)
class _Reader:
    """As which mailbox the files are read."""

    own: frozenset[str]
    authserv_id: str
    zone: tzinfo | None
    received_at: datetime | None


class Command(ProductCommand):
    help = (
        "Show what the product understands of raw messages (RFC 5322), one entry per file and kind. Nothing is stored. "
        "Without --received-at a message counts as received at its Date header."
    )
    example = "manage.py read_mail bounce.eml --mailbox ada@example.com\n  manage.py read_mail mails/*.eml --json"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("files", metavar="FILE", nargs="+", help="a raw message; - reads standard input")
        parser.add_argument("--mailbox", metavar="ADDRESS", help="read as this mailbox: its addresses and time zone")
        parser.add_argument("--received-at", metavar="TIME", help="ISO 8601 time of arrival; UTC without an offset")

    def handle(self, *args: Any, **options: Any) -> None:
        reader = self._find_reader(options)
        files: list[str] = options["files"]
        unread: list[str] = []
        with self.progress("Reading", len(files)) as advance:
            # one file at a time: thousands of files take no more memory than one
            self.write_part('{"mails": [' if options["json"] else "")
            is_first = True
            for name in files:
                try:
                    raw = _read_file(name)
                except OSError as error:
                    unread.append(f"{name}: cannot be read ({error.strerror})")
                    advance(1)
                    continue
                for entry in _read(name, raw, reader):
                    if options["json"]:
                        self.write_part(("" if is_first else ", ") + json.dumps(entry, ensure_ascii=False))
                    else:
                        self.write_part(f"{_describe(entry)}\n")
                    is_first = False
                advance(1)
            self.write_part("]}\n" if options["json"] else "")
        self.list_aside(unread)
        if unread:
            self.fail(f"{len(unread)} of {len(files)} files could not be read: check their names", FAILED)

    def _find_reader(self, options: dict[str, Any]) -> _Reader:
        received_at = None
        if text := options["received_at"]:
            received_at = _parse_time(text)
            if received_at is None:
                self.fail(
                    f"--received-at takes an ISO 8601 time as in 2026-09-08T09:00:00Z, not {text!r}", BAD_ARGUMENTS
                )
        if not options["mailbox"]:
            return _Reader(frozenset(), "", None, received_at)
        mailbox = self.find_mailbox(None, options["mailbox"])
        return _Reader(
            own=frozenset(normalize_for_search(address) for address in (mailbox.address, *mailbox.aliases)),
            authserv_id=str(mailbox.transport_options.get("authserv_id") or ""),
            zone=ZoneInfo(mailbox.timezone or mailbox.workspace.timezone),
            received_at=received_at,
        )


def _parse_time(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def _read_file(name: str) -> bytes:
    """The first bytes of the message, as many as polling fetches of it, and one more if there are more."""
    if name == _STANDARD_INPUT:
        return sys.stdin.buffer.read(MOST_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(MOST_BYTES + 1)


def _read(name: str, raw: bytes, reader: _Reader) -> Iterator[dict[str, Any]]:
    read = read_mail(raw, lambda mail: _received_on(mail, reader), own=reader.own, authserv_id=reader.authserv_id)
    for findings in _group(read.reading.findings):
        yield _present(name, read, findings)


def _received_on(mail: InboundMail, reader: _Reader) -> date:
    received_at = reader.received_at
    if received_at is None:
        try:
            received_at = parsedate_to_datetime(mail.header("Date"))
        except (ValueError, TypeError, OverflowError):
            # no Date header, or none that is a date
            received_at = timezone.now()
        # "-0000" is read as a time without a zone
        received_at = received_at if received_at.tzinfo else received_at.replace(tzinfo=UTC)
    try:
        return received_at.astimezone(reader.zone or received_at.tzinfo).date()
    except (ValueError, OverflowError):
        # a date at the end of the calendar
        return timezone.now().date()


def _group(findings: Sequence[Finding]) -> list[list[Finding]]:
    """By kind, in their order: recipients with the same outcome share an entry."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.kind.value, []).append(finding)
    return list(groups.values())


def _present(name: str, read: ReadMail, findings: Sequence[Finding]) -> dict[str, Any]:
    mail, reading, first = read.mail, read.reading, findings[0]
    return {
        "file": name,
        "kind": first.kind.value,
        "intent": first.intent or None,
        "recipients": list(dict.fromkeys(finding.recipient for finding in findings if finding.recipient)),
        "message_ids": list(mail.reported_ids if first.is_report else mail.named_ids),
        "status": first.status or None,
        "reason": first.reason,
        "until": first.until.isoformat() if first.until else None,
        "until_is_assumed": first.until_is_assumed,
        "successor": first.successor or None,
        "referral": first.referral or None,
        "text": mail.new_text,
        "is_authenticated": reading.authentication.is_authenticated,
        "authentication": {
            "spf": reading.authentication.spf or None,
            "dkim": reading.authentication.dkim or None,
            "dmarc": reading.authentication.dmarc or None,
        },
        "limits": list(mail.limits),
        "error": read.trouble or None,
    }


def _describe(entry: dict[str, Any]) -> str:
    message = [f"{entry['file']}: {entry['kind']}"]
    if entry["recipients"]:
        message.append(f"about {', '.join(entry['recipients'])}")
    if entry["intent"]:
        message.append(f"intent {entry['intent']}")
    if entry["until"]:
        message.append(f"until {entry['until']}{' (assumed)' if entry['until_is_assumed'] else ''}")
    message += [f"{key} {entry[key]}" for key in ("successor", "referral", "status") if entry[key]]
    message.append("authenticated" if entry["is_authenticated"] else "not authenticated")
    reason = entry["reason"]
    lines = [", ".join(message), f"  {reason if len(reason) <= _SHOWN else reason[: _SHOWN - 1] + '…'}"]
    return "\n".join(lines + [f"  {limit}" for limit in (entry["error"], *entry["limits"]) if limit])
