"""The commands that set up, import and enroll, as the shell sees them: output, exit status, errors, dry runs."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.core.management import get_commands, load_command_class
from django.utils import timezone
from knox.auth import TokenAuthentication

from emails.models import Mailbox, SendLimit
from execution.management.base import ProductCommand
from execution.models import ApiKey
from sequences.models import Contact, Membership, Sequence, Workspace
from simulation.certificates import make_certificate
from tests.factories import (
    MailboxFactory,
    MembershipFactory,
    UserFactory,
    WorkspaceFactory,
)
from tests.support.shell import Ended, Shell, one_error

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]
# django-q2's is its own, and only completed
COMMANDS = sorted(
    {name for name, app in get_commands().items() if app in {"config", "execution", "simulation"}} - {"qcluster"}
)
YAML = """\
name: Intro
steps:
  - email: {subject: "Hello {{ contact.first_name | default: 'there' }}", body: "One."}
  - task: {name: Call, type: call}
"""


@pytest.fixture
def workspace() -> Workspace:
    return WorkspaceFactory(slug="acme")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_ends_with_an_example_of_the_command(shell: Shell, name: str) -> None:
    ended = shell(name, "--help")
    assert ended.status == 0
    assert f"Example:\n  manage.py {name}" in ended.out
    command = load_command_class(get_commands()[name], name)
    assert isinstance(command, ProductCommand)
    assert ("--dry-run" in ended.out) is command.changes_data
    assert ("--json" in ended.out) is (name not in WITHOUT_JSON)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_every_argument_is(name: str) -> None:
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    assert [action.dest for action in parser._actions if not action.help] == []


@pytest.mark.parametrize("error", [psycopg.errors.UndefinedTable, psycopg.errors.AdminShutdown])
def test_a_database_that_fails_under_our_own_sql_is_one_line(shell: Shell, error: type[psycopg.Error]) -> None:
    with mock.patch("execution.management.commands.prune_logs.count_older", side_effect=error("so\nLINE 1")):
        assert "(so): " in one_error(shell("prune_logs", "--older-than", "9d"), 1)


# What docs promise of each; scripts are written against it.
OPTIONS = {
    "after_restore": "--backup-taken-at",
    "auto_enroll": "--workspace --rule",
    "backfill_engagement": "--workspace --since",
    "backfill_next_steps": "--workspace",
    "backfill_suppressions": "FILE --workspace --reason --rejects",
    "backfill_timezones": "--workspace",
    "create_mailbox": "ADDRESS --workspace --owner --smtp-url --imap-url --daily --hourly --gap --jitter --no-ramp "
    "--password-stdin --ca-certificate",
    "create_user": "EMAIL --workspace --role --operator --token --expires",
    "create_workspace": "NAME --slug --timezone --holidays --postal-address",
    "demo": "--once --port",
    "enroll": "EMAIL --workspace --sequence --mailbox --all --again --allow-incomplete",
    "erase_contact": "EMAIL --workspace --reason",
    "export_contact": "EMAIL --workspace",
    "export_sequence": "--workspace",
    "forecast": "--workspace --days",
    "import_contacts": "FILE --workspace --enroll-in --mailbox",
    "import_sequence": "FILE --workspace --activate",
    "mcp": "",
    "poll_inboxes": "--once --workspace --mailbox",
    "preview": "SEQUENCE CONTACT --workspace --from",
    "prune_logs": "--older-than",
    "repair_addresses": "",
    "read_mail": "FILE --mailbox --received-at",
    "replay_dead_letters": "--workspace --class --sequence",
    "rotate_encryption_keys": "",
    "run_executor": "--once --stage --poll-interval --batch-size --limit --workspace --check",
    "simulate": "--days --enrollments --faults --seed --quiet",
    "stop_database": "",
    "sync_schedules": "",
    "test_mailbox": "ADDRESS --dns",
    "why": "ENROLLMENT",
}
# What they do cannot be taken back, or they change nothing but what they are there to do.
WITHOUT_DRY_RUN = {
    "demo", "export_contact", "export_sequence", "forecast", "mcp", "poll_inboxes", "preview", "read_mail",
    "run_executor", "simulate", "stop_database", "test_mailbox", "why",
}  # fmt: skip

# It speaks a protocol.
WITHOUT_JSON = {"mcp"}


def test_every_command_is_in_the_table() -> None:
    assert set(COMMANDS) == set(OPTIONS)
    commands: dict[str, Any] = {name: load_command_class(get_commands()[name], name) for name in COMMANDS}
    changing = {name for name, command in commands.items() if command.changes_data}
    assert set(COMMANDS) - changing == WITHOUT_DRY_RUN


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_that_are_promised_exist(shell: Shell, name: str) -> None:
    message = shell(name, "--help").out
    for option in OPTIONS[name].split():
        assert re.search(rf"(?<![\w-]){option}\b", message), option


@pytest.mark.parametrize("name", COMMANDS)
def test_wrong_arguments_are_one_line_and_status_2(shell: Shell, name: str) -> None:
    message = one_error(shell(name, "--no-such-option"), 2)
    assert message.endswith(f"(see manage.py {name} --help)\n")


def test_create_workspace(shell: Shell) -> None:
    args = ("--timezone", "Europe/Berlin", "--holidays", "DE", "--postal-address", "Street 1", "--json")
    data = shell("create_workspace", "Acme Sales", *args).data
    workspace = Workspace.objects.get()
    assert data == {"id": workspace.pk, "slug": "acme-sales"}
    assert (workspace.timezone, workspace.holiday_country) == ("Europe/Berlin", "DE")
    assert workspace.postal_address == "Street 1"


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (("Acme", "--slug", "acme"), 1, "the workspace 'acme' exists already: use it, or choose another --slug"),
        (("Other", "--timezone", "Mars/Base"), 2, "timezone: 'Mars/Base' is not a time zone"),
        (("Other", "--holidays", "XX"), 2, "holidays: 'XX' has no holiday calendar"),
        (("Other", "--slug", "a b"), 2, "slug: "),
        (("…",), 2, "no slug can be made from the name '…': give one with --slug"),
    ],
)
def test_create_workspace_refuses(
    shell: Shell, workspace: Workspace, args: tuple[str, ...], status: int, message: str
) -> None:
    assert message in one_error(shell("create_workspace", *args), status)
    assert Workspace.objects.count() == 1


def test_create_user_makes_a_login_that_its_token_opens(shell: Shell, workspace: Workspace) -> None:
    args = ("--workspace", "acme", "--role", "sdr", "--token", "--json")
    data = shell("create_user", "ada@a.example", *args).data
    user = get_user_model().objects.get()
    assert data["id"] == user.pk
    opened, key = TokenAuthentication().authenticate_credentials(data["token"].encode())
    assert (opened, key.name) == (user, "command line")
    assert key.expiry - timezone.now() == pytest.approx(timedelta(days=365), abs=timedelta(minutes=1))
    assert (user.username, user.email, user.is_staff, user.has_usable_password()) == (
        "ada@a.example", "ada@a.example", True, False,
    )  # fmt: skip
    assert Membership.objects.get().role == "sdr"


def test_create_user_says_how_a_user_gets_to_log_in(
    shell: Shell, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = ("create_user", "ada@a.example", "--workspace", "acme", "--role", "sdr")
    assert "manage.py changepassword ada@a.example" in shell(*args).out
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    assert "changepassword" not in shell(*args, "--password-stdin").out


def test_create_user_says_when_the_key_ends(shell: Shell, workspace: Workspace) -> None:
    args = ("create_user", "ada@a.example", "--workspace", "acme", "--role", "sdr")
    shell(*args, "--token", "--expires", "never")
    shell(*args, "--token", "--expires", "30")
    endless, short = ApiKey.objects.order_by("pk")
    assert endless.expiry is None
    assert short.expiry - timezone.now() == pytest.approx(timedelta(days=30), abs=timedelta(minutes=1))
    for days in ("0", "-1", "soon", "3651"):
        refused = one_error(shell(*args, "--token", f"--expires={days}"), 2)
        assert "takes a number of days from 1 to 3650, or never" in refused
    assert "add --token" in one_error(shell(*args, "--expires", "30"), 2)
    assert ApiKey.objects.count() == 2


def test_create_user_names_the_key(shell: Shell, workspace: Workspace) -> None:
    args = ("ada@a.example", "--workspace", "acme", "--role", "sdr", "--token-name")
    assert "token-name: takes 1 to 100 characters" in one_error(shell("create_user", *args, "x" * 101), 2)
    data = shell("create_user", *args, "nightly import", "--json").data
    key = TokenAuthentication().authenticate_credentials(data["token"].encode())[1]
    assert [key.name] == list(ApiKey.objects.values_list("name", flat=True)) == ["nightly import"]


def test_create_user_again_changes_the_role_and_makes_an_operator(
    shell: Shell, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("create_user", "ada@a.example", "--workspace", "acme", "--role", "sdr")
    monkeypatch.setattr(sys, "stdin", io.StringIO("a long pass phrase\n"))
    args = ("--workspace", "acme", "--role", "manager", "--operator", "--password-stdin", "--json")
    data = shell("create_user", "ADA@a.example", *args).data
    user = get_user_model().objects.get()
    assert data == {"id": user.pk}
    assert user.is_staff
    assert user.check_password("a long pass phrase")
    assert user.has_perms(["emails.operate_executor", "sequences.add_sequence", "emails.delete_suppression"])
    assert not user.has_perm("execution.change_executionlog")
    assert Membership.objects.get().role == "manager"


def test_create_user_refuses(shell: Shell, workspace: Workspace) -> None:
    args = ("--workspace", "acme", "--role", "sdr")
    assert "is not an email address" in one_error(shell("create_user", "ada", *args), 2)
    message = one_error(shell("create_user", "ada@a.example", "--workspace", "no", "--role", "sdr"), 2)
    assert "there is no workspace 'no': use one of acme" in message
    assert one_error(shell("create_user", "ada@a.example", "--workspace", "acme", "--role", "boss"), 2)
    long_name = one_error(shell("create_user", "ada@a.example", *args, "--first-name", "x" * 151), 2)
    assert "first-name: Ensure this value has at most 150" in long_name
    address = f"{'x' * 60}@{'y' * 60}.{'y' * 60}.example"
    assert "EMAIL: Ensure this value has at most 150" in one_error(shell("create_user", address, *args), 2)
    assert not get_user_model().objects.exists()


@pytest.fixture
def owner(workspace: Workspace) -> str:
    MembershipFactory(workspace=workspace, user=UserFactory(username="ada@a.example"))
    return "ada@a.example"


def test_create_mailbox_stores_servers_limits_and_secrets(shell: Shell, owner: str) -> None:
    ended = shell(
        "create_mailbox", "Ada@a.example", "--workspace", "acme", "--owner", owner,
        "--smtp-url", "smtp://ada%40a.example:p%3Ass%2Fword@smtp.a.example:2525?tls=starttls",
        "--imap-url", "imaps://ada:other@imap.a.example", "--daily", "7", "--gap", "0", "--jitter", "5", "--no-ramp",
        "--json",
    )  # fmt: skip
    mailbox = Mailbox.objects.get()
    assert ended.data == {
        "id": mailbox.pk, "address": "Ada@a.example", "created": True, "daily": 7, "hourly": 10, "status": "active",
    }  # fmt: skip
    assert (mailbox.smtp_host, mailbox.smtp_port, mailbox.smtp_security) == ("smtp.a.example", 2525, "starttls")
    assert (mailbox.smtp_username, mailbox.auth_method) == ("ada@a.example", "password")
    assert (mailbox.inbound, mailbox.imap_host, mailbox.imap_port) == ("imap", "imap.a.example", 993)
    assert (mailbox.imap_security, mailbox.imap_username) == ("tls", "ada")
    assert dict(mailbox.credentials) == {"password": "p:ss/word", "imap_password": "other"}
    assert (mailbox.gap_seconds, mailbox.jitter_seconds, mailbox.ramp_enabled) == (0, 5, False)
    assert set(SendLimit.objects.values_list("scope", "window", "maximum")) == {
        ("mailbox", "day", 7), ("mailbox", "hour", 10),
    }  # fmt: skip


def test_create_mailbox_again_changes_only_what_is_given(shell: Shell, owner: str) -> None:
    base_args = ("create_mailbox", "ada@a.example", "--workspace", "acme")
    shell(*base_args, "--owner", owner, "--smtp-url", "smtp://u:p@smtp.a.example", "--daily", "7", "--gap", "9")
    data = shell(*base_args, "--hourly", "3", "--json").data
    mailbox = Mailbox.objects.get()
    assert (data["created"], data["daily"], data["hourly"]) == (False, 7, 3)
    assert (mailbox.smtp_host, mailbox.smtp_port, mailbox.gap_seconds) == ("smtp.a.example", 587, 9)
    assert dict(mailbox.credentials) == {"password": "p"}


def test_stored_passwords_are_not_sent_to_another_server(shell: Shell, owner: str) -> None:
    args = ("create_mailbox", "ada@a.example", "--workspace", "acme")
    shell(*args, "--owner", owner, "--smtp-url", "smtp://u:p@smtp.a.example", "--imap-url", "imap://u:q@imap.a.example")
    for url in (
        ("--smtp-url", "smtp://u@smtp.b.example"), ("--imap-url", "imap://u@imap.b.example"),
        ("--smtp-url", "smtp://u@smtp.a.example:2525"), ("--smtp-url", "smtp://u@smtp.a.example?tls=none"),
        ("--imap-url", "imap://u@imap.a.example:2143"),
    ):  # fmt: skip
        assert "the password is missing" in one_error(shell(*args, *url), 2)
    assert shell(*args, "--smtp-url", "smtp://u2@smtp.a.example").status == 0
    assert shell(*args, "--imap-url", "imap://u:r@imap.b.example").status == 0
    assert dict(Mailbox.objects.get().credentials) == {"password": "p", "imap_password": "r"}


def test_create_mailbox_reads_the_password_from_standard_input(
    shell: Shell, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = ("create_mailbox", "ada@a.example", "--workspace", "acme", "--owner", owner)
    url = ("--smtp-url", "smtps://ada@smtp.a.example")
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert "give it with --password-stdin" in one_error(shell(*args, *url), 2)
    monkeypatch.setattr(sys, "stdin", io.StringIO("s3cret\n"))
    ended = shell(*args, *url, "--password-stdin")
    assert ended.status == 0
    assert "s3cret" not in ended.out + ended.err
    mailbox = Mailbox.objects.get()
    assert (mailbox.smtp_security, mailbox.smtp_port) == ("tls", 465)
    assert mailbox.credentials["password"] == "s3cret"


def test_a_server_on_this_machine_needs_neither_login_nor_encryption(shell: Shell, owner: str) -> None:
    args = ("--workspace", "acme", "--owner", owner, "--smtp-url", "smtp://127.0.0.1:2525")
    assert shell("create_mailbox", "ada@a.example", *args).status == 0
    mailbox = Mailbox.objects.get()
    assert (mailbox.smtp_security, mailbox.auth_method, mailbox.smtp_port) == ("none", "none", 2525)


@pytest.mark.parametrize(
    "url",
    [
        "smtp.a.example", "http://u:hunter2@a.example", "smtp://u:hunter2@a.example:notaport", "smtp://u:hunter2@/",
        "smtp://u:hunter2@a.example?tls=maybe", "smtp://u:hunter2@a.example?ssl=1", "smtps://u:hunter2@a.example?tls=none",
        "smtp://u:hunter2@[::1",
    ],
)  # fmt: skip
def test_a_wrong_url_is_refused_without_repeating_its_password(shell: Shell, owner: str, url: str) -> None:
    args = ("--workspace", "acme", "--owner", owner, "--smtp-url", url)
    message = one_error(shell("create_mailbox", "ada@a.example", *args), 2)
    assert "takes smtp://user:password@host:port" in message
    assert "hunter2" not in message


def test_create_mailbox_refuses(shell: Shell, owner: str) -> None:
    args = ("create_mailbox", "ada@a.example", "--workspace", "acme")
    url = ("--smtp-url", "smtp://127.0.0.1:2525")
    assert "--owner: a new mailbox needs it" in one_error(shell(*args, *url), 2)
    assert "--smtp-url: a new mailbox needs it" in one_error(shell(*args, "--owner", owner), 2)
    stranger = UserFactory().username
    assert "is not a member of acme" in one_error(shell(*args, *url, "--owner", stranger), 2)
    assert "timezone" in one_error(shell(*args, *url, "--owner", owner, "--timezone", "Mars"), 2)
    assert "--gap must be at most 86400" in one_error(shell(*args, *url, "--owner", owner, "--gap", "86401"), 2)
    assert not Mailbox.objects.exists()


def test_test_mailbox_says_why_a_server_refuses(shell: Shell, workspace: Workspace) -> None:
    # No process listens on port 1 of this machine.
    MailboxFactory(workspace=workspace, address="ada@a.example", smtp_port=1)
    assert "ada@a.example: SMTP: " in one_error(shell("test_mailbox", "ada@a.example"), 1)
    ended = shell("test_mailbox", "ada@a.example", "--json")
    assert ended.status == 1
    assert ended.data["ok"] is False
    assert ended.data["imap_checked"] is False


def test_test_mailbox_needs_one_mailbox(shell: Shell, workspace: Workspace) -> None:
    assert "make it with create_mailbox" in one_error(shell("test_mailbox", "no@a.example"), 2)
    MailboxFactory(workspace=workspace, address="ada@a.example")
    MailboxFactory(address="ada@a.example")
    assert "name the --workspace" in one_error(shell("test_mailbox", "ada@a.example"), 2)


def test_dry_runs_answer_and_keep_nothing(shell: Shell, workspace: Workspace, owner: str, tmp_path: Path) -> None:
    sheet, text = tmp_path / "c.csv", tmp_path / "s.yaml"
    sheet.write_text("email\na@x.example\n")
    text.write_text(YAML)
    common = ("--workspace", "acme", "--dry-run", "--json")
    assert shell("create_workspace", "Other", "--dry-run", "--json").data == {"id": None, "slug": "other"}
    assert "token" not in shell("create_user", "b@a.example", *common, "--role", "sdr", "--token").data
    url = ("--owner", owner, "--smtp-url", "smtp://127.0.0.1:2525")
    assert shell("create_mailbox", owner, *common, *url).data["created"]
    assert shell("import_sequence", text, *common).data["sequences"][0]["steps"] == 2
    assert shell("import_contacts", sheet, *common).data["created"] == 1
    assert Workspace.objects.count() == Membership.objects.count() == get_user_model().objects.count() == 1
    assert not (Mailbox.objects.exists() or Sequence.objects.exists() or Contact.objects.exists())


@pytest.mark.parametrize("command", [("create_workspace", "Acme"), ("simulate", "--days", "1", "--enrollments", "10")])
def test_a_database_that_cannot_be_reached_is_one_line(command: tuple[str, ...]) -> None:
    environment = {**os.environ, "DATABASE_URL": "postgres://u:hunter2@127.0.0.1:1/none", "ENV_FILE": os.devnull}
    ended = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    message = one_error(Ended(ended.returncode, ended.stdout, ended.stderr), 1)
    assert "check DATABASE_URL" in message
    assert "hunter2" not in message


def test_a_private_authority_is_stored_as_text(shell: Shell, owner: str, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    args = ["create_mailbox", "ada@a.example", "--workspace", "acme", "--owner", owner]
    args += ["--smtp-url", "smtp://u:p@smtp.a.example"]
    assert shell(*args, "--ca-certificate", str(certificate.ca_file)).status == 0
    assert Mailbox.objects.get().transport_options == {"ca_pem": certificate.ca_file.read_text()}
    (tmp_path / "other.txt").write_text("root:x:0:0")
    assert "no certificate" in one_error(shell(*args, "--ca-certificate", str(tmp_path / "other.txt")), 2)
    assert "cannot be read" in one_error(shell(*args, "--ca-certificate", str(tmp_path / "none.pem")), 2)
