"""How an executor runs: the options of the command and of the job. Holds no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from execution.engine.backoff import Policy


class Stage(StrEnum):
    DECIDE = "decide"
    DELIVER = "deliver"
    INBOUND = "inbound"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Options:
    """How a runner runs. `limit`: stop after so many decided enrollments; None: no end.

    `watched_inboxes`: how many inboxes it may watch by IDLE at the same time.
    `stop_wait_seconds`: how long a stop waits for the answers of servers that have a message.
    """

    policy: Policy
    stage: Stage = Stage.ALL
    poll_seconds: float = 30.0
    batch_size: int = 500
    limit: int | None = None
    workspace_id: int | None = None
    lane_threads: int = 16
    watched_inboxes: int = 0
    kind: str = "run_executor"
    stop_wait_seconds: float = 75.0
