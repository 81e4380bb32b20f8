"""Stored imports of suppressions: how their files are kept, read and stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO

from emails.choices import SuppressionReason
from emails.facts.suppression_files import is_plain_list, read_suppressions
from emails.facts.suppressions import Entry, suppress_entries
from sequences.choices import ImportKind
from sequences.contacts.csv_reader import CellsFile, RejectedRow
from sequences.contacts.stored_imports import BatchResult, keep_import
from sequences.models import ContactImport, Workspace


def store_suppression_import(
    workspace: Workspace,
    file: str,
    stream: BinaryIO,
    *,
    reason: SuppressionReason,
    is_dry_run: bool,
    actor: str,
    now: datetime,
) -> ContactImport:
    """Keep the file for the executors. Raises `CsvFormError` when its header cannot be used."""
    cells = CellsFile(file, stream)
    # the first line of a plain list is an address, which is kept with its row only
    columns = ["email"] if is_plain_list(cells) else cells.columns
    cells.detach()
    return keep_import(
        workspace, ImportKind.SUPPRESSIONS, file, stream, columns=columns, is_dry_run=is_dry_run, actor=actor, now=now,
        reason=reason.value,
    )  # fmt: skip


class SuppressionImporter:
    """The `Importer` of suppressions."""

    def read_records(self, stored: ContactImport, stream: BinaryIO) -> Iterator[object]:
        cells = CellsFile(stored.file_name, stream)
        if is_plain_list(cells):
            yield cells.columns
        yield from cells.read_rows()

    def read_rows(self, stored: ContactImport, stream: BinaryIO, now: datetime) -> Iterator[tuple[int, Any]]:
        for row in read_suppressions(CellsFile(stored.file_name, stream), SuppressionReason(stored.reason), now):
            yield (sum(map(len, row.cells)) if isinstance(row, RejectedRow) else len(row.note)), row

    def store_rows(self, stored: ContactImport, rows: list[Entry], now: datetime) -> BatchResult:
        done = suppress_entries(stored.workspace_id, rows, actor=stored.created_by, now=now)
        return BatchResult(done.added, done.extended, len(rows) - done.added - done.extended)
