"""The pace of a mailbox: the earliest next send after one, and which stored slots still count. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from zlib import crc32


def planned_slot(handed_over_at: datetime, header_id: str, gap_seconds: int, jitter_seconds: int) -> datetime:
    """The earliest next send. The jitter derives from the Message-ID, so that the planned queue is the real one."""
    jitter = crc32(header_id.encode()) % (jitter_seconds + 1)
    return handed_over_at + timedelta(seconds=gap_seconds + jitter)


def find_slot(
    stored: datetime | None, gap_seconds: int, jitter_seconds: int, now: datetime, *, is_failing: bool
) -> datetime | None:
    """The stored slot if it lies ahead and the mailbox's pace can have set it, else None.

    One later than that was written by a clock that was wrong. `is_failing`: the breaker counts failures, and its
    pauses are stored as slots too.
    """
    if stored is None or stored <= now:
        return None
    latest = now + timedelta(seconds=gap_seconds + jitter_seconds)
    return stored if is_failing or stored <= latest else None
