"""The recipes of docs/integrations/moving-in.md, run on files in the formats that the tools export."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from emails.models import EmailMessage, Suppression
from execution.models import ExecutionLog
from sequences.models import Contact, Enrollment, Step, Workspace
from tests.factories import MailboxFactory, MembershipFactory, SequenceFactory, StepFactory, WorkspaceFactory
from tests.support.shell import Shell, one_error

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/integrations/moving-in.md").read_text()
CONVERTER = ROOT / "docs/integrations/python/convert_sequence.py"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace in which nothing was done, and the files in the current directory."""
    shutil.copytree(ROOT / "tests/data/moving_in", tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    made = WorkspaceFactory(slug="acme")
    member = MembershipFactory(workspace=made)
    MailboxFactory(workspace=made, address="me@acme.example", owner=member.user)
    return made


def run(shell: Shell, heading: str) -> list[dict[str, Any]]:
    """The commands below a heading, one after the other, as they are written; what each answers as JSON."""
    section = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section, heading
    lines = [line for block in re.findall(r"```sh\n(.*?)```", section[1], re.DOTALL) for line in block.splitlines()]
    assert lines
    answers = []
    for line in lines:
        words = shlex.split(line)
        if words[0] == "python":
            target = words[words.index(">") + 1]
            done = subprocess.run(
                [sys.executable, CONVERTER, *words[2 : words.index(">")]], check=True, capture_output=True, text=True
            )
            Path(target).write_text(done.stdout)
        else:
            assert words[0] == "./manage.py"
            answers.append(dict(shell(*words[1:], "--json").data))
    return answers


def suppressed() -> dict[str, str]:
    return {str(row): row.reason for row in Suppression.objects.order_by("pk")}


def test_outreach(shell: Shell, workspace: Workspace) -> None:
    (answer,) = run(shell, "Outreach")
    assert (answer["created"], answer["opted_out"]) == (3, 3)
    assert [row["row"] for row in answer["rejected"]] == [5, 6]
    assert "Opted Out is 'maybe', which is neither yes nor no" in answer["rejected"][0]["reason"]
    # the second row of ada is rejected, and says that she opted out
    assert suppressed() == {
        "charles@analytical.example": "unsubscribed", "grace@compilers.example": "unsubscribed",
        "ada@analytical.example": "unsubscribed",
    }  # fmt: skip
    ada = Contact.objects.get(email="ada@analytical.example")
    assert (ada.title, ada.timezone, ada.phone) == ("CTO", "Europe/London", "+44 20 7946 0001")
    assert (ada.fields["owner"], ada.fields["stage"], ada.fields["tags"]) == ("jo@acme.example", "Working", "math, vip")
    assert Suppression.objects.get(email="grace@compilers.example").note == "imported: Stage is 'Do Not Contact'"


def test_apollo(shell: Shell, workspace: Workspace) -> None:
    (answer,) = run(shell, "Apollo")
    assert (answer["created"], answer["rejected"], answer["opted_out"]) == (3, [], 1)
    mary = Contact.objects.get(external_id="63aa")
    assert mary.account is not None
    assert (mary.email, mary.account.domain) == ("mary@langley.example", "langley.example")
    assert mary.fields["mobile_phone"] == "+1 757 555 0101"
    assert (mary.fields["contact_owner"], mary.fields["email_sent"]) == ("jo@acme.example", "true")
    # do not call is no opt-out of emails; an opt-out says more than a bounce
    assert suppressed() == {"dorothy@langley.example": "unsubscribed"}


def test_hubspot(shell: Shell, workspace: Workspace) -> None:
    listed, contacts = run(shell, "HubSpot")
    assert (listed["created"], [row["row"] for row in listed["rejected"]]) == (3, [5])
    assert (contacts["created"], contacts["opted_out"]) == (3, 2)
    assert suppressed() == {
        "gone@example.net": "bounced", "enough@example.net": "unsubscribed", "angry@example.net": "unsubscribed",
        "emmy@algebra.example": "bounced", "lise@physics.example": "unsubscribed",
    }  # fmt: skip
    hedy = Contact.objects.get(external_id="751")
    assert (hedy.timezone, hedy.fields["contact_owner"], hedy.fields["lead_status"]) == (
        "Europe/Vienna", "Jo Doe", "Connected",
    )  # fmt: skip


def test_lemlist(shell: Shell, workspace: Workspace) -> None:
    listed, sequences, contacts = run(shell, "lemlist")
    assert (listed["created"], contacts["created"], contacts["opted_out"]) == (2, 4, 2)
    assert suppressed() == {
        "gone@example.org": "unsubscribed", "@competitor.example": "unsubscribed",
        "barbara@maize.example": "unsubscribed", "chien@parity.example": "bounced",
    }  # fmt: skip
    assert sequences["sequences"][0]["steps"] == 4
    kinds = list(Step.objects.order_by("number").values_list("type", "task_type", "delay_minutes"))
    assert [kind[0] for kind in kinds] == ["task", "email", "email", "task"]
    first = Step.objects.filter(type="email").order_by("number").first()
    assert first is not None
    assert first.subject == '{{ contact.first_name | default: "" }}, one question'
    assert '{{ contact.company | default: "" }}' in first.body
    assert '{{ contact.icebreaker | default: "" }}' in first.body


def test_instantly(shell: Shell, workspace: Workspace) -> None:
    listed, _, contacts = run(shell, "Instantly")
    assert (listed["created"], contacts["created"], contacts["opted_out"]) == (2, 3, 2)
    assert [row["row"] for row in contacts["rejected"]] == [5]
    assert suppressed() == {
        "gone@example.com": "unsubscribed", "@competitor.example.com": "unsubscribed",
        "jocelyn@pulsars.example": "unsubscribed", "annie@stars.example": "bounced",
    }  # fmt: skip
    document = yaml.safe_load(Path("stars-q1.yaml").read_text())
    variants = document["steps"][0]["email"]["variants"]
    assert [(each["key"], each["subject"]) for each in variants] == [
        ("a", '{{ contact.first_name | default: "" }}, about {{ contact.company | default: "" }}'), ("b", "Stars"),
    ]  # fmt: skip
    assert document["steps"][1]["email"]["delay"] == {"days": 2}


def test_history_keeps_from_mailing_again(shell: Shell, workspace: Workspace) -> None:
    run(shell, "lemlist")
    _, answer = run(shell, "History")
    skipped = {row["contact"]: row["reason"] for row in answer["skipped"]}
    assert (answer["enrolled"], sorted(skipped)) == (2, ["barbara@maize.example", "chien@parity.example"])
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"auto_exited"}
    assert not EmailMessage.objects.exists()
    said = set(ExecutionLog.objects.filter(action="exited").values_list("message", flat=True))
    assert said == {"already mailed by lemlist"}
    again = shell(
        "enroll", "--workspace", "acme", "--sequence", "Warm intro", "--mailbox", "me@acme.example", "--all", "--json"
    ).data
    assert (again["enrolled"], len(again["skipped"])) == (0, 4)


def test_history_without_a_sequence_is_refused(shell: Shell, workspace: Workspace) -> None:
    done = shell("import_contacts", "lemlist-leads.csv", "--workspace", "acme", "--already-mailed-by", "lemlist")
    assert "--already-mailed-by: is only used with --enroll-in" in one_error(done, 2)
    assert not Contact.objects.exists()


def test_a_dry_run_suppresses_and_ends_nothing(shell: Shell, workspace: Workspace) -> None:
    step = StepFactory(sequence=SequenceFactory(workspace=workspace, name="Warm intro"))
    arguments = ["--enroll-in", step.sequence.name, "--mailbox", "me@acme.example", "--already-mailed-by", "lemlist"]
    data = shell("import_contacts", "lemlist-leads.csv", "--workspace", "acme", *arguments, "--dry-run", "--json").data
    assert (data["created"], data["opted_out"]) == (4, 2)
    assert not (Contact.objects.exists() or Suppression.objects.exists() or Enrollment.objects.exists())


@pytest.mark.parametrize(("given", "status"), [("Record ID", 2), ("Nothing=email", 1)])
def test_a_mapping_that_names_no_column_is_refused(shell: Shell, workspace: Workspace, given: str, status: int) -> None:
    done = shell("import_contacts", "hubspot-contacts.csv", "--workspace", "acme", "--map", given)
    one_error(done, status)
    assert not Contact.objects.exists()
