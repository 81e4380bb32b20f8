"""Files of contacts that are too large for a request, and stored imports of them."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

from execution.worker.imports import import_contacts
from sequences.contacts.contact_importer import store_import
from sequences.models import ContactImport, Workspace
from tests.factories import NOW


def make_csv(rows: int, *, first: int = 0, bad: tuple[int, ...] = ()) -> bytes:
    """`bad`: numbers of rows, counted from 0, whose address cannot be used."""
    lines = [f"{'no-address' if n in bad else f'p{n}@x.example'},P{n},{n}" for n in range(first, first + rows)]
    return "\n".join(["email,first_name,seats", *lines, ""]).encode()


def store_file(workspace: Workspace, content: bytes, *, is_dry_run: bool = False, **values: Any) -> ContactImport:
    asked: dict[str, Any] = {"mapping": {}, "actor": "ada@sender.example", "now": NOW, **values}
    return store_import(workspace, "people.csv", io.BytesIO(content), is_dry_run=is_dry_run, **asked)


def run_imports(now: datetime = NOW + timedelta(seconds=5)) -> int:
    """All that can be taken up at that moment; returns how many rows were done."""
    done = 0
    while (more := import_contacts(lambda: now)) is not None:
        done += more
    return done
