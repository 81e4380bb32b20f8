"""The commands that import and enroll, as the shell sees them: errors of files, all or nothing, output."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from emails.models import Suppression
from sequences.models import Contact, Enrollment, Sequence, Workspace
from tests.factories import (
    NOW,
    ContactFactory,
    MailboxFactory,
    SequenceFactory,
    StepFactory,
    SuppressionFactory,
    WorkspaceFactory,
)
from tests.support.shell import Shell, one_error

pytestmark = pytest.mark.django_db

YAML = """\
name: Intro
steps:
  - email: {subject: "Hello {{ contact.first_name | default: 'there' }}", body: "One."}
  - task: {name: Call, type: call}
"""


@pytest.fixture
def workspace() -> Workspace:
    return WorkspaceFactory(slug="acme")


def test_sequences_are_imported_and_exported(shell: Shell, workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "intro.yaml"
    path.write_text(YAML)
    (data,) = shell("import_sequence", path, "--workspace", "acme", "--activate", "--json").data["sequences"]
    sequence = Sequence.objects.get()
    expected = {
        "id": sequence.pk, "name": "Intro", "status": "active", "created": True, "steps": 2, "moved": 0, "warnings": [],
    }  # fmt: skip
    assert data == data | expected
    text = shell("export_sequence", "Intro", "--workspace", "acme").out
    path.write_text(text)
    (data,) = shell("import_sequence", path, "--workspace", "acme", "--json").data["sequences"]
    assert (data["created"], data["moved"]) == (False, 0)
    assert shell("export_sequence", "--sequence", "Intro", "--workspace", "acme", "--json").data["yaml"] == text


def test_of_several_files_all_or_none_are_imported(shell: Shell, workspace: Workspace, tmp_path: Path) -> None:
    good, loop = tmp_path / "good.yaml", tmp_path / "loop.yaml"
    good.write_text(YAML)
    loop.write_text(
        "name: Loop\nsteps:\n  - task: {id: again, name: Call}\n"
        "  - split: {condition: task_completed, if_true: again, if_false: again}\n"
    )
    ended = shell("import_sequence", good, loop, "--workspace", "acme")
    assert ended.status == 1
    assert f"{loop}:3: step 1: no path ends from steps 1, 2" in ended.err
    assert f"{loop}:3: step 1: the loop over steps 1, 2 has no delay" in ended.err
    assert not Sequence.objects.exists()


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("name: Intro\nstpes: []\n", ":2: the sequence has the unknown key 'stpes': did you mean steps?"),
        (YAML + "  - split: {condition: email_opened, if_true: gone}\n", ":5: no step has the id 'gone'"),
        (YAML.replace("there' }}", "there'"), ":3: step 1: subject: "),
        (YAML.replace("One.", "{{ contact.frist_name }}"), "did you mean contact.first_name?"),
    ],
)
def test_a_bad_sequence_names_file_line_and_remedy(
    shell: Shell, workspace: Workspace, tmp_path: Path, text: str, detail: str
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    message = one_error(shell("import_sequence", path, "--workspace", "acme", "--activate", "--json"), 1)
    assert message.startswith(f"error: {path}:")
    assert detail in message
    assert not Sequence.objects.exists()


def test_missing_files_and_names_are_bad_arguments(shell: Shell, workspace: Workspace, tmp_path: Path) -> None:
    for args in (
        ("import_sequence", tmp_path / "no.yaml", "--workspace", "acme"),
        ("import_sequence", tmp_path, "--workspace", "acme"),
        ("import_contacts", tmp_path / "no.csv", "--workspace", "acme"),
        ("export_sequence", "No", "--workspace", "acme"),
        ("export_sequence", "No", "--sequence", "Other", "--workspace", "acme"),
        ("preview", "--workspace", "acme", "No", "jo@x.example", "--from", "9999-12-31"),
        ("enroll", "--workspace", "acme", "--sequence", "No", "--all"),
    ):
        one_error(shell(str(args[0]), *args[1:]), 2)


def test_contacts_are_imported_and_rejects_written(shell: Shell, workspace: Workspace, tmp_path: Path) -> None:
    path, rejects = tmp_path / "c.csv", tmp_path / "rejects.csv"
    ContactFactory(workspace=workspace, email="b@x.example")
    path.write_text("email;first_name\na@x.example;Ada\nb@x.example;Bob\nbroken;Cyd\n")
    data = shell("import_contacts", path, "--workspace", "acme", "--rejects", rejects, "--json").data
    assert (data["created"], data["updated"], set(data)) == (1, 1, {"created", "updated", "rejected"})
    (rejected,) = data["rejected"]
    assert (rejected["row"], rejected["reason"].split(":")[0]) == (4, "broken is not an email address")
    header, row = csv.reader(rejects.read_text().splitlines())
    assert header == ["email", "first_name", "rejected_reason"]
    assert row[:2] == ["broken", "Cyd"]
    path.write_text(rejects.read_text().replace("broken", "cyd@x.example"))
    again = shell("import_contacts", path, "--workspace", "acme", "--json").data
    assert again == {"created": 1, "updated": 0, "rejected": []}
    assert Contact.objects.get(email="cyd@x.example").fields == {}


@pytest.mark.parametrize("command", ["import_contacts", "backfill_suppressions"])
def test_nothing_is_imported_when_the_rejects_file_cannot_be_written(
    shell: Shell, workspace: Workspace, tmp_path: Path, command: str
) -> None:
    path = tmp_path / "c.csv"
    path.write_text("email\na@x.example\nbroken\n")
    rejects = tmp_path / "nowhere" / "rejects.csv"
    assert "cannot be written" in one_error(shell(command, path, "--workspace", "acme", "--rejects", rejects), 2)
    assert not Contact.objects.exists()
    assert not Suppression.objects.exists()


def test_only_the_first_rejected_rows_are_printed(shell: Shell, workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("email\n" + "broken\n" * 25)
    ended = shell("import_contacts", path, "--workspace", "acme")
    assert (ended.status, ended.out) == (0, "0 created, 0 updated, 25 rejected.\n")
    assert ended.err.startswith("row 2: broken is not an email address")
    assert ended.err.endswith("… and 5 more: --json has all of them\n")


def test_contacts_are_imported_and_enrolled_together_or_not_at_all(
    shell: Shell, workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "c.csv"
    path.write_text("email\na@x.example\nb@x.example\n")
    sequence = SequenceFactory(workspace=workspace, name="Intro", status="draft")
    StepFactory(sequence=sequence)
    MailboxFactory(workspace=workspace, address="ada@a.example")
    args = (path, "--workspace", "acme", "--enroll-in", "Intro", "--mailbox", "ada@a.example", "--json")
    assert "is draft: activate it first" in one_error(shell("import_contacts", *args), 1)
    assert not Contact.objects.exists()
    Sequence.objects.update(status="active")
    SuppressionFactory(workspace=workspace, email="b@x.example", reason="bounced")
    data = shell("import_contacts", *args).data
    assert data == {
        "created": 2, "updated": 0, "rejected": [], "enrolled": 1,
        "skipped": [
            {
                "contact": "b@x.example", "code": "suppressed", "reason": "suppressed: bounced: no option allows it",
                "override": None,
            }
        ],
    }  # fmt: skip


def test_a_wrong_encoding_is_one_line(shell: Shell, workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes("email,first_name\na@x.example,Zoë\n".encode("latin-1"))
    detail = one_error(shell("import_contacts", path, "--workspace", "acme", "--json"), 1)
    assert detail == f"error: {path}: row 2: byte 32 (0xEB) is not UTF-8: save the file with the encoding UTF-8\n"


def skipped_codes(data: dict[str, Any]) -> dict[str, str]:
    return {skipped["contact"]: skipped["code"] for skipped in data["skipped"]}


def test_enroll_by_address_and_all(shell: Shell, workspace: Workspace) -> None:
    sequence = SequenceFactory(workspace=workspace, name="Intro")
    StepFactory(sequence=sequence)
    MailboxFactory(workspace=workspace, address="ada@a.example")
    for name in "abc":
        ContactFactory(workspace=workspace, email=f"{name}@x.example")
    args = ("--workspace", "acme", "--sequence", "Intro", "--mailbox", "ada@a.example", "--json")
    first = shell("enroll", *args, "A@x.example", "no@x.example").data
    assert (first["enrolled"], skipped_codes(first)) == (1, {"no@x.example": "unknown_contact"})
    rest = shell("enroll", *args, "--all").data
    assert (rest["enrolled"], skipped_codes(rest)) == (2, {"a@x.example": "already_in_sequence"})
    assert Enrollment.objects.count() == 3
    for wrong in ((), ("a@x.example", "--all")):
        assert "name contacts by EMAIL" in one_error(shell("enroll", *args, *wrong), 2)


def test_the_routine_of_importing_and_enrolling_all_is_safe_to_repeat(
    shell: Shell, workspace: Workspace, tmp_path: Path
) -> None:
    sequence = SequenceFactory(workspace=workspace, name="Intro")
    StepFactory(sequence=sequence)
    MailboxFactory(workspace=workspace, address="ada@a.example")
    path = tmp_path / "c.csv"
    path.write_text("email\na@x.example\nb@x.example\n")
    args = (path, "--workspace", "acme", "--enroll-in", "Intro", "--mailbox", "ada@a.example")
    assert shell("import_contacts", *args).out == "2 created, 0 updated, 0 rejected. 2 enrolled, 0 skipped.\n"
    Enrollment.objects.update(status="completed", completed_at=NOW, next_step_at=None, wake_at=None)
    again = shell("import_contacts", *args)
    assert again.out == "0 created, 2 updated, 0 rejected. 0 enrolled, 2 skipped (2 had this sequence before).\n"
    assert "skipped a@x.example: completed this sequence on 2026-03-02" in again.err
    dry = shell("import_contacts", *args, "--again", "a new product", "--dry-run")
    assert "nothing was changed" in dry.out
    assert dry.out.endswith("2 enrolled, 0 skipped.\n")
    assert Enrollment.objects.count() == 2
    data = shell("import_contacts", *args, "--again", "a new product", "--json").data
    assert (data["enrolled"], data["skipped"]) == (2, [])
    assert set(Enrollment.objects.filter(status="active").values_list("again_reason", flat=True)) == {"a new product"}


def test_again_takes_a_reason_and_incomplete_contacts_can_be_allowed(shell: Shell, workspace: Workspace) -> None:
    sequence = SequenceFactory(workspace=workspace, name="Intro")
    StepFactory(sequence=sequence, body="{{ contact.plan }}")
    MailboxFactory(workspace=workspace, address="ada@a.example")
    contact = ContactFactory(workspace=workspace)
    args = ("--workspace", "acme", "--sequence", "Intro", "--mailbox", "ada@a.example", contact.email)
    assert "say why" in one_error(shell("enroll", *args, "--again", " "), 2)
    assert skipped_codes(shell("enroll", *args, "--json").data) == {contact.email: "incomplete"}
    assert shell("enroll", *args, "--json", "--allow-incomplete").data == {"enrolled": 1, "skipped": []}
    for option in (("--again", "new"), ("--allow-incomplete",)):
        wrong = shell("import_contacts", "no.csv", "--workspace", "acme", *option)
        assert "is only used with --enroll-in" in one_error(wrong, 2)
