"""How every enrollment ended, and whether what the mail server saw is what the ledger says. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.db.models import Count, Q

from common.db import fetch_all
from emails.choices import MessageStatus
from emails.models import EmailMessage
from sequences.choices import EnrollmentStatus
from sequences.models import Enrollment, Workspace
from simulation.mail_server import MailServer
from tasks_app.models import Task

_AFTER_STOP = """
SELECT count(*) AS number FROM emails_emailmessage m
WHERE m.workspace_id = %(workspace)s AND m.status IN ('sending', 'sent', 'unknown') AND EXISTS (
    SELECT 1 FROM emails_emailevent v
    WHERE v.contact_id = m.contact_id AND v.verdict = 'human' AND v.recorded_at < m.handed_over_at
      AND (v.type IN ('replied', 'unsubscribed', 'complained') OR (v.type = 'bounced' AND v.bounce_type = 'hard')))
"""


@dataclass(frozen=True, slots=True)
class SequenceRow:
    """`unfinished`: neither ended nor held for a person."""

    name: str
    enrolled: int
    completed: int
    replied: int
    exited: dict[str, int]
    quarantined: int
    paused: int
    unfinished: int
    emails: int
    tasks: int
    tasks_done: int


@dataclass(frozen=True, slots=True)
class Report:
    """`difference`: messages that only the server or only the ledger knows, or that the server has twice."""

    sequences: tuple[SequenceRow, ...]
    server_messages: int
    ledger_messages: int
    difference: int
    after_stop: int
    unfinished: int
    troubles: tuple[str, ...]

    @property
    def is_kept(self) -> bool:
        """Whether every promise that can be seen here was kept."""
        return not (self.difference or self.after_stop or self.unfinished or self.troubles)

    def present(self) -> dict[str, object]:
        return {**asdict(self), "ok": self.is_kept}


def make_report(workspace: Workspace, server: MailServer, troubles: Sequence[str]) -> Report:
    """Count once everything has come to rest."""
    left = EmailMessage.objects.filter(workspace=workspace, status=MessageStatus.SENT.value)
    seen = Counter(message.message_id for message in list(server.messages))
    ledger = Counter(left.values_list("message_id", flat=True))
    rows = _count_sequences(workspace)
    return Report(
        sequences=rows,
        server_messages=seen.total(),
        ledger_messages=ledger.total(),
        difference=((seen - ledger) + (ledger - seen)).total(),
        after_stop=fetch_all(_AFTER_STOP, {"workspace": workspace.pk})[0]["number"],
        unfinished=sum(row.unfinished for row in rows),
        troubles=tuple(troubles),
    )


def _count_sequences(workspace: Workspace) -> tuple[SequenceRow, ...]:
    enrollments = Enrollment.objects.filter(workspace=workspace)
    statuses: dict[str, Counter[str]] = {}
    exits: dict[str, Counter[str]] = {}
    for name, status, reason, number in enrollments.values_list(
        "sequence__name", "status", "auto_exit_reason"
    ).annotate(number=Count("pk")):
        statuses.setdefault(name, Counter())[status] += number
        if status == EnrollmentStatus.AUTO_EXITED:
            exits.setdefault(name, Counter())[reason] += number
    messages = EmailMessage.objects.filter(workspace=workspace, status=MessageStatus.SENT.value)
    emails = dict(messages.values_list("enrollment__sequence__name").annotate(number=Count("pk")))
    tasks = {
        name: (created, done)
        for name, created, done in Task.objects.filter(workspace=workspace)
        .values_list("enrollment__sequence__name")
        .annotate(created=Count("pk"), done=Count("pk", filter=Q(status="completed")))
    }
    return tuple(
        SequenceRow(
            name=name,
            enrolled=found.total(),
            completed=found[EnrollmentStatus.COMPLETED],
            replied=found[EnrollmentStatus.REPLIED],
            exited=dict(sorted(exits.get(name, {}).items())),
            quarantined=found[EnrollmentStatus.QUARANTINED],
            paused=found[EnrollmentStatus.PAUSED],
            unfinished=found[EnrollmentStatus.ACTIVE],
            emails=emails.get(name, 0),
            tasks=tasks.get(name, (0, 0))[0],
            tasks_done=tasks.get(name, (0, 0))[1],
        )
        for name, found in sorted(statuses.items())
    )


_HEADERS = ("sequence", "enrolled", "completed", "replied", "quarantined", "paused", "emails", "tasks done", "exited")


def format_report(report: Report) -> str:
    """A table for people, and the figures that must be zero."""
    cells = [_HEADERS, *(_cells(row) for row in report.sequences)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADERS))]
    last = len(_HEADERS) - 1
    lines = [
        "  ".join(
            cell.ljust(width) if column in {0, last} else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    lines.append("")
    lines.append(
        f"Messages: {report.server_messages} seen by the mail server, {report.ledger_messages} in the ledger, "
        f"difference {report.difference}. After a stop: {report.after_stop}. "
        f"Neither ended nor held for a person: {report.unfinished}."
    )
    lines += [f"Broken: {trouble}" for trouble in report.troubles]
    return "\n".join(lines)


def _cells(row: SequenceRow) -> tuple[str, ...]:
    exited = ", ".join(f"{number} {reason.replace('_', ' ')}" for reason, number in row.exited.items())
    numbers = (row.enrolled, row.completed, row.replied, row.quarantined, row.paused, row.emails)
    return (row.name, *map(str, numbers), f"{row.tasks_done} of {row.tasks}", exited)
