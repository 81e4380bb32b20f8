"""Watches inboxes by IDLE (RFC 2177), so that an answer is read within seconds where the server can tell of it.

A bounded number of connections per process; each inbox is watched by one process at a time. Polling goes on beside it:
whatever is not watched, or missed, is found then.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection

from common.db import execute, fetch_all
from emails.inbound.imap import Imap, ImapError, open_imap
from emails.models import Mailbox

log = logging.getLogger(__name__)

_CLAIMED_SECONDS = 90
_RENEW_SECONDS = 30
# Servers may cut an idle connection after 29 minutes; networks do it sooner.
_CONNECTION_SECONDS = 600
_SESSION_SECONDS = _CONNECTION_SECONDS + 60
_CHECK_SECONDS = 2.0
_WITHOUT_IDLE = timedelta(days=1)
_AFTER_ERROR = timedelta(minutes=2)

_CLAIM = """
UPDATE emails_inboxstate SET watched_until = %(until)s
WHERE mailbox_id IN (
    SELECT s.mailbox_id FROM emails_inboxstate s JOIN emails_mailbox b ON b.id = s.mailbox_id
    WHERE b.inbound = 'imap' AND b.status = 'active' AND (s.watched_until IS NULL OR s.watched_until <= %(now)s)
      AND s.failures = 0 AND s.uidvalidity IS NOT NULL
      AND (%(workspace)s::bigint IS NULL OR b.workspace_id = %(workspace)s)
    ORDER BY s.watched_until NULLS FIRST, s.mailbox_id LIMIT %(limit)s FOR UPDATE OF s SKIP LOCKED)
RETURNING mailbox_id
"""
_HOLD = "UPDATE emails_inboxstate SET watched_until = %(until)s WHERE mailbox_id = %(mailbox)s"
_HAS_NEWS = "UPDATE emails_inboxstate SET checked_at = NULL WHERE mailbox_id = %(mailbox)s AND leased_until IS NULL"

Clock = Callable[[], datetime]


class Watcher:
    """`on_news` is called from a watching thread once an inbox with news is due for reading."""

    def __init__(self, clock: Clock, most: int, on_news: Callable[[], None], workspace_id: int | None = None) -> None:
        self._clock = clock
        self._most = most
        self._on_news = on_news
        self._workspace_id = workspace_id
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def take_on(self) -> int:
        """Watch more inboxes, as far as there are connections left. Returns how many are watched now."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        free = self._most - len(self._threads)
        if free > 0 and not self._stopping.is_set():
            now = self._clock()
            until = now + timedelta(seconds=_CLAIMED_SECONDS)
            asked = {"now": now, "until": until, "limit": free, "workspace": self._workspace_id}
            for row in fetch_all(_CLAIM, asked):
                thread = threading.Thread(target=self._run, args=(row["mailbox_id"],), daemon=True, name="idle")
                thread.start()
                self._threads.append(thread)
        return len(self._threads)

    def stop(self, timeout_seconds: float) -> None:
        """Log out everywhere, as far as the time allows."""
        self._stopping.set()
        deadline = time.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))

    def _run(self, mailbox_id: int) -> None:
        free_at = self._clock()
        try:
            with open_imap(Mailbox.objects.get(pk=mailbox_id), _SESSION_SECONDS) as imap:
                if imap.can_idle():
                    imap.open_folder("INBOX")
                    self._watch(imap, mailbox_id)
                else:
                    free_at += _WITHOUT_IDLE
        except (ImapError, Mailbox.DoesNotExist) as error:
            log.info("inbox of mailbox %s is not watched: %s", mailbox_id, error)
            free_at += _AFTER_ERROR
        finally:
            execute(_HOLD, {"mailbox": mailbox_id, "until": free_at})
            connection.close()

    def _watch(self, imap: Imap, mailbox_id: int) -> None:
        began = renewed = time.monotonic()
        with imap.idling() as has_news:
            while not self._stopping.is_set() and time.monotonic() - began < _CONNECTION_SECONDS:
                if has_news(_CHECK_SECONDS):
                    execute(_HAS_NEWS, {"mailbox": mailbox_id})
                    self._on_news()
                if time.monotonic() - renewed > _RENEW_SECONDS:
                    renewed = time.monotonic()
                    until = self._clock() + timedelta(seconds=_CLAIMED_SECONDS)
                    execute(_HOLD, {"mailbox": mailbox_id, "until": until})
                    connection.close()
