"""The demo's world: runs the real engine, lets prospects and SDRs act, and puts the clock forward when all is quiet.

One thread does all of it, so nothing is leased and nothing half done when time leaps. The engine is the product's own
`run_until_idle`; this file decides nothing.
"""

from __future__ import annotations

import heapq
import itertools
import os
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from common.db import fetch_all
from emails.choices import MailboxStatus
from emails.models import EmailMessage, Mailbox
from emails.tracking.visits import CLASSIFIED_AFTER
from execution import heartbeat
from execution.control.switches import resume_mailbox
from execution.control.tasks import complete_task
from execution.worker.runner import Options, Stage, run_until_idle
from sequences.models import Workspace
from simulation.demo_endpoints import Endpoints
from simulation.demo_story import Story
from simulation.demo_workspace import Enlisted
from simulation.mail_server import MailServer, Moment
from simulation.prospects import Persona, cast_personas, plan_acts
from simulation.reading import EndpointError
from simulation.virtual_clock import VirtualClock
from tasks_app.choices import TaskStatus
from tasks_app.models import Task
from tasks_app.operations import TaskClosedError

_LONGEST_WAIT_SECONDS = 0.25
_SHORTEST_WAIT_SECONDS = 0.05
_STUCK_SECONDS = 30.0
_OWNER_LOOKS_AFTER = timedelta(minutes=50)
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


class World:
    """`speed` is how many seconds pass per real second while nothing happens; None: leap at once."""

    def __init__(
        self,
        workspace: Workspace,
        enlisted: Sequence[Enlisted],
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
        for group in enlisted:
            self._personas |= cast_personas(group.addresses)
        self._agenda: list[_Plan] = []
        self._numbers = itertools.count()
        self._read_messages = 0
        self._emails: Counter[str] = Counter()
        self._tasks_seen: set[int] = set()
        self._mailboxes_planned: set[int] = set()
        self._worker_id = uuid.uuid4()
        self._decided = self._delivered = 0
        self._script_server()

    def run(self, stop: Stop, *, at_end: Callable[[], None], stay: bool) -> None:
        """Live until stopped. `at_end` is called when nothing is left to happen; then return, unless `stay` is set."""
        heartbeat.start(self._worker_id, f"demo:{os.getpid()}", "demo", self._clock())
        has_ended = False
        progress_at = time.monotonic()
        while not stop.is_asked:
            next_at = self._turn()
            now = self._clock()
            if next_at is None:
                if not has_ended:
                    has_ended = True
                    at_end()
                if not stay:
                    break
                time.sleep(_LONGEST_WAIT_SECONDS)
            elif next_at > now:
                self._wait(next_at - now)
                self._clock.advance_to(next_at)
                progress_at = time.monotonic()
            elif not stay and time.monotonic() - progress_at > _STUCK_SECONDS:
                self.troubles.append(f"what is due at {next_at:%Y-%m-%d %H:%M:%S} UTC does not happen")
                break
            else:
                # It came due just now, or something holds it, such as a user who has paused the executor.
                time.sleep(_SHORTEST_WAIT_SECONDS)
        heartbeat.stop(self._worker_id, self._clock(), self._decided, self._delivered, self._clock())

    def _wait(self, pause: timedelta) -> None:
        if self._speed is not None:
            time.sleep(min(pause.total_seconds() / self._speed, _LONGEST_WAIT_SECONDS))

    def _turn(self) -> datetime | None:
        """Do all that is due now. Returns when the next thing is; None when there is nothing left."""
        heartbeat.beat(self._worker_id, self._clock(), self._decided, self._delivered, self._clock())
        self._act()
        self._run_engine()
        self._read_new_mail()
        self._look_at_tasks()
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

    def _plan(self, at: datetime, do: Callable[[datetime], None]) -> None:
        heapq.heappush(self._agenda, _Plan(at, next(self._numbers), do))

    def _script_server(self) -> None:
        """Bounces and a greylisting happen in the SMTP dialogue, as on a real server."""
        for address, persona in self._personas.items():
            if persona is Persona.GONE:
                self._server.on(Moment.RCPT, "550 5.1.1 No such user here", recipient=address)
            elif persona is Persona.BUSY_SERVER:
                self._server.on(Moment.RCPT, "451 4.7.1 Greylisted, please try again", recipient=address, times=1)

    def _read_new_mail(self) -> None:
        """Plan what each recipient of an email does with it."""
        fresh = self._server.messages[self._read_messages :]
        if not fresh:
            return
        self._read_messages += len(fresh)
        now = self._clock()
        known = EmailMessage.objects.filter(workspace=self._workspace, message_id__in=[m.message_id for m in fresh])
        pks = dict(known.values_list("message_id", "pk"))
        for message in fresh:
            address = message.recipients[0].lower()
            self._emails[address] += 1
            persona = self._personas.get(address, Persona.READER)
            mime, pk = message.parsed, pks[message.message_id]
            for act in plan_acts(persona, address, self._emails[address]):
                self._plan(
                    now + act.after,
                    lambda at, action=act.action, mime=mime, pk=pk: self._endpoints.act(action, mime, pk, at),  # type: ignore[misc]
                )

    def _look_at_tasks(self) -> None:
        """The SDRs do what the sequences wait for, and every other thing; the rest is left for the visitor to see."""
        tasks = Task.objects.filter(workspace=self._workspace, status=TaskStatus.OPEN.value)
        fresh = tasks.exclude(pk__in=self._tasks_seen).select_related("step", "assignee", "contact").order_by("pk")
        for task in fresh:
            self._tasks_seen.add(task.pk)
            waits = task.step is not None and task.step.wait_for_completion
            if waits or len(self._tasks_seen) % 2:
                self._plan(
                    task.created_at + timedelta(minutes=40 + len(self._tasks_seen) * 17 % 200),
                    lambda at, task=task: _finish(task, at),  # type: ignore[misc]
                )

    def _look_at_mailboxes(self) -> None:
        """The owner of a mailbox that was paused for its bounces cleans the list and resumes it."""
        stopped = Mailbox.objects.filter(
            workspace=self._workspace, status=MailboxStatus.PAUSED.value, status_actor="engine"
        )
        for mailbox in stopped.exclude(pk__in=self._mailboxes_planned).select_related("owner"):
            self._mailboxes_planned.add(mailbox.pk)
            self._plan(
                self._clock() + _OWNER_LOOKS_AFTER,
                lambda at, mailbox=mailbox: self._resume(mailbox, at),  # type: ignore[misc]
            )

    def _resume(self, mailbox: Mailbox, now: datetime) -> None:
        self._mailboxes_planned.discard(mailbox.pk)
        resume_mailbox(mailbox, actor=mailbox.owner.get_username() if mailbox.owner else "demo", now=now)


def _finish(task: Task, now: datetime) -> None:
    # A reply may have closed it in the meantime.
    with suppress(TaskClosedError):
        actor = task.assignee.get_username() if task.assignee else "demo"
        complete_task(task, actor=actor, now=now, outcome="Done.")
