"""Stored imports of contacts: how their files are kept, read and stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO

from common.db import Row
from sequences.choices import ImportKind
from sequences.contacts.csv_form import ContactRow, ContactsFile, OptedOutRow
from sequences.contacts.csv_import import OptedOut, store_batch
from sequences.contacts.csv_reader import CellsFile
from sequences.contacts.operations import wake_waiting_for_fields
from sequences.contacts.stored_imports import BatchResult, keep_import
from sequences.models import ContactImport, Workspace

Replan = Callable[[Mapping[int, Row], str, datetime], object]
# Of a workspace, by an actor, at a time.
Suppress = Callable[[int, Sequence[OptedOut], str, datetime], object]


def store_import(
    workspace: Workspace,
    file: str,
    stream: BinaryIO,
    *,
    mapping: Mapping[str, str],
    is_dry_run: bool,
    actor: str,
    now: datetime,
) -> ContactImport:
    """Keep the file for the executors. Raises `CsvFormError` when its header cannot be used."""
    contacts = ContactsFile(file, stream, mapping)
    contacts.detach()
    return keep_import(
        workspace, ImportKind.CONTACTS, file, stream, columns=contacts.columns, is_dry_run=is_dry_run, actor=actor,
        now=now, mapping=mapping,
    )  # fmt: skip


class ContactImporter:
    """The `Importer` of contacts; `replan` is what follows from changed time zones, `suppress` from opt-outs."""

    def __init__(self, replan: Replan, suppress: Suppress) -> None:
        self._replan = replan
        self._suppress = suppress

    def read_records(self, stored: ContactImport, stream: BinaryIO) -> Iterator[object]:
        return CellsFile(stored.file_name, stream).read_rows()

    def read_rows(self, stored: ContactImport, stream: BinaryIO, now: datetime) -> Iterator[tuple[int, Any]]:
        for row in ContactsFile(stored.file_name, stream, stored.mapping):
            yield sum(map(len, row.cells)), row

    def store_rows(self, stored: ContactImport, rows: list[ContactRow | OptedOutRow], now: datetime) -> BatchResult:
        result = store_batch(stored.workspace_id, rows, now)
        self._replan(result.old_zones, stored.created_by, now)
        wake_waiting_for_fields(result.updated_ids, now)
        self._suppress(stored.workspace_id, result.opted_out, stored.created_by, now)
        return BatchResult(
            created=result.created,
            updated=len(result.updated_ids),
            contact_ids=result.contact_ids,
            rejected=result.rejected,
            warnings=result.warnings,
        )
