"""One factory per model, with defaults that satisfy the database. Times are given, never read from a clock.

`SequenceFactory` and its rows share one workspace when it is passed down; by default each chain makes its own.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import factory as factory_boy
from django.contrib.auth import get_user_model

from emails.choices import AuthMethod, EventType, LimitScope, LimitWindow, ReplyIntent, Security
from emails.models import EmailEvent, EmailMessage, ExecutorState, Mailbox, Reply, SendLimit, Suppression
from execution.choices import LogAction
from execution.models import Alert, DeadLetter, ExecutionLog, Worker
from sequences.choices import ConditionType, EnrollmentStatus, Role, SequenceStatus, StepType
from sequences.models import Account, Contact, Enrollment, Membership, Sequence, Step, Workspace
from tasks_app.models import Task
from tests.support.operators import operators

# Its declarations carry no types.
factory: Any = factory_boy

# A Monday at 10:00 UTC, inside the default window of a workspace in UTC.
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


class _Factory(factory.django.DjangoModelFactory):
    class Meta:
        abstract = True
        skip_postgeneration_save = True


class WorkspaceFactory(_Factory):
    class Meta:
        model = Workspace

    name = factory.Sequence(lambda n: f"Workspace {n}")
    slug = factory.Sequence(lambda n: f"workspace-{n}")
    timezone = "UTC"
    postal_address = "1 Main Street, 12345 Springfield"


class UserFactory(_Factory):
    """A login whose name is its email address; its password is `password`."""

    class Meta:
        model = get_user_model()

    username = factory.Sequence(lambda n: f"user{n}@sender.example")
    email = factory.SelfAttribute("username")
    first_name = "Ada"
    last_name = "Lovelace"

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("password", "password")
        return model_class.objects.create_user(*args, **kwargs)


class OperatorFactory(UserFactory):
    in_group = factory.PostGeneration(lambda user, *_: user.groups.add(operators()))


class MembershipFactory(_Factory):
    class Meta:
        model = Membership

    workspace = factory.SubFactory(WorkspaceFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.SDR.value


class AccountFactory(_Factory):
    class Meta:
        model = Account

    workspace = factory.SubFactory(WorkspaceFactory)
    name = factory.Sequence(lambda n: f"Company {n}")
    domain = factory.Sequence(lambda n: f"company{n}.example")


class ContactFactory(_Factory):
    class Meta:
        model = Contact

    workspace = factory.SubFactory(WorkspaceFactory)
    email = factory.Sequence(lambda n: f"contact{n}@prospect.example")
    first_name = factory.Sequence(lambda n: f"First{n}")
    last_name = factory.Sequence(lambda n: f"Last{n}")


class SequenceFactory(_Factory):
    """An active sequence that sends at any hour of any day in UTC, so that tests choose their own times."""

    class Meta:
        model = Sequence

    workspace = factory.SubFactory(WorkspaceFactory)
    name = factory.Sequence(lambda n: f"Sequence {n}")
    status = SequenceStatus.ACTIVE.value
    window = factory.LazyFunction(lambda: {"timezone": "UTC", "mon-sun": ["00:00-24:00"]})


def _body(number: int) -> str:
    """Another text for each step: the same one is not sent twice."""
    return "A word about your work." if number == 1 else f"A word about your work, part {number}."


class StepFactory(_Factory):
    """An email step by default; numbers follow each other inside one sequence."""

    class Meta:
        model = Step

    sequence = factory.SubFactory(SequenceFactory)
    workspace = factory.LazyAttribute(lambda step: step.sequence.workspace)
    number = factory.LazyAttribute(lambda step: Step.objects.filter(sequence=step.sequence).count() + 1)
    type = StepType.EMAIL.value
    subject = factory.LazyAttribute(
        lambda step: "Hello {{ contact.first_name | default: 'there' }}" if step.type == StepType.EMAIL else ""
    )
    body = factory.LazyAttribute(lambda step: _body(step.number) if step.type == StepType.EMAIL else "")


class TaskStepFactory(StepFactory):
    type = StepType.TASK.value
    name = "Call"
    task_type = "call"
    instructions = "Call {{ contact.email }}"


class DelayStepFactory(StepFactory):
    type = StepType.DELAY.value
    delay_days = 1


class SplitStepFactory(StepFactory):
    type = StepType.CONDITIONAL_SPLIT.value
    condition_type = ConditionType.EMAIL_OPENED.value
    condition_config = factory.LazyFunction(lambda: {"wait_hours": 48})


class MailboxFactory(_Factory):
    """SMTP on this machine without encryption, login, pace or ramp-up. Pass `smtp_port` of the test's server."""

    class Meta:
        model = Mailbox

    workspace = factory.SubFactory(WorkspaceFactory)
    address = factory.Sequence(lambda n: f"sdr{n}@sender.example")
    display_name = "Ada Lovelace"
    smtp_host = "127.0.0.1"
    smtp_port = 2525
    smtp_security = Security.NONE.value
    auth_method = AuthMethod.NONE.value
    gap_seconds = 0
    jitter_seconds = 0
    ramp_enabled = False


class SendLimitFactory(_Factory):
    class Meta:
        model = SendLimit

    mailbox = factory.SubFactory(MailboxFactory)
    workspace = factory.LazyAttribute(lambda limit: limit.mailbox.workspace)
    scope = LimitScope.MAILBOX.value
    window = LimitWindow.DAY.value
    maximum = 50


class EnrollmentFactory(_Factory):
    """Active and due at `at`, standing at the first step of its sequence (none when it has no steps)."""

    class Meta:
        model = Enrollment

    class Params:
        at = NOW

    sequence = factory.SubFactory(SequenceFactory)
    workspace = factory.LazyAttribute(lambda enrollment: enrollment.sequence.workspace)
    contact = factory.SubFactory(ContactFactory, workspace=factory.SelfAttribute("..workspace"))
    mailbox = factory.SubFactory(MailboxFactory, workspace=factory.SelfAttribute("..workspace"))
    status = EnrollmentStatus.ACTIVE.value
    current_step = factory.LazyAttribute(
        lambda enrollment: Step.objects.filter(sequence=enrollment.sequence).order_by("number").first()
    )
    enrolled_at = factory.SelfAttribute("at")
    previous_ended_at = factory.SelfAttribute("at")
    next_step_at = factory.SelfAttribute("at")
    wake_at = factory.SelfAttribute("at")


class PausedEnrollmentFactory(EnrollmentFactory):
    status = EnrollmentStatus.PAUSED.value
    pause_reason = "on holiday"
    paused_by = "tests"
    paused_at = factory.SelfAttribute("at")
    wake_at = None


class QuarantinedEnrollmentFactory(EnrollmentFactory):
    status = EnrollmentStatus.QUARANTINED.value
    last_error = "contact.nickname has no value"
    retry_count = 3
    wake_at = None


class CompletedEnrollmentFactory(EnrollmentFactory):
    status = EnrollmentStatus.COMPLETED.value
    completed_at = factory.SelfAttribute("at")
    current_step = None
    next_step_at = None
    wake_at = None


class EmailMessageFactory(_Factory):
    """Queued and ready at `at`."""

    class Meta:
        model = EmailMessage

    class Params:
        at = NOW

    enrollment = factory.SubFactory(EnrollmentFactory, at=factory.SelfAttribute("..at"))
    workspace = factory.LazyAttribute(lambda message: message.enrollment.workspace)
    step = factory.LazyAttribute(lambda message: message.enrollment.current_step)
    visit = factory.LazyAttribute(lambda message: message.enrollment.visit)
    mailbox = factory.LazyAttribute(lambda message: message.enrollment.mailbox)
    contact = factory.LazyAttribute(lambda message: message.enrollment.contact)
    owner = factory.LazyAttribute(lambda message: message.enrollment.owner)
    recipient = factory.LazyAttribute(lambda message: message.contact.email)
    recipient_domain = factory.LazyAttribute(lambda message: message.recipient.rpartition("@")[2].lower())
    message_id = factory.LazyFunction(lambda: f"<{uuid.uuid4()}@sender.example>")
    due_at = factory.SelfAttribute("at")
    queued_at = factory.SelfAttribute("at")
    lane_order_at = factory.SelfAttribute("at")
    send_after_at = factory.SelfAttribute("at")


class SentMessageFactory(EmailMessageFactory):
    status = "sent"
    attempts = 1
    handed_over_at = factory.SelfAttribute("at")
    sent_at = factory.SelfAttribute("at")
    subject = "Hello"
    text = "A word about your work."


class SendingMessageFactory(EmailMessageFactory):
    status = "sending"
    attempts = 1
    lease_token = factory.LazyFunction(uuid.uuid4)
    handed_over_at = factory.SelfAttribute("at")
    leased_until = factory.LazyAttribute(lambda message: message.at + timedelta(minutes=5))


class EmailEventFactory(_Factory):
    class Meta:
        model = EmailEvent

    class Params:
        at = NOW

    message = factory.SubFactory(SentMessageFactory, at=factory.SelfAttribute("..at"))
    workspace = factory.LazyAttribute(lambda event: event.message.workspace)
    enrollment = factory.LazyAttribute(lambda event: event.message.enrollment)
    contact = factory.LazyAttribute(lambda event: event.message.contact)
    mailbox = factory.LazyAttribute(lambda event: event.message.mailbox)
    type = EventType.OPENED.value
    bounce_type = factory.LazyAttribute(lambda event: "hard" if event.type == EventType.BOUNCED else "")
    provider = "tests"
    provider_event_id = factory.LazyFunction(lambda: str(uuid.uuid4()))
    occurred_at = factory.SelfAttribute("at")
    recorded_at = factory.SelfAttribute("at")


class ReplyFactory(_Factory):
    """A reply to a message that was sent, with its event."""

    class Meta:
        model = Reply

    class Params:
        at = NOW
        message = factory.SubFactory(SentMessageFactory, at=factory.SelfAttribute("..at"))

    event = factory.SubFactory(
        EmailEventFactory,
        type=EventType.REPLIED.value,
        at=factory.SelfAttribute("..at"),
        message=factory.SelfAttribute("..message"),
    )
    message_id = factory.LazyAttribute(lambda reply: reply.event.message_id)
    workspace = factory.LazyAttribute(lambda reply: reply.event.workspace)
    enrollment = factory.LazyAttribute(lambda reply: reply.event.enrollment)
    contact = factory.LazyAttribute(lambda reply: reply.event.contact)
    mailbox = factory.LazyAttribute(lambda reply: reply.event.mailbox)
    sender = factory.LazyAttribute(lambda reply: reply.contact.email)
    sender_name = "Bob Prospect"
    subject = "Re: Hello"
    header_id = factory.LazyFunction(lambda: f"<{uuid.uuid4()}@prospect.example>")
    text = "Sounds interesting. When can we talk?"
    kind = "reply"
    found_intent = ReplyIntent.INTERESTED.value
    intent = factory.SelfAttribute("found_intent")
    intent_reason = 'shows interest: "sounds interesting"'
    received_at = factory.SelfAttribute("at")
    recorded_at = factory.SelfAttribute("at")


class SuppressionFactory(_Factory):
    class Meta:
        model = Suppression

    workspace = factory.SubFactory(WorkspaceFactory)
    email = factory.LazyAttributeSequence(lambda row, n: "" if row.domain else f"gone{n}@prospect.example")
    domain = ""
    created_at = NOW


class TaskFactory(_Factory):
    class Meta:
        model = Task

    class Params:
        at = NOW

    enrollment = factory.SubFactory(EnrollmentFactory, at=factory.SelfAttribute("..at"))
    workspace = factory.LazyAttribute(lambda task: task.enrollment.workspace)
    step = factory.LazyAttribute(lambda task: task.enrollment.current_step)
    visit = factory.LazyAttribute(lambda task: task.enrollment.visit)
    contact = factory.LazyAttribute(lambda task: task.enrollment.contact)
    assignee = factory.LazyAttribute(lambda task: task.enrollment.owner)
    title = "Call"
    due_at = factory.SelfAttribute("at")
    created_at = factory.SelfAttribute("at")


class ExecutionLogFactory(_Factory):
    class Meta:
        model = ExecutionLog

    enrollment = factory.SubFactory(EnrollmentFactory)
    workspace = factory.LazyAttribute(lambda row: row.enrollment.workspace)
    step = factory.LazyAttribute(lambda row: row.enrollment.current_step)
    step_number = factory.LazyAttribute(lambda row: row.step.number if row.step else None)
    step_type = factory.LazyAttribute(lambda row: row.step.type if row.step else "")
    at = NOW
    action = LogAction.EXECUTED.value
    actor = "engine"


class DeadLetterFactory(_Factory):
    class Meta:
        model = DeadLetter

    enrollment = factory.SubFactory(QuarantinedEnrollmentFactory)
    workspace = factory.LazyAttribute(lambda letter: letter.enrollment.workspace)
    step = factory.LazyAttribute(lambda letter: letter.enrollment.current_step)
    error_class = "template"
    error = "contact.nickname has no value"
    attempts = 3
    created_at = NOW


class ExecutorStateFactory(_Factory):
    class Meta:
        model = ExecutorState
        django_get_or_create = ("id",)

    id = 1


class WorkerFactory(_Factory):
    class Meta:
        model = Worker

    id = factory.LazyFunction(uuid.uuid4)
    name = factory.Sequence(lambda n: f"worker-{n}")
    kind = "run_executor"
    started_at = NOW
    heartbeat_at = NOW


class AlertFactory(_Factory):
    class Meta:
        model = Alert

    workspace = factory.SubFactory(WorkspaceFactory)
    key = factory.Sequence(lambda n: f"alert-{n}")
    title = "Something needs a person"
    raised_at = NOW
    seen_at = NOW
