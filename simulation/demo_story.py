"""One line per thing that happens, read from the product's own log and facts. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from emails.choices import MailboxStatus
from emails.models import EmailEvent, Mailbox
from execution.models import ExecutionLog
from sequences.choices import EnrollmentStatus
from sequences.models import Enrollment, Workspace
from tasks_app.choices import TaskStatus
from tasks_app.models import Task

_EVENTS = {
    "opened": ("👁", "opened", "cyan"),
    "clicked": ("🖱", "clicked", "cyan"),
    "replied": ("💬", "replied", "bold green"),
    "auto_replied": ("🌴", "out of office", "yellow"),
    "bounced": ("↩", "bounced", "red"),
    "complained": ("🚫", "complained", "red"),
    "unsubscribed": ("✋", "unsubscribed", "yellow"),
}
_PLAIN = {
    "branched": ("⑂", "", "dim"),
    "failed": ("⚠", "not now, ", "yellow"),
    "retried": ("↻", "", "yellow"),
    "quarantined": ("⛔", "quarantined: ", "bold red"),
    "paused": ("⏸", "paused: ", "yellow"),
    "resumed": ("▶", "resumed: ", "yellow"),
    "skipped": ("⏭", "skipped: ", "yellow"),
    "withheld": ("✋", "withheld: ", "yellow"),
}


@dataclass(frozen=True, slots=True)
class _Line:
    at: datetime
    icon: str
    text: str
    style: str
    contact: str
    sequence: str


class Story:
    """Prints to `console`; None prints nothing."""

    def __init__(self, workspace: Workspace, console: Console | None) -> None:
        self._workspace = workspace
        self._zone = ZoneInfo(workspace.timezone)
        self._console = console
        self._last_log = self._last_event = 0
        self._last_task = 0
        self._done: set[int] = set()
        self._finished: set[int] = set()
        self._mailboxes: dict[int, datetime] = {}

    def skip_the_past(self) -> None:
        """Tell only what happens from now on."""
        console, self._console = self._console, Console(quiet=True)
        self.tell()
        self._console = console

    def tell(self) -> None:
        """Print what has happened since the last call, in the order of its time."""
        if self._console is None:
            return
        lines = [*self._read_logs(), *self._read_events(), *self._read_tasks(), *self._read_mailboxes()]
        for line in [*sorted(lines, key=lambda line: line.at), *self._read_ends()]:
            self._print(self._console, line)

    def _print(self, console: Console, line: _Line) -> None:
        at = line.at.astimezone(self._zone)
        text = Text()
        text.append(f"{at:%a %d %b %H:%M}  ", style="dim")
        text.append(f"{line.icon} {line.text}", style=line.style)
        text.append(f"  {line.contact}")
        if line.sequence:
            text.append(f"  ({line.sequence})", style="dim")
        console.print(text, soft_wrap=True)

    def _read_logs(self) -> list[_Line]:
        logs = ExecutionLog.objects.filter(workspace=self._workspace, pk__gt=self._last_log).exclude(action="enrolled")
        lines = []
        for log in logs.select_related("enrollment__contact", "enrollment__sequence").order_by("pk"):
            self._last_log = log.pk
            if described := _tell_log(log):
                icon, text, style = described
                enrollment = log.enrollment
                lines.append(_Line(log.at, icon, text, style, enrollment.contact.email, enrollment.sequence.name))
        return lines

    def _read_events(self) -> list[_Line]:
        events = EmailEvent.objects.filter(workspace=self._workspace, pk__gt=self._last_event)
        lines = []
        for event in events.select_related("contact", "enrollment__sequence").order_by("pk"):
            self._last_event = event.pk
            icon, text, style = _EVENTS.get(event.type, ("·", event.type, "dim"))
            if event.verdict == "machine":
                text += f" by a machine: {event.verdict_reason}"
            email = event.contact.email if event.contact else ""
            name = event.enrollment.sequence.name if event.enrollment else ""
            lines.append(_Line(event.occurred_at, icon, text, style, email, name))
        return lines

    def _read_tasks(self) -> list[_Line]:
        tasks = Task.objects.filter(workspace=self._workspace).select_related("contact", "enrollment__sequence")
        lines = []
        for task in tasks.filter(pk__gt=self._last_task).order_by("pk"):
            self._last_task = task.pk
            lines.append(_tell_task(task, task.created_at, "☎", "task"))
        for task in tasks.filter(status=TaskStatus.COMPLETED.value).exclude(pk__in=self._done).order_by("pk"):
            self._done.add(task.pk)
            lines.append(_tell_task(task, task.completed_at or task.created_at, "✔", "task done"))
        return lines

    def _read_mailboxes(self) -> list[_Line]:
        """The enrollments that stopped, and those that a user resumed."""
        lines = []
        for mailbox in Mailbox.objects.filter(workspace=self._workspace, status_at__isnull=False):
            if mailbox.status_at is None or self._mailboxes.get(mailbox.pk) == mailbox.status_at:
                continue
            self._mailboxes[mailbox.pk] = mailbox.status_at
            runs = mailbox.status == MailboxStatus.ACTIVE
            said = f"mailbox resumed by {mailbox.status_actor}" if runs else f"mailbox paused: {mailbox.status_reason}"
            icon, style = ("▶", "yellow") if runs else ("⏸", "bold red")
            lines.append(_Line(mailbox.status_at, icon, said, style, mailbox.address, ""))
        return lines

    def _read_ends(self) -> list[_Line]:
        completed = Enrollment.objects.filter(workspace=self._workspace, status=EnrollmentStatus.COMPLETED.value)
        lines = []
        for row in completed.exclude(pk__in=self._finished).select_related("contact", "sequence"):
            self._finished.add(row.pk)
            lines.append(_Line(row.completed_at, "🏁", "completed", "bold blue", row.contact.email, row.sequence.name))
        return lines


def _tell_task(task: Task, at: datetime, icon: str, what: str) -> _Line:
    name = task.enrollment.sequence.name if task.enrollment else ""
    return _Line(at, icon, f"{what}: {task.title}", "magenta", task.contact.email, name)


def _tell_log(log: ExecutionLog) -> tuple[str, str, str] | None:
    """Icon, text and style; None for what is not worth a line."""
    if log.action == "executed" and log.step_type == "email":
        return "✉", f"sent step {log.step_number}", "green"
    if log.action == "exited":
        return "→", f"exit: {str(log.details.get('reason', log.message)).replace('_', ' ')}", "bold"
    if log.action in _PLAIN:
        icon, prefix, style = _PLAIN[log.action]
        return icon, f"{prefix}{log.error or log.message}", style
    return None
