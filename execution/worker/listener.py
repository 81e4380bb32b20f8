"""The engine's ear: LISTEN on a connection of its own, outside any pool."""

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

    A lost connection is made again; until then `wait` just times out and the engine's poll does the work.
    """

    def __init__(self) -> None:
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None
        self._is_deaf = False

    def __enter__(self) -> Self:
        self._connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def wait(self, seconds: float) -> bool:
        """Whether somebody called within `seconds`; calls made meanwhile count as one."""
        if self._connection is None and not self._connect():
            time.sleep(min(seconds, _RECONNECT_SECONDS))
            return False
        assert self._connection is not None
        try:
            called = any(True for _ in self._connection.notifies(timeout=seconds, stop_after=1))
            while called and select.select([self._connection], [], [], 0)[0]:
                if not any(True for _ in self._connection.notifies(timeout=0)):
                    break
        except psycopg.Error as error:
            self._go_deaf(error)
            return False
        return called

    def _connect(self) -> bool:
        params = {key: value for key, value in connection.get_connection_params().items() if key != "cursor_factory"}
        try:
            self._connection = psycopg.connect(**params, autocommit=True)
            self._connection.execute(f"LISTEN {CHANNEL}".encode())
        except psycopg.Error as error:
            self._go_deaf(error)
            return False
        if self._is_deaf:
            log.info("listening for wake-ups again")
        self._is_deaf = False
        return True

    def _go_deaf(self, error: psycopg.Error) -> None:
        if not self._is_deaf:
            log.warning("cannot listen for wake-ups, polling until it works again: %s", first_line(error))
        self._is_deaf = True
        self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
