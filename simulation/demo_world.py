"""The demo's world: runs the real engine, lets prospects and SDRs act, and puts the clock forward when all is quiet.

One thread does all of it, so nothing is leased and nothing half done when time leaps. The engine is the product's own
`run_until_idle`; this file decides nothing. `play` lives through the past; `live` goes on by the wall's clock, where
the visitor takes the part of the SDRs and nothing that a visitor does may end the demo.
"""

from __future__ import annotations

import heapq
import itertools
import os
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from django.db import connection

from common.db import fetch_all
from emails.choices import MailboxStatus, MessageStatus
from emails.models import EmailMessage, Mailbox, Reply
from emails.tracking.visits import CLASSIFIED_AFTER
from execution import heartbeat
from execution.control.replies import mark_handled
from execution.control.switches import resume_mailbox
from execution.control.tasks import complete_task
from execution.insight.alerts import reconcile_alerts
from execution.worker.options import Options, Stage
from execution.worker.runner import run_until_idle
from sequences.models import Workspace
from simulation.demo_endpoints import Endpoints
from simulation.demo_story import Story
from simulation.mail_script import Drop
from simulation.mail_server import MailServer, Moment
from simulation.prospects import Persona, cast_visitor, plan_acts
from simulation.reading import EndpointError
from simulation.virtual_clock import VirtualClock
from tasks_app.choices import TaskStatus
from tasks_app.models import Task
from tasks_app.operations import TaskClosedError

_LONGEST_WAIT_SECONDS = 0.1
_SHORTEST_WAIT_SECONDS = 0.05
_LIVE_WAIT_SECONDS = 0.5
_STUCK_SECONDS = 30.0
_ALERTS_EVERY = timedelta(seconds=20)
_OWNER_LOOKS_AFTER = timedelta(minutes=50)
_OWNER_ANSWERS_AFTER = timedelta(hours=5)
# Prospects take minutes to hours; a visitor does not wait so long. Above what is taken for a machine's visit.
_LIVE_ACTS_AFTER = timedelta(minutes=2)
_LIVE_HURRY = 60
_NEXT = """
SELECT least(
    (SELECT min(occurred_at) + %(settles)s FROM emails_emailevent WHERE verdict = 'pending'),
    (SELECT min(wake_at) FROM sequences_enrollment WHERE workspace_id = %(workspace)s AND wake_at IS NOT NULL),
    (SELECT min(lane_at) FROM emails_mailbox WHERE workspace_id = %(workspace)s AND status = 'active')
) AS at
"""


@dataclass(slots=True)
class Stop:
    """Set by a signal handler, which runs in the middle of anything and so must not take a lock, as an Event would."""

    is_asked: bool = False


@dataclass(frozen=True, slots=True, order=True)
class _Plan:
    at: datetime
    number: int
    do: Callable[[datetime], None] = field(compare=False)


def wall_clock() -> datetime:
    """The real time, which `living_by` hides from Django."""
    return datetime.now(UTC)


class World:
    """`personas` by address in lower case; `speed` is how many seconds pass per real second while nothing happens,
    None: leap at once."""

    def __init__(
        self,
        workspace: Workspace,
        personas: Mapping[str, Persona],
        server: MailServer,
        clock: VirtualClock,
        options: Options,
        story: Story,
        *,
        speed: float | None,
    ) -> None:
        self.troubles: list[str] = []
        self._workspace = workspace
        self._server = server
        self._clock = clock
        self._options = replace(options, workspace_id=workspace.pk)
        self._story = story
        self._speed = speed
        self._endpoints = Endpoints()
        self._personas: dict[str, Persona] = {}
        self._agenda: list[_Plan] = []
        self._numbers = itertools.count()
        self._read_messages = 0
        self._emails: Counter[str] = Counter()
        self._seen: dict[str, set[int]] = {"tasks": set(), "replies": set(), "mailboxes": set()}
        self._worker_id = uuid.uuid4()
        self._decided = self._delivered = 0
        self._is_live = False
        self._alerts_at = clock()
        self._last_trouble = ""
        self.add_personas(personas)

    def add_personas(self, personas: Mapping[str, Persona]) -> None:
        """Bounces, a greylisting and a lost answer happen in the SMTP dialogue, as on a real server."""
        self._personas |= personas
        for address, persona in personas.items():
            if persona is Persona.GONE:
                self._server.on(Moment.RCPT, "550 5.1.1 No such user here", recipient=address)
            elif persona is Persona.BUSY_SERVER:
                self._server.on(Moment.RCPT, "451 4.7.1 Greylisted, please try again", recipient=address, times=1)
            elif persona is Persona.UNCONFIRMED:
                self._server.on(Moment.DOT, Drop(), recipient=address, times=1)

    def plan(self, at: datetime, do: Callable[[datetime], None]) -> None:
        """Do something at that time, given the time at which it is done."""
        heapq.heappush(self._agenda, _Plan(at, next(self._numbers), do))

    def play(self, stop: Stop, *, until: Callable[[], datetime] | None = None) -> None:
        """Leap from one thing to the next: until nothing is left to happen, or until that moment."""
        self._start()
        progress_at = time.monotonic()
        while not stop.is_asked:
            next_at = self._turn()
            now, end_at = self._clock(), until() if until else None
            if end_at is not None and now >= end_at - timedelta(seconds=1):
                break
            if next_at is None and end_at is None:
                break
            moment = min((at for at in (next_at, end_at) if at is not None), default=now)
            if moment > now:
                self._wait(moment - now)
                self._clock.advance_to(moment)
                progress_at = time.monotonic()
            elif end_at is None and time.monotonic() - progress_at > _STUCK_SECONDS:
                self.troubles.append(f"what is due at {moment:%Y-%m-%d %H:%M:%S} UTC does not happen")
                break
            else:
                # It came due just now, or something holds it, such as a user who has paused the executor.
                time.sleep(_SHORTEST_WAIT_SECONDS)
        self._end()

    def live(self, stop: Stop, *, complain: Callable[[str], None]) -> None:
        """Go on by the wall's clock until stopped. What fails is told once by `complain`, and the rest goes on."""
        self._is_live = True
        sent = EmailMessage.objects.filter(workspace=self._workspace.pk, status=MessageStatus.SENT.value)
        self._emails = Counter(map(str.lower, sent.values_list("recipient", flat=True)))
        self._start()
        while not stop.is_asked:
            self._clock.advance_to(wall_clock())
            for stage in (self._beat, self._act, self._run_engine, self._read_new_mail, self._raise_alerts):
                self._attempt(stage, complain)
            self._attempt(self._story.tell, complain)
            time.sleep(_LIVE_WAIT_SECONDS)
        self._end()

    def _attempt(self, stage: Callable[[], None], complain: Callable[[str], None]) -> None:
        """A visitor may delete anything at any moment, and the database may be restarted."""
        try:
            stage()
        except Exception as error:
            connection.close_if_unusable_or_obsolete()
            text = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
            if text != self._last_trouble:
                complain(text)
            self._last_trouble = text

    def _start(self) -> None:
        self._worker_id = uuid.uuid4()
        heartbeat.start(self._worker_id, f"demo:{os.getpid()}", "demo", self._clock())

    def _end(self) -> None:
        heartbeat.stop(self._worker_id, self._clock(), self._decided, self._delivered, self._clock())

    def _beat(self) -> None:
        heartbeat.beat(self._worker_id, self._clock(), self._decided, self._delivered, self._clock(), {})

    def _wait(self, pause: timedelta) -> None:
        if self._speed is not None:
            time.sleep(min(pause.total_seconds() / self._speed, _LONGEST_WAIT_SECONDS))

    def _turn(self) -> datetime | None:
        """Do all that is due now. Returns when the next thing is; None when there is nothing left."""
        self._beat()
        self._act()
        self._run_engine()
        self._read_new_mail()
        self._look_at_tasks()
        self._look_at_replies()
        self._look_at_mailboxes()
        self._story.tell()
        moments = [plan.at for plan in self._agenda[:1]]
        found = fetch_all(_NEXT, {"workspace": self._workspace.pk, "settles": CLASSIFIED_AFTER})[0]
        if found["at"] is not None:
            moments.append(found["at"])
        return min(moments, default=None)

    def _run_engine(self) -> None:
        """Decide and deliver in turns. The inbound stage would read the inboxes of other workspaces too."""
        while True:
            decided, _ = run_until_idle(replace(self._options, stage=Stage.DECIDE), self._clock)
            _, delivered = run_until_idle(replace(self._options, stage=Stage.DELIVER), self._clock)
            self._decided += decided
            self._delivered += delivered
            if not decided and not delivered:
                return

    def _act(self) -> None:
        while self._agenda and self._agenda[0].at <= self._clock():
            plan = heapq.heappop(self._agenda)
            try:
                plan.do(self._clock())
            except EndpointError as error:
                self.troubles.append(str(error))

    def _raise_alerts(self) -> None:
        now = self._clock()
        if now >= self._alerts_at:
            self._alerts_at = now + _ALERTS_EVERY
            reconcile_alerts(now)

    def _read_new_mail(self) -> None:
        """Plan what each recipient of an email does with it. Test mails are in no ledger: no prospect gets them."""
        fresh = self._server.messages[self._read_messages :]
        if not fresh:
            return
        self._read_messages += len(fresh)
        now = self._clock()
        known = EmailMessage.objects.filter(workspace=self._workspace, message_id__in=[m.message_id for m in fresh])
        pks = dict(known.values_list("message_id", "pk"))
        for message in fresh:
            pk = pks.get(message.message_id)
            if pk is None:
                continue
            address = message.recipients[0].lower()
            self._emails[address] += 1
            persona = self._personas.get(address) or cast_visitor(address)
            for act in plan_acts(persona, address, self._emails[address]):
                after = _LIVE_ACTS_AFTER + act.after / _LIVE_HURRY if self._is_live else act.after
                self.plan(
                    now + after,
                    lambda at, action=act.action, mime=message.parsed, pk=pk: self._endpoints.act(action, mime, pk, at),  # type: ignore[misc]
                )

    def _look_at_tasks(self) -> None:
        """The SDRs do what the sequences wait for, and every other thing; the rest is left for the visitor to see."""
        tasks, seen = Task.objects.filter(workspace=self._workspace, status=TaskStatus.OPEN.value), self._seen["tasks"]
        for task in tasks.exclude(pk__in=seen).select_related("step", "assignee", "contact").order_by("pk"):
            seen.add(task.pk)
            waits = task.step is not None and task.step.wait_for_completion
            if waits or len(seen) % 2:
                at = task.created_at + timedelta(minutes=40 + len(seen) * 17 % 200)
                self.plan(at, lambda at, task=task: self._finish(task, at))  # type: ignore[misc]

    def _look_at_replies(self) -> None:
        """The SDRs answer two replies of three from their own mail program."""
        replies, seen = Reply.objects.filter(workspace=self._workspace, is_handled=False), self._seen["replies"]
        for reply in replies.exclude(pk__in=seen).order_by("pk"):
            seen.add(reply.pk)
            if len(seen) % 3:
                at = reply.received_at + _OWNER_ANSWERS_AFTER
                self.plan(at, lambda at, reply=reply: self._handle(reply, at))  # type: ignore[misc]

    def _look_at_mailboxes(self) -> None:
        """The owner of a mailbox that was paused for its bounces cleans the list and resumes it."""
        stopped = Mailbox.objects.filter(
            workspace=self._workspace, status=MailboxStatus.PAUSED.value, status_actor="engine"
        )
        for mailbox in stopped.exclude(pk__in=self._seen["mailboxes"]).select_related("owner"):
            self._seen["mailboxes"].add(mailbox.pk)
            self.plan(
                self._clock() + _OWNER_LOOKS_AFTER,
                lambda at, mailbox=mailbox: self._resume(mailbox, at),  # type: ignore[misc]
            )

    # What an SDR had planned is left to the visitor once the demo is live.

    def _finish(self, task: Task, now: datetime) -> None:
        # A reply may have closed it in the meantime.
        with suppress(TaskClosedError):
            if not self._is_live:
                actor = task.assignee.get_username() if task.assignee else "demo"
                complete_task(task, actor=actor, now=now, outcome="Done.")

    def _handle(self, reply: Reply, now: datetime) -> None:
        if not self._is_live:
            mark_handled(reply, is_handled=True, actor="demo", now=now)

    def _resume(self, mailbox: Mailbox, now: datetime) -> None:
        if not self._is_live:
            self._seen["mailboxes"].discard(mailbox.pk)
            resume_mailbox(mailbox, actor=mailbox.owner.get_username() if mailbox.owner else "demo", now=now)
