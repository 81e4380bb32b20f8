"""Carries out stored imports of contacts and suppressions, with what they change for enrollments."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime

from common.db import Row, release_connection
from emails.facts.opted_out import suppress_opted_out
from emails.facts.suppression_importer import SuppressionImporter
from execution.control.replan_calendar import replan_contacts
from execution.worker.turns import LoopTurns
from sequences.choices import ImportKind
from sequences.contacts.contact_importer import ContactImporter
from sequences.contacts.stored_imports import Clock, Importers, run_next_import

_LOOK_SECONDS = 2.0
_LOOP = "import contacts"


def import_contacts(
    clock: Clock, workspace_id: int | None = None, is_stopping: Callable[[], bool] = lambda: False
) -> int | None:
    """Take up one import; returns how many rows were done, None when there is none to do."""
    return run_next_import(clock, _IMPORTERS, workspace_id=workspace_id, is_stopping=is_stopping)


def import_all(clock: Clock, workspace_id: int | None = None) -> None:
    """Until no import is left to take up."""
    while import_contacts(clock, workspace_id) is not None:
        pass


def carry_out_imports(
    clock: Clock, workspace_id: int | None, stop: threading.Event, turns: LoopTurns, on_stored: Callable[[], None]
) -> None:
    """The loop of an executor, until `stop`; `on_stored` after each turn that stored rows."""
    while not stop.is_set():
        turns.note(_LOOP)
        done = import_contacts(clock, workspace_id, lambda: _is_stopping(stop, turns))
        if done:
            on_stored()
        release_connection()
        if done is None:
            stop.wait(_LOOK_SECONDS)


def _is_stopping(stop: threading.Event, turns: LoopTurns) -> bool:
    """Asked after each batch, which is a sign of life."""
    turns.note(_LOOP)
    return stop.is_set()


def _replan(old_zones: Mapping[int, Row], actor: str, now: datetime) -> None:
    replan_contacts(old_zones, actor=actor, now=now)


_IMPORTERS: Importers = {
    ImportKind.CONTACTS.value: ContactImporter(_replan, suppress_opted_out),
    ImportKind.SUPPRESSIONS.value: SuppressionImporter(),
}
