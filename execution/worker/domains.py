"""Asks DNS whether the domains of contacts take email, beside everything else: what waits for it is held until then."""

from __future__ import annotations

import threading
from collections.abc import Collection

from common.db import release_connection
from emails.mailbox.mail_domains import check_due_domains
from emails.sending.delivery import Clock
from execution.worker.options import Stage
from execution.worker.turns import LoopTurns

_LOOK_SECONDS = 2.0
_LOOP = "check domains"


def check_domains(clock: Clock, stop: threading.Event, turns: LoopTurns) -> None:
    """The loop of an executor, until `stop`."""
    while not stop.is_set():
        turns.note(_LOOP)
        checked = check_due_domains(clock())
        release_connection()
        if not checked:
            stop.wait(_LOOK_SECONDS)


def check_all_domains(clock: Clock, stages: Collection[Stage]) -> None:
    """Until none is due, where these stages send emails."""
    while not {Stage.ALL, Stage.DELIVER}.isdisjoint(stages) and check_due_domains(clock()):
        pass
