"""Notices that the database is another server than before, and finds out what this worker knows of it.

Looked at with every heartbeat, before it is written: until the server is trusted, no statement takes anything on it.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime

from emails.sending.journal import count_forgotten
from execution.control.failover import Look, Server, look_at_server, review_server
from execution.models import Worker

log = logging.getLogger(__name__)


class Fence:
    """One per worker."""

    def __init__(self, worker_id: uuid.UUID) -> None:
        self._worker_id = worker_id
        self._worked_on: Server | None = None
        self._beat_at: datetime | None = None

    def check(self, now: datetime) -> None:
        """Raises `psycopg.Error` and Django's."""
        look = look_at_server()
        if not look.is_trusted:
            has_everything = self._finds_everything(look)
            if not review_server(self._worker_id, has_everything, now):
                log.warning(
                    "the database is another server than before (timeline %d): nothing is taken until it is clear "
                    "whether it has lost commits",
                    look.here.timeline,
                )
                return
        self._worked_on = look.here

    def note_beat(self, now: datetime) -> None:
        """Its heartbeat of this moment is committed."""
        self._beat_at = now

    def _finds_everything(self, look: Look) -> bool | None:
        """None: it has not worked on the server that was trusted so far."""
        before, trusted = self._worked_on, look.trusted
        if before is None or trusted is None or self._beat_at is None:
            return None
        if (before.system_identifier, before.timeline) != (trusted.system_identifier, trusted.timeline):
            return None
        if look.here.system_identifier != before.system_identifier:
            return False
        has_beat = Worker.objects.filter(pk=self._worker_id, heartbeat_at__gte=self._beat_at).exists()
        return has_beat and not count_forgotten()
