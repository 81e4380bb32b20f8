"""`read_mail`: how raw messages are understood, as text and as JSON; nothing is stored."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from emails.inbound import reading
from emails.inbound.cpu_budget import CpuBudget
from tests.support.inbound_mails import delivery_report, feedback_report

FORM = {
    "file", "kind", "intent", "recipients", "message_ids", "status", "reason", "until", "until_is_assumed",
    "successor", "referral", "text", "is_authenticated",
}  # fmt: skip
AWAY = b"""From: Jo <jo@prospect.example>
Authentication-Results: mx.ours.example; dmarc=pass header.from=prospect.example
Subject: Automatic reply: Hello
Date: Mon, 2 Mar 2026 10:00:00 +0000
Auto-Submitted: auto-replied

I am out of the office and back on March 9.
"""


def read(*arguments: str) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("read_mail", *arguments, "--json", stdout=out)
    found: list[dict[str, Any]] = json.loads(out.getvalue())["mails"]
    return found


def write(folder: Path, name: str, raw: bytes) -> str:
    path = folder / name
    path.write_bytes(raw)
    return str(path)


def test_a_mail_is_shown_in_the_documented_form(tmp_path: Path) -> None:
    (entry,) = read(write(tmp_path, "away.eml", AWAY))
    assert set(entry) >= FORM
    assert (entry["kind"], entry["until"], entry["until_is_assumed"]) == ("out_of_office", "2026-03-09", False)
    assert entry["is_authenticated"] is True
    assert entry["text"] == "I am out of the office and back on March 9."


def test_the_time_of_arrival_can_be_given(tmp_path: Path) -> None:
    raw = AWAY.replace(b"back on March 9", b"not reading mail")
    (entry,) = read(write(tmp_path, "away.eml", raw), "--received-at", "2026-05-01T08:00:00Z")
    assert (entry["until"], entry["until_is_assumed"]) == ("2026-05-15", True)


def test_recipients_with_different_outcomes_are_entries_of_their_own(tmp_path: Path) -> None:
    groups = [
        f"Final-Recipient: rfc822; {name}@prospect.example\nAction: failed\nStatus: {status}\n"
        for name, status in (("a", "5.1.1"), ("b", "5.1.1"), ("c", "4.2.2"))
    ]
    entries = read(write(tmp_path, "report.eml", delivery_report(*groups)))
    assert [(entry["kind"], entry["recipients"]) for entry in entries] == [
        ("hard_bounce", ["a@prospect.example", "b@prospect.example"]),
        ("soft_bounce", ["c@prospect.example"]),
    ]


def test_several_files_are_read_in_their_order(tmp_path: Path) -> None:
    complaint = feedback_report("Feedback-Type: abuse\nOriginal-Rcpt-To: jo@prospect.example\n")
    names = [write(tmp_path, "1.eml", complaint), write(tmp_path, "2.eml", AWAY), write(tmp_path, "3.eml", b"no mail")]
    entries = read(*names)
    assert [(entry["file"], entry["kind"]) for entry in entries] == list(
        zip(names, ["complaint", "out_of_office", "other"], strict=True)
    )
    assert entries[2]["error"] == "it has no headers of a mail"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00" * 1_000,
        b"From: jo@prospect.example\nContent-Type: text/plain; charset=no-such-charset\n\n\xe9t\xe9",
        b"From: jo@prospect.example\n" + b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n' * 3_500,
        b"From: jo@prospect.example\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 25_000,
        b"From: mailer-daemon@x.example\nSubject: failure notice\n\n" + b"=" * 200_000,
        b"From: jo@prospect.example\n\nhello\n" + b"x" * 1_000_000,
        delivery_report(*[f"Final-Recipient: rfc822; a{n}@x.example\nStatus: 5.1.1" for n in range(3_500)]),
    ],
)  # fmt: skip
def test_bad_input_does_not_keep_the_next_file_waiting(tmp_path: Path, raw: bytes) -> None:
    entries = read(write(tmp_path, "bad.eml", raw), write(tmp_path, "good.eml", AWAY))
    assert entries[-1]["kind"] == "out_of_office"
    assert len(entries) == 2
    assert len(entries[0]["recipients"]) <= 20


def test_a_file_that_is_missing_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="1 of 2 files could not be read"):
        call_command("read_mail", "nowhere.eml", write(tmp_path, "a.eml", AWAY), "--json", stdout=out, stderr=err)
    assert [entry["kind"] for entry in json.loads(out.getvalue())["mails"]] == ["out_of_office"]
    assert "nowhere.eml: cannot be read (No such file or directory)" in err.getvalue()


def test_a_time_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--received-at takes an ISO 8601 time"):
        read(write(tmp_path, "a.eml", AWAY), "--received-at", "yesterday")


def test_the_text_output_names_kind_and_reason(tmp_path: Path) -> None:
    out = StringIO()
    call_command("read_mail", write(tmp_path, "away.eml", AWAY), stdout=out)
    first, second = out.getvalue().splitlines()[:2]
    assert first.endswith("away.eml: out_of_office, until 2026-03-09, authenticated")
    assert second.strip()


def test_a_mail_that_costs_too_much_is_an_error_of_that_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [write(tmp_path, f"{name}.eml", AWAY) for name in ("costly", "cheap")]
    seconds = iter([-1.0, 60.0, 60.0])
    monkeypatch.setattr(reading, "CpuBudget", lambda: CpuBudget(next(seconds)))
    costly, cheap = read(*files)
    assert costly["error"] == "reading it took more than -1 seconds of processor time, only its headers count"
    assert (cheap["error"], cheap["kind"]) == (None, "out_of_office")


def test_a_body_that_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(raw: bytes) -> Any:
        raise RecursionError

    monkeypatch.setattr(reading, "parse_mail", fail)
    path = write(tmp_path, "away.eml", AWAY)
    (entry,) = read(path)
    assert entry["error"] == "its body cannot be read (RecursionError), only its headers count"
    out = StringIO()
    call_command("read_mail", path, stdout=out)
    assert "only its headers count" in out.getvalue()
