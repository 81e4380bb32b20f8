"""The sample workspace: its logins, mailboxes, contacts and sequences. Must not touch any other workspace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils.crypto import salted_hmac

from emails.choices import MailboxStatus
from emails.models import ExecutorState, Mailbox
from execution.control.enroll import enroll_contacts
from execution.control.switches import pause_mailbox, resume_executor, resume_mailbox
from execution.management.commands.create_user import operators_group
from sequences.choices import ReplyNotices
from sequences.models import Contact, Enrollment, Sequence, UserSettings, Workspace
from simulation.prospects import TRIAL_CAST

SLUG = "fernhill-demo"
ADMIN = "admin@fernhill.example"
MANAGER = "mara@fernhill.example"
OPERATOR = "operator@fernhill.example"
ACTOR = "demo"
_SDRS = (("nora@fernhill.example", "Nora", "Lind"), ("samir@fernhill.example", "Samir", "Aydin"))
SDRS = tuple(address for address, _, _ in _SDRS)
#: Every login with what it may do, in the order in which it is printed.
LOGINS = (*((address, "SDR") for address in SDRS), (MANAGER, "manager"), (ADMIN, "admin"), (OPERATOR, "operator"))
_FILES = Path(__file__).parent / "sample_data"


@dataclass(frozen=True, slots=True)
class Sample:
    """One sequence, its file, the mailbox that sends it and that mailbox's owner."""

    sequence: str
    file: str
    mailbox: str
    owner: str


SAMPLES = (
    Sample("Warm intro", "warm_intro.yaml", "nora@fernhill.example", "nora@fernhill.example"),
    Sample("Product tour", "product_tour.yaml", "samir@fernhill.example", "samir@fernhill.example"),
    Sample("Win back", "win_back.yaml", "nora@mail.fernhill.example", "nora@fernhill.example"),
)
#: Sends at every hour, so that there is always a queue. Only in the demo that goes on.
TRIALS = Sample("Trial check-in", "trial_check_in.yaml", "trials@fernhill.example", "nora@fernhill.example")


def remove_workspace() -> None:
    """Whatever an earlier demo left behind."""
    Workspace.objects.filter(slug=SLUG).delete()


def find_living_workspace() -> Workspace | None:
    """The workspace of a demo that has reached the present; None when there is none to continue."""
    trials = Enrollment.objects.filter(workspace__slug=SLUG, contact__fields__segment=TRIALS.sequence)
    # those that are enrolled at the end, minus what a visitor may have deleted
    is_living = trials.count() > len(TRIAL_CAST)
    return Workspace.objects.get(slug=SLUG) if is_living else None


def choose_password() -> str:
    """The same on each start with the same SECRET_KEY, so that a browser stays logged in."""
    return salted_hmac("simulation.demo", SLUG).hexdigest()[:12]


def make_workspace(smtp_port: int, password: str) -> Workspace:
    """Users, mailboxes, contacts and sequences, set up by the same commands that a customer uses."""
    _run(
        *("create_workspace", "Fernhill Coffee (demo)", "--slug", SLUG, "--timezone", "Europe/Berlin"),
        *("--postal-address", "Fernhill Coffee\n12 Mill Lane\n10115 Berlin"),
    )
    make_logins(password)
    for sample in SAMPLES:
        _make_mailbox(sample, smtp_port)
    _run("import_contacts", str(_FILES / "contacts.csv"), "--workspace", SLUG)
    for sample in SAMPLES:
        _run("import_sequence", str(_FILES / sample.file), "--workspace", SLUG, "--activate")
    return Workspace.objects.get(slug=SLUG)


def make_logins(password: str) -> None:
    """Every login of the demo with its role and this password; also those that a visitor has removed."""
    for address, first_name, last_name in _SDRS:
        names = ("--first-name", first_name, "--last-name", last_name)
        _run("create_user", address, "--workspace", SLUG, "--role", "sdr", *names)
    _run("create_user", MANAGER, "--workspace", SLUG, "--role", "manager", "--first-name", "Mara")
    _run("create_user", ADMIN, "--workspace", SLUG, "--role", "admin", "--first-name", "Demo")
    users = get_user_model().objects
    operator, _ = users.get_or_create(username=OPERATOR, defaults={"email": OPERATOR, "first_name": "Otto"})
    operator.groups.set([operators_group()])
    for user in users.filter(username__in=[address for address, _ in LOGINS]):
        if user.pk != operator.pk:
            # earlier versions made their administrator an operator
            user.groups.clear()
        user.is_superuser, user.is_staff, user.is_active = False, True, True
        if not user.check_password(password):
            user.set_password(password)
        user.save(update_fields=["is_superuser", "is_staff", "is_active", "password"])
        # a later executor must not write to addresses that do not exist
        UserSettings.objects.update_or_create(user=user, defaults={"reply_notices": ReplyNotices.OFF.value})


def add_trials(smtp_port: int) -> None:
    """The sequence that sends at every hour, its mailbox and its contacts."""
    _make_mailbox(TRIALS, smtp_port)
    _run("import_contacts", str(_FILES / "trial_contacts.csv"), "--workspace", SLUG)
    _run("import_sequence", str(_FILES / TRIALS.file), "--workspace", SLUG, "--activate")


def list_addresses(workspace: Workspace, sample: Sample) -> tuple[str, ...]:
    """The contacts whose `segment` names the sequence, in the order of their list."""
    contacts = Contact.objects.filter(workspace=workspace, fields__segment=sample.sequence).order_by("id")
    return tuple(contacts.values_list("email", flat=True))


def enroll_some(workspace: Workspace, sample: Sample, addresses: tuple[str, ...], now: datetime) -> None:
    """Enroll these contacts in the sequence of the sample."""
    mailbox = Mailbox.objects.get(workspace=workspace, address=sample.mailbox)
    contacts = Contact.objects.filter(workspace=workspace, email__in=addresses).order_by("id")
    enroll_contacts(
        sequence=Sequence.objects.get(workspace=workspace, name=sample.sequence),
        contact_ids=list(contacts.values_list("pk", flat=True)),
        mailbox=mailbox,
        owner=mailbox.owner,
        actor=ACTOR,
        now=now,
        # one contact lacks a field, so that the demo has something to review
        allow_incomplete=True,
    )


def connect_again(workspace: Workspace, smtp_port: int, now: datetime) -> None:
    """Point the sample mailboxes at this run's mail server, and resume those that an earlier run left paused."""
    mailboxes = Mailbox.objects.filter(workspace=workspace)
    mailboxes.filter(smtp_host="127.0.0.1").update(smtp_port=smtp_port)
    for mailbox in mailboxes.filter(status=MailboxStatus.PAUSED, status_actor=ACTOR):
        resume_mailbox(mailbox, actor=ACTOR, now=now, reason="the demo has been started again")


def is_paused_by_a_visitor() -> bool:
    """Whether a login of the demo has paused the executor."""
    logins = [address for address, _ in LOGINS]
    return ExecutorState.objects.filter(is_paused=True, paused_by__in=logins).exists()


def leave_in_order(workspace: Workspace, now: datetime) -> None:
    """Keep a later executor from a mail server that is gone, and end a global pause set by a visitor."""
    if is_paused_by_a_visitor():
        resume_executor(actor=ACTOR, now=now)
    for mailbox in Mailbox.objects.filter(workspace=workspace, status=MailboxStatus.ACTIVE):
        pause_mailbox(mailbox, actor=ACTOR, now=now, reason="the demo is not running, so its mail server is not either")


def _make_mailbox(sample: Sample, smtp_port: int) -> None:
    smtp_url = f"smtp://127.0.0.1:{smtp_port}?tls=none"
    _run(
        *("create_mailbox", sample.mailbox, "--workspace", SLUG, "--owner", sample.owner, "--smtp-url", smtp_url),
        *("--gap", "90", "--jitter", "60", "--hourly", "12", "--no-ramp"),
    )


def _run(*args: str) -> None:
    call_command(*args, stdout=StringIO(), stderr=StringIO())
