"""The sample workspace: removed and created again at every start. Must not touch any other workspace."""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.management import call_command

from emails.choices import MailboxStatus
from emails.models import Mailbox
from execution.control.enroll import enroll_contacts
from execution.control.switches import pause_mailbox, resume_executor
from sequences.models import Contact, Sequence, Workspace
from simulation.virtual_clock import VirtualClock

SLUG = "fernhill-demo"
ADMIN = "admin@fernhill.example"
MANAGER = "mara@fernhill.example"
ACTOR = "demo"
_SDRS = (("nora@fernhill.example", "Nora", "Lind"), ("samir@fernhill.example", "Samir", "Aydin"))
SDRS = tuple(address for address, _, _ in _SDRS)
_FILES = Path(__file__).parent / "sample_data"
# Sequence, its file, the mailbox that sends it and that mailbox's owner.
_SEQUENCES = (
    ("Warm intro", "warm_intro.yaml", "nora@fernhill.example", "nora@fernhill.example"),
    ("Product tour", "product_tour.yaml", "samir@fernhill.example", "samir@fernhill.example"),
    ("Win back", "win_back.yaml", "nora@mail.fernhill.example", "nora@fernhill.example"),
)


@dataclass(frozen=True, slots=True)
class Enlisted:
    """One sequence with the addresses enrolled in it, in the order of their list."""

    sequence: Sequence
    addresses: tuple[str, ...]


def remove_workspace() -> None:
    """Whatever an earlier demo left behind."""
    Workspace.objects.filter(slug=SLUG).delete()


def make_workspace(smtp_port: int, password: str) -> Workspace:
    """Users, mailboxes, contacts and sequences, set up by the same commands that a customer uses."""
    _run(
        *("create_workspace", "Fernhill Coffee (demo)", "--slug", SLUG, "--timezone", "Europe/Berlin"),
        *("--postal-address", "Fernhill Coffee\n12 Mill Lane\n10115 Berlin"),
    )
    for address, first_name, last_name in _SDRS:
        names = ("--first-name", first_name, "--last-name", last_name)
        _run("create_user", address, "--workspace", SLUG, "--role", "sdr", *names)
    _run("create_user", MANAGER, "--workspace", SLUG, "--role", "manager", "--first-name", "Mara")
    _run("create_user", ADMIN, "--workspace", SLUG, "--role", "admin", "--operator", "--first-name", "Demo")
    for user in get_user_model().objects.filter(username__in=[ADMIN, MANAGER, *SDRS]):
        # an earlier version made its administrator a superuser
        user.is_superuser = False
        user.set_password(password)
        user.save(update_fields=["is_superuser", "password"])
    smtp_url = f"smtp://127.0.0.1:{smtp_port}?tls=none"
    for _, _, mailbox, owner in _SEQUENCES:
        _run(
            *("create_mailbox", mailbox, "--workspace", SLUG, "--owner", owner, "--smtp-url", smtp_url),
            *("--gap", "90", "--jitter", "60", "--hourly", "12", "--no-ramp"),
        )
    _run("import_contacts", str(_FILES / "contacts.csv"), "--workspace", SLUG)
    for _, file, _, _ in _SEQUENCES:
        _run("import_sequence", str(_FILES / file), "--workspace", SLUG, "--activate")
    return Workspace.objects.get(slug=SLUG)


def enroll_all(workspace: Workspace, clock: VirtualClock) -> list[Enlisted]:
    """Each contact in the sequence that its `segment` names."""
    enlisted = []
    for name, _, address, _ in _SEQUENCES:
        sequence = Sequence.objects.get(workspace=workspace, name=name)
        mailbox = Mailbox.objects.get(workspace=workspace, address=address)
        contacts = Contact.objects.filter(workspace=workspace, fields__segment=name).order_by("id")
        people = list(contacts.values_list("pk", "email"))
        enroll_contacts(
            sequence=sequence,
            contact_ids=[pk for pk, _ in people],
            mailbox=mailbox,
            owner=mailbox.owner,
            actor=ACTOR,
            now=clock(),
            # one contact lacks a field, so that the demo has something to review
            allow_incomplete=True,
        )
        enlisted.append(Enlisted(sequence, tuple(email for _, email in people)))
    return enlisted


def leave_in_order(workspace: Workspace, clock: VirtualClock) -> None:
    """Keep a later executor from a mail server that is gone, and end a global pause set by the user."""
    resume_executor(actor=ACTOR, now=clock())
    for mailbox in Mailbox.objects.filter(workspace=workspace, status=MailboxStatus.ACTIVE):
        pause_mailbox(mailbox, actor=ACTOR, now=clock(), reason="the demo has ended, and its mail server with it")


def _run(*args: str) -> None:
    call_command(*args, stdout=StringIO(), stderr=StringIO())
