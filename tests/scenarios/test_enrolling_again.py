"""A customer's routine: import the list, enroll all contacts, and do the same again after replies and completions."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from emails.models import EmailMessage
from execution.control.tasks import complete_tasks
from sequences.models import Enrollment
from simulation.mail_server import MailServer
from tasks_app.models import Task
from tests.scenarios.test_main_job import run

SEQUENCE = """
name: Warm intro
window: {mon-sun: ["00:00-24:00"]}
steps:
  - email: {subject: "A question, {{ contact.first_name }}", body: "How does {{ contact.company }} plan?"}
  - task: {type: call, wait_for_completion: true, instructions: "Call {{ contact.phone }}"}
  - email: {body: "Did this reach you, {{ contact.first_name }}?"}
"""
ENROLL = ("enroll", "--workspace", "acme", "--sequence", "Warm intro", "--mailbox", "sam@acme.example", "--all")


def import_people(path: Path, names: list[str]) -> None:
    rows = [f"{name}@{name}.example,{name.title()},{name.title()} Inc" for name in names]
    path.write_text("\n".join(["email,first_name,company", *rows]))
    run("import_contacts", str(path), "--workspace", "acme")


def unsubscribe(server: MailServer, name: str) -> None:
    """By the one-click link of the first email."""
    mail = next(one.parsed for one in server.messages if one.recipients[0] == f"{name}@{name}.example")
    path = re.search(r"(/u/[^>\s]+)", str(mail["List-Unsubscribe"]))
    assert path is not None
    assert Client().post(path[1], {"List-Unsubscribe": "One-Click"}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_importing_and_enrolling_all_contacts_again_sends_nothing_twice(tmp_path: Path) -> None:
    names = ["ada", "bob", "cy", "dee", "eve"]
    (tmp_path / "sequence.yaml").write_text(SEQUENCE)
    with MailServer() as server:
        run("create_workspace", "Acme", "--slug", "acme", "--postal-address", "1 Main Street, Springfield")
        run("create_user", "sam@acme.example", "--workspace", "acme", "--role", "sdr")
        run(
            "create_mailbox",
            "sam@acme.example",
            *("--workspace", "acme", "--owner", "sam@acme.example"),
            *("--smtp-url", f"smtp://127.0.0.1:{server.port}?tls=none"),
            *("--daily", "1000", "--hourly", "1000", "--gap", "0", "--jitter", "0", "--no-ramp"),
        )
        run("import_sequence", str(tmp_path / "sequence.yaml"), "--workspace", "acme", "--activate")
        import_people(tmp_path / "people.csv", names)
        assert run(*ENROLL) == {"enrolled": 5, "skipped": []}
        run("run_executor", "--once")
        assert Counter(one.recipients[0] for one in server.messages) == {f"{n}@{n}.example": 1 for n in names}
        assert set(Task.objects.values_list("instructions", flat=True)) == {"Call (no phone)"}

        # ada replies, bob opts out, cy and dee go through to the end, eve stays at her task
        answered = EmailMessage.objects.get(recipient="ada@ada.example")
        now = timezone.now()
        reply = NewEvent(
            type=EventType.REPLIED, message_pk=answered.pk, provider="imap", provider_event_id="1", occurred_at=now
        )
        record_events([reply], now)
        unsubscribe(server, "bob")
        done = Task.objects.filter(contact__email__in=["cy@cy.example", "dee@dee.example"])
        complete_tasks(list(done.values_list("pk", flat=True)), actor="sam", now=now)
        run("run_executor", "--once")
        sent = Counter(one.recipients[0] for one in server.messages)
        assert sent == {"ada@ada.example": 1, "bob@bob.example": 1, "cy@cy.example": 2, "dee@dee.example": 2,
                        "eve@eve.example": 1}  # fmt: skip

        import_people(tmp_path / "people.csv", [*names, "fay"])
        would = run(*ENROLL, "--dry-run")
        assert {skipped["contact"]: skipped["code"] for skipped in would["skipped"]} == {
            "ada@ada.example": "had_sequence", "bob@bob.example": "suppressed", "cy@cy.example": "had_sequence",
            "dee@dee.example": "had_sequence", "eve@eve.example": "already_in_sequence",
        }  # fmt: skip
        assert run(*ENROLL) == would
        assert run(*ENROLL)["enrolled"] == 0
        run("run_executor", "--once")
        assert Counter(one.recipients[0] for one in server.messages) == sent + Counter(["fay@fay.example"])
    assert Counter(Enrollment.objects.values_list("status", flat=True)) == {
        "replied": 1, "auto_exited": 1, "completed": 2, "active": 2,
    }  # fmt: skip
