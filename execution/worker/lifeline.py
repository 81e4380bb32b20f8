"""Two pipes between the first process of a cluster and all its children. Knows nothing of jobs or of django-q2.

The kernel closes the ends of a process that dies, however it dies. So a child learns at once that the first process is
gone or wants to stop, and the first process knows when the last child is gone. Nothing of it can be left locked by a
killed process, as an event or a queue of `multiprocessing` can.
"""

from __future__ import annotations

import os
import select
import signal
import struct
import time
from contextlib import suppress

_PID = struct.Struct("=q")


class Lifeline:
    """Make it in the first process, before any child is forked."""

    def __init__(self) -> None:
        self._stop_read, self._stop_write = os.pipe()
        self._alive_read, self._alive_write = os.pipe()
        self._is_of_child = False
        self._pids: set[int] = set()

    # --- in the first process

    def keep_first_end(self) -> None:
        """Call once the first child is forked."""
        os.close(self._stop_read)
        os.close(self._alive_write)

    def cut(self) -> None:
        """Ask every child to end."""
        os.close(self._stop_write)

    def wait_for_children(self, seconds: float) -> bool:
        """Whether all children, and theirs, have ended within so many seconds."""
        ends_at = time.monotonic() + seconds
        while select.select([self._alive_read], [], [], max(ends_at - time.monotonic(), 0))[0]:
            found = os.read(self._alive_read, 512 * _PID.size)
            if not found:
                return True
            self._pids.update(pid for (pid,) in _PID.iter_unpack(found))
        return False

    def kill_children(self) -> None:
        """End those that are still there, as suddenly as it takes."""
        own_group = os.getpgrp()
        for pid in self._pids:
            with suppress(ProcessLookupError, PermissionError):
                # a number that was given to another process since is of another group
                if os.getpgid(pid) == own_group:
                    os.kill(pid, signal.SIGKILL)

    # --- in a child

    def join(self) -> None:
        """Call first in every child, and again in the children of that."""
        if not self._is_of_child:
            os.close(self._stop_write)
            os.close(self._alive_read)
            self._is_of_child = True
        os.write(self._alive_write, _PID.pack(os.getpid()))

    def fileno(self) -> int:
        """Readable once the child must end."""
        return self._stop_read

    def is_cut(self, seconds: float | None = 0) -> bool:
        """Whether the child must end; waits up to so many seconds for it, without a limit for None."""
        return bool(select.select([self._stop_read], [], [], seconds)[0])
