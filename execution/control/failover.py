"""A failover of the database: which server the executor trusts, and the pause when commits may have been lost.

`EXECUTOR_RUNS` is false on any other server than the trusted one, so nothing is taken there until this module decides:

- commits waited for a standby: it has them all, the new server is trusted;
- they did not: it is trusted when every worker that was alive has found what it committed last, else sending is paused
  until `after_restore` has held what may have been sent.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import OperationalError, transaction

from common.db import Row, execute, fetch_all
from common.notify import notify_engine
from emails.models import DURABLE_COMMIT, SERVER, ExecutorState
from execution.choices import ControlAction, ControlTarget
from execution.engine.logs import log_control

ENGINE = "engine"
#: How long the workers that were alive have to find what they committed.
CONFIRM_WITHIN = timedelta(seconds=30)
_ALIVE_BEFORE = timedelta(seconds=60)
_LOOK = f"""
SELECT s.system_identifier, s.timeline, s.is_synchronous, x.system_identifier AS trusted_system,
       x.timeline AS trusted_timeline, x.is_synchronous AS was_synchronous, x.other_server_at
FROM ({SERVER}) s LEFT JOIN execution_executorstate x ON x.id = 1
"""
_TRUST = """
UPDATE execution_executorstate
SET system_identifier = %(system)s, timeline = %(timeline)s, is_synchronous = %(synchronous)s, other_server_at = NULL
WHERE id = 1
"""
# Those whose last heartbeat is about as old as the newest one: a worker that was silent before that has ended.
_ASK = """
UPDATE execution_worker SET unconfirmed_timeline = %(timeline)s
WHERE stopped_at IS NULL
  AND heartbeat_at >= (SELECT max(heartbeat_at) FROM execution_worker WHERE stopped_at IS NULL) - %(within)s::interval
"""
_CONFIRM = """
UPDATE execution_worker SET unconfirmed_timeline = NULL WHERE id = %(worker)s AND unconfirmed_timeline = %(timeline)s
"""
_UNCONFIRMED = "SELECT count(*) AS number FROM execution_worker WHERE unconfirmed_timeline = %(timeline)s"
_PAUSE = """
UPDATE execution_executorstate
SET paused_by = CASE WHEN is_paused THEN paused_by ELSE %(engine)s END,
    paused_reason = left(CASE WHEN is_paused THEN paused_reason || '; ' ELSE '' END || %(reason)s, 500),
    is_paused = true, changed_at = %(now)s, failed_over_at = %(now)s
WHERE id = 1
"""


@dataclass(frozen=True, slots=True)
class Server:
    """The database server that answers."""

    system_identifier: str
    timeline: int
    is_synchronous: bool


@dataclass(frozen=True, slots=True)
class Look:
    """The server that answers, and the one that the executor trusts: None before the first look."""

    here: Server
    trusted: Server | None
    other_server_at: datetime | None

    @property
    def is_trusted(self) -> bool:
        return self.here == self.trusted

    @property
    def is_same(self) -> bool:
        """Whether no commit can have been lost: the same server, or a standby that had to have each of them."""
        trusted = self.trusted
        if trusted is None:
            return True
        if self.here.system_identifier != trusted.system_identifier:
            return False
        return self.here.timeline == trusted.timeline or (
            trusted.is_synchronous and self.here.timeline > trusted.timeline
        )


def look_at_server() -> Look:
    """One statement. Raises `OperationalError` on a standby, where nothing can be written."""
    row = fetch_all(_LOOK, {})[0]
    here = Server(row["system_identifier"], row["timeline"], row["is_synchronous"])
    if here.timeline == 0:
        raise OperationalError("the database is a standby, which takes no commits")
    return Look(here, _trusted(row), row["other_server_at"])


def _trusted(row: Row) -> Server | None:
    if row["trusted_timeline"] is None:
        return None
    return Server(row["trusted_system"], row["trusted_timeline"], row["was_synchronous"])


def review_server(worker_id: uuid.UUID, has_everything: bool | None, now: datetime) -> bool:
    """Decide whether the server is trusted. Returns whether it is now; ask again with the next heartbeat if not.

    `has_everything`: whether a worker that worked on the trusted server finds all that it committed; None: it cannot
    know, since it has started later.
    """
    with transaction.atomic():
        execute(f"SELECT {DURABLE_COMMIT}", {})
        ExecutorState.objects.get_or_create(pk=1)
        ExecutorState.objects.select_for_update().get(pk=1)
        look = look_at_server()
        if look.is_trusted:
            return True
        if look.is_same and has_everything is not False:
            trust_server(look, now)
            return True
        timeline = {"timeline": look.here.timeline}
        if look.other_server_at is None:
            ExecutorState.objects.filter(pk=1).update(other_server_at=now)
            execute(_ASK, {**timeline, "within": _ALIVE_BEFORE})
        is_confirmed = bool(has_everything) and execute(_CONFIRM, {**timeline, "worker": worker_id}) > 0
        waits_for = fetch_all(_UNCONFIRMED, timeline)[0]["number"]
        if is_confirmed and not waits_for:
            trust_server(look, now)
            return True
        is_late = look.other_server_at is not None and now - look.other_server_at > CONFIRM_WITHIN
        if has_everything is False or not waits_for or is_late:
            _pause(look, now)
        return False


def trust_server(look: Look, now: datetime) -> None:
    """Work goes on with this server. Call inside a transaction that holds the state's row."""
    _store(look.here)
    if look.trusted is not None:
        changes = [
            {"what": "database", "field": field, "before": getattr(look.trusted, field), "after": after}
            for field in ("system_identifier", "timeline", "is_synchronous")
            if (after := getattr(look.here, field)) != getattr(look.trusted, field)
        ]
        if changes:
            reason = "failover of the database: every commit was found"
            if look.here.timeline == look.trusted.timeline:
                reason = "replication of the database was changed"
            log_control(ControlTarget.EXECUTOR, None, ControlAction.EDITED, ENGINE, reason, now, changes)
    notify_engine()


def _store(server: Server) -> None:
    execute(
        _TRUST,
        {
            "system": server.system_identifier,
            "timeline": server.timeline,
            "synchronous": server.is_synchronous,
        },
    )


def _pause(look: Look, now: datetime) -> None:
    """From now on the server is trusted, and the pause alone holds what may have been sent."""
    assert look.trusted is not None
    if look.here.system_identifier != look.trusted.system_identifier:
        what = "the database is another server than before, such as one restored from a backup"
    else:
        what = f"the database failed over (timeline {look.trusted.timeline} to {look.here.timeline})"
    reason = f"{what} and may have lost its last commits: run manage.py after_restore"
    _store(look.here)
    execute(_PAUSE, {"engine": ENGINE, "reason": reason, "now": now})
    log_control(ControlTarget.EXECUTOR, None, ControlAction.PAUSED, ENGINE, reason, now)


def end_failover(*, actor: str, now: datetime) -> bool:
    """After what may have been sent is held: end the pause that the failover caused. False: it caused none.

    The pause of a user stays.
    """
    with transaction.atomic():
        execute(f"SELECT {DURABLE_COMMIT}", {})
        state = ExecutorState.objects.select_for_update().filter(pk=1, failed_over_at__isnull=False).first()
        if state is None:
            return False
        ExecutorState.objects.filter(pk=1).update(failed_over_at=None)
        if state.is_paused and state.paused_by == ENGINE:
            ExecutorState.objects.filter(pk=1).update(is_paused=False, paused_by="", paused_reason="", changed_at=now)
            reason = "what may have been sent before the failover is held"
            log_control(ControlTarget.EXECUTOR, None, ControlAction.RESUMED, actor, reason, now)
            notify_engine()
            return True
    return False


def trust_present_server() -> None:
    """A user has decided to go on with the server that answers. Call in the transaction of that decision."""
    _store(look_at_server().here)


def describe_database_trouble() -> str:
    """Why nothing is taken because of the database's server; empty: it is the trusted one, and nothing is held."""
    if ExecutorState.objects.filter(pk=1, failed_over_at__isnull=False).exists():
        return "the database may have lost its last commits and sending is paused: run manage.py after_restore"
    look = look_at_server()
    if look.trusted is None or look.is_trusted:
        return ""
    return f"the database is another server than before (timeline {look.here.timeline}) and not trusted yet"
