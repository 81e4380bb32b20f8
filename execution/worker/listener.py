"""LISTEN for notifications of the engine, on a connection of its own outside any pool."""

from __future__ import annotations

import logging
import select
import time
from types import TracebackType
from typing import Self

import psycopg
from django.db import connection

from common.notify import CHANNEL
from execution.worker.outage import first_line

_RECONNECT_SECONDS = 1.0

log = logging.getLogger(__name__)


class Listener:
    """A connection of its own that waits for `notify_engine`. Use as a context manager.

    It reconnects by itself; until then `wait` only times out, and the engine relies on its poll.
    """

    def __init__(self) -> None:
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None
        self._is_disconnected = False

    def __enter__(self) -> Self:
        self._connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def wait(self, seconds: float) -> bool:
        """Whether a notification came within `seconds`; several count as one."""
        if self._connection is None and not self._connect():
            time.sleep(min(seconds, _RECONNECT_SECONDS))
            return False
        assert self._connection is not None
        try:
            was_notified = any(True for _ in self._connection.notifies(timeout=seconds, stop_after=1))
            while was_notified and select.select([self._connection], [], [], 0)[0]:
                if not any(True for _ in self._connection.notifies(timeout=0)):
                    break
        except psycopg.Error as error:
            self._lose_connection(error)
            return False
        return was_notified

    def _connect(self) -> bool:
        params = {key: value for key, value in connection.get_connection_params().items() if key != "cursor_factory"}
        try:
            self._connection = psycopg.connect(**params, autocommit=True)
            self._connection.execute(f"LISTEN {CHANNEL}".encode())
        except psycopg.Error as error:
            self._lose_connection(error)
            return False
        if self._is_disconnected:
            log.info("listening for notifications again")
        self._is_disconnected = False
        return True

    def _lose_connection(self, error: psycopg.Error) -> None:
        if not self._is_disconnected:
            log.warning("cannot listen for notifications, polling until it works again: %s", first_line(error))
        self._is_disconnected = True
        self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
