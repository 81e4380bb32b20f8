"""Imports that are too large for a request: stored with their file, carried out by executors in batches.

Every batch is one transaction that stores its rows and how far the import has come, so a row is stored exactly once,
and another executor goes on after the last batch when one dies. First the whole file is read once: one that cannot be
read to its end changes nothing. Needs no clock and no network; an `Importer` knows the rows of one kind of file.
"""

from __future__ import annotations

import io
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Protocol

from django.db import transaction

from common.db import fetch_all
from common.notify import notify_engine
from sequences.choices import ImportKind, ImportState
from sequences.contacts.csv_import import BATCH_BYTES, BATCH_ROWS
from sequences.contacts.csv_reader import CsvFormError, RejectedRow, RowWarning
from sequences.contacts.erased import ERASED_REASON, find_erased, lock_contacts
from sequences.models import ContactImport, ContactImportBatch, Workspace

log = logging.getLogger(__name__)

MOST_ROWS_AT_ONCE = 2_000
MOST_BYTES_AT_ONCE = 1024 * 1024
_LEASE = timedelta(seconds=60)
# another import gets its turn after this, when one waits
_TURN = timedelta(seconds=20)
_MOST_ATTEMPTS = 5
_OPEN = (ImportState.WAITING.value, ImportState.RUNNING.value)

Clock = Callable[[], datetime]

_TAKE = """
UPDATE sequences_contactimport i
SET state = 'running', lease = %(lease)s, leased_until = %(until)s, served_at = %(now)s, attempts = i.attempts + 1,
    started_at = coalesce(i.started_at, %(now)s)
WHERE i.id = (
    SELECT o.id FROM sequences_contactimport o
    WHERE o.state IN ('waiting', 'running') AND (o.leased_until IS NULL OR o.leased_until <= %(now)s)
      AND (%(workspace)s::bigint IS NULL OR o.workspace_id = %(workspace)s)
    ORDER BY o.served_at NULLS FIRST, o.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING i.id
"""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of some usable rows; `known` are those that changed nothing."""

    created: int
    updated: int
    known: int = 0
    contact_ids: tuple[int, ...] = ()
    rejected: tuple[RejectedRow, ...] = ()
    warnings: tuple[RowWarning, ...] = ()


class Importer(Protocol):
    """Reads and stores the rows of one kind of file. Reading raises `CsvFormError`."""

    def read_records(self, stored: ContactImport, stream: BinaryIO) -> Iterator[object]:
        """All rows, cheaply: as many as `read_rows` gives."""

    def read_rows(self, stored: ContactImport, stream: BinaryIO, now: datetime) -> Iterator[tuple[int, Any]]:
        """Each row with how many characters it holds in memory; one that cannot be used is a `RejectedRow`."""

    def store_rows(self, stored: ContactImport, rows: list[Any], now: datetime) -> BatchResult:
        """Store usable rows. Called inside a transaction that holds `lock_contacts`."""


Importers = Mapping[str, Importer]


class _LostError(Exception):
    """Another executor has the import now: nothing of this batch is kept."""


class _StoppedError(Exception):
    """The executor stops before a batch is read."""


def is_large(stream: BinaryIO) -> bool:
    """Whether a file has too many bytes or lines to be imported while its sender waits."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    if size > MOST_BYTES_AT_ONCE:
        return True
    content = stream.read()
    stream.seek(0)
    return max(content.count(b"\n"), content.count(b"\r")) > MOST_ROWS_AT_ONCE + 1


@transaction.atomic
def keep_import(
    workspace: Workspace,
    kind: ImportKind,
    file: str,
    stream: BinaryIO,
    *,
    columns: list[str],
    is_dry_run: bool,
    actor: str,
    now: datetime,
    mapping: Mapping[str, str] | None = None,
    reason: str = "",
) -> ContactImport:
    """Keep a file, whose header was checked, for the executors. `columns` head the file of its rejected rows."""
    stream.seek(0)
    stored = ContactImport.objects.create(
        workspace=workspace,
        kind=kind.value,
        file_name=file.replace("\0", "")[-254:],
        content=stream.read(),
        mapping=dict(mapping or {}),
        reason=reason,
        is_dry_run=is_dry_run,
        columns=columns,
        created_by=actor,
        created_at=now,
    )
    notify_engine()
    return stored


def list_rejects(stored: ContactImport) -> Iterator[RejectedRow]:
    """The rejected rows in their order, batch by batch."""
    for batch in ContactImportBatch.objects.filter(contact_import=stored).order_by("first").iterator(chunk_size=10):
        for row in batch.rejects:
            yield RejectedRow(row["row"], row["reason"], tuple(row["cells"]))


def list_warnings(stored: ContactImport, most: int) -> list[dict[str, Any]]:
    """The first `{"row", "reason"}` of rows that were stored without something they say."""
    found: list[dict[str, Any]] = []
    batches = ContactImportBatch.objects.filter(contact_import=stored).exclude(warnings=[]).order_by("first")
    for warnings in batches.values_list("warnings", flat=True)[:most]:
        found += warnings
    return found[:most]


def run_next_import(
    clock: Clock,
    importers: Importers,
    *,
    workspace_id: int | None = None,
    is_stopping: Callable[[], bool] = lambda: False,
) -> int | None:
    """Take up the import that waited longest, until it ends, another one waits, or `is_stopping`.

    Returns how many rows were done; None when there is no import to do.
    """
    lease = uuid.uuid4()
    now = clock()
    taken = fetch_all(_TAKE, {"lease": lease, "until": now + _LEASE, "now": now, "workspace": workspace_id})
    if not taken:
        return None
    stored = ContactImport.objects.select_related("workspace").get(pk=taken[0]["id"])
    run = _Run(stored, clock, importers[stored.kind], is_stopping)
    if stored.attempts > _MOST_ATTEMPTS:
        run.fail(f"stopped after row {stored.done:,}: an error in the program, which its log shows")
        return 0
    try:
        run.carry_out()
    except _LostError:
        log.warning("import %d is carried out by another executor", stored.pk)
    except CsvFormError as error:
        run.fail(str(error))
    except _StoppedError:
        run.release()
    return run.done - run.began_at


class _Run:
    """One executor's work on one import, as long as it holds the lease."""

    def __init__(
        self, stored: ContactImport, clock: Clock, importer: Importer, is_stopping: Callable[[], bool]
    ) -> None:
        self._stored = stored
        self._clock = clock
        self._importer = importer
        self._is_stopping = is_stopping
        self._content = bytes(stored.content or b"")
        self._turn_ends = clock() + _TURN
        self.began_at = self.done = stored.done

    def carry_out(self) -> None:
        """Raises `CsvFormError`, and `_LostError` once another executor has it."""
        if self._stored.rows is None:
            self._count()
        for batch in self._read_batches():
            self._store(batch)
            if self._is_stopping() or self._is_turn_over():
                return self.release()
        return self._finish(ImportState.DONE)

    def release(self) -> None:
        """Let any executor go on at once."""
        with suppress(_LostError):
            self._write(lease=None, leased_until=None)

    def fail(self, problem: str) -> None:
        with suppress(_LostError):
            self._finish(ImportState.FAILED, problem)

    def _count(self) -> None:
        """Read the whole file, so that one that is broken at its end changes nothing."""
        rows = 0
        for rows, _ in enumerate(self._importer.read_records(self._stored, io.BytesIO(self._content)), start=1):
            self._go_on(rows)
        self._write(rows=rows)

    def _read_batches(self) -> Iterator[list[Any]]:
        """The rows that are not done, as many as are stored at once."""
        found = self._importer.read_rows(self._stored, io.BytesIO(self._content), self._clock())
        batch: list[Any] = []
        size = 0
        for number, (length, row) in enumerate(found, start=1):
            if number <= self.began_at:
                self._go_on(number)
                continue
            batch.append(row)
            size += length
            if len(batch) == BATCH_ROWS or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    @transaction.atomic
    def _store(self, batch: list[Any]) -> None:
        now, stored = self._clock(), self._stored
        lock_contacts(stored.workspace_id)
        usable = [row for row in batch if not isinstance(row, RejectedRow)]
        unusable = _blank_erased(stored.workspace_id, [row for row in batch if isinstance(row, RejectedRow)])
        with transaction.atomic():
            result = self._importer.store_rows(stored, usable, now)
            transaction.set_rollback(stored.is_dry_run)
        rejected = sorted((*unusable, *result.rejected), key=lambda row: row.row)
        self._write(
            done=self.done + len(batch),
            created=stored.created + result.created,
            updated=stored.updated + result.updated,
            known=stored.known + result.known,
            rejected=stored.rejected + len(rejected),
            attempts=0,
            leased_until=now + _LEASE,
        )
        ContactImportBatch.objects.create(
            workspace=stored.workspace,
            contact_import=stored,
            first=self.done,
            contact_ids=[] if stored.is_dry_run else list(result.contact_ids),
            rejects=[_storable(row) for row in rejected],
            warnings=[asdict(warning) for warning in result.warnings],
        )
        self.done = stored.done

    def _finish(self, state: ImportState, problem: str = "") -> None:
        """The file is not needed any more."""
        self._write(
            state=state.value,
            problem=problem,
            content=None,
            finished_at=self._clock(),
            lease=None,
            leased_until=None,
        )

    def _go_on(self, rows: int) -> None:
        """Now and then while reading what is not stored: keep the lease. Raises `_StoppedError`."""
        if rows % BATCH_ROWS:
            return
        if self._is_stopping():
            raise _StoppedError
        if rows % (10 * BATCH_ROWS) == 0:
            self._write(leased_until=self._clock() + _LEASE)

    def _is_turn_over(self) -> bool:
        now = self._clock()
        waiting = ContactImport.objects.filter(state__in=_OPEN, lease=None).exclude(pk=self._stored.pk)
        return now >= self._turn_ends and waiting.exists()

    def _write(self, **values: Any) -> None:
        """Raises `_LostError` unless this executor still has the lease."""
        stored = self._stored
        held = ContactImport.objects.filter(
            pk=stored.pk, state=ImportState.RUNNING.value, lease=stored.lease, done=self.done
        )
        if not held.update(**values):
            raise _LostError
        for name, value in values.items():
            if name != "lease":
                setattr(stored, name, value)


def _blank_erased(workspace_id: int, rows: list[RejectedRow]) -> list[RejectedRow]:
    """Rejected rows, without the cells of those that hold an erased address."""
    addresses = {cell.strip().lower() for row in rows for cell in row.cells if "@" in cell}
    erased = find_erased(workspace_id, addresses) if addresses else set()
    return [
        RejectedRow(row.row, ERASED_REASON, ()) if erased & {cell.strip().lower() for cell in row.cells} else row
        for row in rows
    ]


def _storable(row: RejectedRow) -> dict[str, Any]:
    """As a document that PostgreSQL can hold: it has no NUL character."""
    cells = [cell.replace("\0", "\ufffd") for cell in row.cells]
    return {"row": row.row, "reason": row.reason.replace("\0", "\ufffd"), "cells": cells}
