"""Suppressions from a CSV file and back: `email` or `domain`, and if wanted `reason`, `note` and `expires`.

A file is read as a stream and stored in batches; a row that cannot be used harms no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from sequences.contacts.csv_columns import name_column, read_columns
from sequences.contacts.csv_reader import (
    CellsFile,
    CsvFormError,
    RejectedRow,
    fit_cells,
    unescape_cell,
    write_line,
)
from sequences.contacts.opt_outs import OptOutReader, UnclearFlagError
from sequences.time.timing import FIRST_YEAR, LAST_YEAR, is_plannable

BATCH_ROWS = 1_000
MOST_NOTE = 500
COLUMNS = ("email", "domain", "reason", "note", "expires")
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

    for found in read_suppressions(CellsFile(file, stream), reason, now):
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


def is_plain_list(cells_file: CellsFile) -> bool:
    """Whether it has no header but one entry per line, from the first. Raises `CsvFormError` when it has neither."""
    is_plain = not {"email", "domain"} & set(_name_columns(cells_file.columns))
    if is_plain and any(cell.strip() for cell in cells_file.columns[1:]):
        raise CsvFormError(f"{cells_file.file}: row 1: neither email nor domain is a column: name one of them")
    return is_plain


def read_suppressions(cells_file: CellsFile, reason: SuppressionReason, now: datetime) -> Iterator[Entry | RejectedRow]:
    """The rows from first to last; `reason` is for those that name none. Raises `CsvFormError`."""
    is_plain = is_plain_list(cells_file)
    names = ["email"] if is_plain else _name_columns(cells_file.columns)
    if is_plain:
        yield read_entry({"email": cells_file.columns[0]}, 1, tuple(cells_file.columns), reason, now)
    opt_outs = OptOutReader([] if is_plain else cells_file.columns)
    for row, record in cells_file.read_rows():
        written = tuple(record.cells)
        cells = record.cells[:1] if is_plain else fit_cells(record.cells, len(names))
        if record.problem:
            yield RejectedRow(row, record.problem, written)
        elif cells is None:
            yield RejectedRow(
                row, f"has {len(written)} cells, the header {len(names)}: remove what is too many", written
            )
        else:
            yield _read_row(dict(zip(names, cells, strict=True)), row, written, opt_outs, reason, now)
    cells_file.detach()


def _read_row(
    values: Mapping[str, str],
    row: int,
    written: tuple[str, ...],
    opt_outs: OptOutReader,
    reason: SuppressionReason,
    now: datetime,
) -> Entry | RejectedRow:
    """With the reason that other tools write, in lists of theirs that may name people who can be mailed too."""
    cells = fit_cells(list(written), len(values)) or []
    try:
        opt_out = opt_outs.read(cells)
    except UnclearFlagError as error:
        return RejectedRow(row, str(error), written)
    if opt_outs.has_flags and opt_out is None:
        return RejectedRow(row, "no column says that it must not be mailed: not suppressed", written)
    found = SuppressionReason(opt_out.kind.value) if opt_out and reason is SuppressionReason.MANUAL else reason
    return read_entry(values, row, written, found, now)


def _name_columns(columns: Sequence[str]) -> list[str]:
    """As they are written; where none is called email, the column that other tools call so."""
    names = [name_column(column) for column in columns]
    if "email" not in names:
        guessed = [column.name for column in read_columns(columns)]
        names = ["email" if guess == "email" else name for name, guess in zip(names, guessed, strict=True)]
    return names


def read_entry(
    values: Mapping[str, str], row: int, cells: tuple[str, ...], reason: SuppressionReason, now: datetime
) -> Entry | RejectedRow:
    """One row by the names of its columns: the entry it asks for, or why it cannot be used."""
    values = {name: unescape_cell(text) for name, text in values.items()}
    named, domain = values.get("email", ""), values.get("domain", "")
    # a list may have whole domains among its addresses
    listed = named if named and "@" not in named.lstrip("@") and not domain else ""
    if listed:
        named, domain = "", listed.removeprefix("@")
    given = values.get("reason", "").lower() or reason.value
    if bool(named) == bool(domain):
        return RejectedRow(row, "names neither or both of email and domain: name one", cells)
    if given not in _REASONS:
        return RejectedRow(row, f"reason {given[:50]!r}: use one of {', '.join(sorted(_REASONS))}", cells)
    try:
        expires_at = _read_expiry(values.get("expires", ""))
        named = parse_address(named).lower() if named else ""
        domain = parse_domain(domain) if domain else ""
    except AddressError as error:
        is_word = listed and "." not in listed
        message = f"{listed!r} is not an email address: write it as in jo@example.com" if is_word else str(error)
        return RejectedRow(row, message, cells)
    except ValueError as error:
        return RejectedRow(row, str(error)[:200], cells)
    if expires_at is not None and expires_at <= now:
        return RejectedRow(row, f"expires {values['expires']} has passed: leave it out", cells)
    return Entry(named, domain, SuppressionReason(given), values.get("note", "")[:MOST_NOTE], expires_at)


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
