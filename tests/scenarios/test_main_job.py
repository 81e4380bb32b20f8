"""A whole run as a user starts it: CSV and YAML in, real mail out, all enrollments at an end."""

from __future__ import annotations

import json
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from execution.models import ExecutionLog
from sequences.models import Enrollment
from simulation.mail_server import MailServer
from tasks_app.models import Task

CONTACTS = 40
SEQUENCE = """
name: Warm intro
window: {mon-sun: ["00:00-24:00"]}
steps:
  - email: {subject: "Quick question, {{ contact.first_name | default: 'there' }}", body_file: intro.md}
  - task: {type: call, instructions: "Call {{ contact.first_name }} at {{ contact.company }}"}
  - email: {body: "Did this reach you, {{ contact.first_name }}?"}
"""
INTRO = "Hello {{ contact.first_name }},\n\nhow does {{ contact.company }} plan its {{ contact.topic }}?\n"


def run(*args: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*args, "--json", stdout=out, stderr=StringIO())
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "intro.md").write_text(INTRO)
    (tmp_path / "sequence.yaml").write_text(SEQUENCE)
    rows = [f"ada{n}@firm{n}.example,Ada{n},Firm {n},planning {n}" for n in range(CONTACTS)]
    (tmp_path / "contacts.csv").write_text("\n".join(["email,first_name,company,topic", *rows]))
    return tmp_path


@pytest.mark.django_db(transaction=True)
def test_forty_contacts_get_email_task_and_threaded_email_exactly_once(files: Path) -> None:
    with MailServer() as server:
        run("create_workspace", "Acme", "--slug", "acme", "--postal-address", "1 Main Street, Springfield")
        run("create_user", "sam@acme.example", "--workspace", "acme", "--role", "sdr")
        smtp = f"smtp://127.0.0.1:{server.port}?tls=none"
        pace = ("--daily", "1000", "--hourly", "1000", "--gap", "0", "--jitter", "0", "--no-ramp")
        mailbox = ("create_mailbox", "sam@acme.example", "--workspace", "acme", "--owner", "sam@acme.example")
        run(*mailbox, "--smtp-url", smtp, *pace)
        run("import_sequence", str(files / "sequence.yaml"), "--workspace", "acme", "--activate")
        imported = run(
            "import_contacts",
            str(files / "contacts.csv"),
            *("--workspace", "acme", "--enroll-in", "Warm intro", "--mailbox", "sam@acme.example"),
        )
        assert imported["created"] == CONTACTS

        run("run_executor", "--once")

        received = server.messages
        assert len(received) == 2 * CONTACTS
        assert run("run_executor", "--once") == {"decided": 0, "delivered": 0}
        assert len(server.messages) == 2 * CONTACTS

    by_person: dict[str, list[Any]] = {}
    for message in received:
        by_person.setdefault(message.recipients[0], []).append(message.parsed)
    assert len(by_person) == CONTACTS
    for n in range(CONTACTS):
        first, second = by_person[f"ada{n}@firm{n}.example"]
        assert first["Subject"] == f"Quick question, Ada{n}"
        assert f"how does Firm {n} plan its planning {n}?" in text_of(first)
        assert second["Subject"] == f"Re: Quick question, Ada{n}"
        assert f"Did this reach you, Ada{n}?" in text_of(second)
        assert second["In-Reply-To"] == first["Message-ID"]
        assert second["References"] == first["Message-ID"]
        for message in (first, second):
            assert "<mailto:" in message["List-Unsubscribe"]
            assert message["List-Unsubscribe"].startswith("<http")
            assert "1 Main Street, Springfield" in text_of(message)
            assert message.get_body(("html",)) is not None

    assert Counter(Enrollment.objects.values_list("status", flat=True)) == {"completed": CONTACTS}
    assert set(Enrollment.objects.values_list("emails_sent", "steps_completed")) == {(2, 3)}
    tasks = Task.objects.filter(type="call", status="open")
    assert sorted(tasks.values_list("instructions", flat=True)) == sorted(
        f"Call Ada{n} at Firm {n}" for n in range(CONTACTS)
    )
    actions = Counter(ExecutionLog.objects.values_list("action", flat=True))
    assert actions == {"enrolled": CONTACTS, "queued": 2 * CONTACTS, "executed": 3 * CONTACTS, "task_due": CONTACTS}


def text_of(message: Any) -> str:
    body: str = message.get_body(("plain",)).get_content()
    return body
