"""Suppressions from a CSV file and back: `email` or `domain`, and if wanted `reason`, `note` and `expires`.

A file is read as a stream and stored in batches; a row that cannot be used harms no other.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

from django.db import transaction
from django.db.models import QuerySet

from common.addresses import AddressError, parse_address, parse_domain
from common.notify import notify_engine
from emails.choices import SuppressionReason
from emails.facts.suppressions import Entry, suppress_entries
from emails.models import Suppression
from sequences.contacts.csv_form import CsvFormError, RejectedRow, bare_cell, write_line
from sequences.time.timing import FIRST_YEAR, LAST_YEAR, is_plannable

BATCH_ROWS = 1_000
COLUMNS = ("email", "domain", "reason", "note", "expires")
_LONGEST_LINE = 100_000
_REASONS = {reason.value for reason in SuppressionReason}


@dataclass(frozen=True, slots=True)
class ImportedSuppressions:
    """`known` were on the list already, for as long or longer."""

    created: int
    updated: int
    known: int
    rejected: tuple[RejectedRow, ...]

    def present(self) -> dict[str, Any]:
        return {
            "created": self.created,
            "updated": self.updated,
            "known": self.known,
            "rejected": [{"row": rejected.row, "reason": rejected.reason} for rejected in self.rejected],
        }


def import_suppressions(
    workspace_id: int,
    file: str,
    stream: BinaryIO,
    *,
    actor: str,
    now: datetime,
    reason: SuppressionReason = SuppressionReason.MANUAL,
    report: Callable[[int], None] = lambda rows: None,
) -> ImportedSuppressions:
    """Store the rows of a file; `reason` is for rows that name none. Each batch is a transaction of its own.

    So an import that was interrupted is simply started again: what is stored is known. Raises `CsvFormError`.
    """
    created = updated = known = 0
    rejected: list[RejectedRow] = []
    batch: list[Entry] = []

    def keep() -> None:
        nonlocal created, updated, known
        with transaction.atomic():
            stored = suppress_entries(workspace_id, batch, actor=actor, now=now)
            notify_engine()
        created, updated = created + stored.added, updated + stored.extended
        known += len(batch) - stored.added - stored.extended
        report(len(batch))
        batch.clear()

    for found in _read(file, stream, reason, now):
        if isinstance(found, RejectedRow):
            rejected.append(found)
            report(1)
            continue
        batch.append(found)
        if len(batch) == BATCH_ROWS:
            keep()
    if batch:
        keep()
    return ImportedSuppressions(created, updated, known, tuple(rejected))


def export_suppressions(rows: QuerySet[Suppression]) -> Iterator[str]:
    """The lines of a CSV file that `import_suppressions` reads back."""
    yield write_line(COLUMNS)
    for row in rows.order_by("id").iterator(chunk_size=2_000):
        expires = row.expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if row.expires_at else ""
        yield write_line((row.email, row.domain, row.reason, row.note, expires))


def _read(file: str, stream: BinaryIO, reason: SuppressionReason, now: datetime) -> Iterator[Entry | RejectedRow]:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    try:
        first = text.readline(_LONGEST_LINE)
        if not first.strip():
            raise CsvFormError(f"{file}: is empty: name a column email or domain, or list one address per line")
        delimiter = max(",;\t", key=first.count)
        names = [cell.strip().lower() for cell in next(csv.reader([first], delimiter=delimiter))]
        is_plain = not {"email", "domain"} & set(names)
        if is_plain and len(names) > 1:
            raise CsvFormError(f"{file}: row 1: neither email nor domain is a column: name one of them")
        if is_plain:
            yield judge_entry({"email": first.strip()}, 1, (first.strip(),), reason, now)
        for row, cells in enumerate(csv.reader(text, delimiter=delimiter), start=2):
            if not any(cell.strip() for cell in cells):
                continue
            if is_plain:
                yield judge_entry({"email": cells[0]}, row, tuple(cells), reason, now)
            elif len(cells) != len(names):
                said = f"has {len(cells)} cells, the header {len(names)}: correct it"
                yield RejectedRow(row, said, tuple(cells))
            else:
                yield judge_entry(dict(zip(names, cells, strict=True)), row, tuple(cells), reason, now)
    except UnicodeDecodeError:
        raise CsvFormError(f"{file}: is not UTF-8: save it as CSV with the encoding UTF-8") from None
    except csv.Error as error:
        raise CsvFormError(f"{file}: is not CSV ({error}): correct its quotation marks") from None
    finally:
        text.detach()


def judge_entry(
    values: Mapping[str, str], row: int, cells: tuple[str, ...], reason: SuppressionReason, now: datetime
) -> Entry | RejectedRow:
    """One row by the names of its columns: what it asks for, or why it cannot be used."""
    values = {name: bare_cell(text) for name, text in values.items()}
    named = values.get("email", "").strip()
    domain = values.get("domain", "").strip()
    # a list may have whole domains among its addresses
    listed = named if named and "@" not in named.lstrip("@") and not domain else ""
    if listed:
        named, domain = "", listed.removeprefix("@")
    given = values.get("reason", "").strip().lower() or reason.value
    if bool(named) == bool(domain):
        return RejectedRow(row, "names neither or both of email and domain: name one", cells)
    if given not in _REASONS:
        return RejectedRow(row, f"reason {given!r}: use one of {', '.join(sorted(_REASONS))}", cells)
    try:
        expires_at = _read_expiry(values.get("expires", "").strip())
        named = parse_address(named).lower() if named else ""
        domain = parse_domain(domain) if domain else ""
    except AddressError as error:
        message = f"{listed!r} is not an email address: write it as in jo@example.com" if listed else str(error)
        return RejectedRow(row, message, cells)
    except ValueError as error:
        return RejectedRow(row, str(error)[:200], cells)
    if expires_at is not None and expires_at <= now:
        return RejectedRow(row, f"expires {values['expires'].strip()} has passed: leave it out", cells)
    return Entry(named, domain, SuppressionReason(given), values.get("note", "").strip(), expires_at)


def _read_expiry(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"expires {text!r} is no time: write it as in 2026-12-31 or 2026-12-31T18:00:00Z") from None
    if not is_plannable(at):
        raise ValueError(f"expires {text!r} must lie in the years {FIRST_YEAR} to {LAST_YEAR}: leave it out for ever")
    return at if at.tzinfo else at.replace(tzinfo=UTC)
