"""What every command of the product has in common: exit statuses, one-line errors, `--json`, `--dry-run`, progress.

Exit status 0 done, 1 failed, 2 bad arguments. Standard output carries the answer and nothing else; errors, hints and
the progress bar go to standard error. Must not know what any single command does.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Never

import psycopg
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.db import InterfaceError, OperationalError, ProgrammingError, connections, transaction
from django.db.models import Model
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from common.addresses import normalize_for_search
from common.encryption import DecryptionError
from emails.models import Mailbox, MailboxPool
from sequences.models import Sequence as SequenceRow
from sequences.models import Workspace

FAILED = 1
BAD_ARGUMENTS = 2
_INTERRUPTED = 130
_SHOWN = 20
_DATABASE_ERRORS = (
    OperationalError,
    InterfaceError,
    ProgrammingError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.ProgrammingError,
)
_UNDEFINED_TABLE = ("42P01", "42703")


class _HelpFormatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the example as they are written."""


class ProductCommand(BaseCommand):
    """Base of all commands. `example` stands at the end of `--help`; `changes_data` adds `--dry-run`."""

    requires_system_checks = ()
    example: str
    changes_data = False
    prints_json = True

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.setdefault("epilog", f"Example:\n  {self.example}")
        kwargs.setdefault("formatter_class", _HelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        if self.prints_json:
            parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
        if self.changes_data:
            parser.add_argument("--dry-run", action="store_true", help="do everything except keeping the changes")

    def run_from_argv(self, argv: list[str]) -> None:
        """Run for the shell: every expected end becomes one line and an exit status; a bug may show its traceback."""
        # Django's parser raises instead of printing its whole usage until `_called_from_command_line` is set.
        parser = self.create_parser(argv[0], argv[1])
        try:
            options = vars(parser.parse_args(argv[2:]))
        except CommandError as error:
            message = str(error).removeprefix("Error: ")
            self._end(f"{message} (see {parser.prog} --help)", BAD_ARGUMENTS)
        self._called_from_command_line = True
        try:
            self.execute(*options.pop("args", ()), **options)
        except CommandError as error:
            if options["traceback"]:
                raise
            self._end(str(error), error.returncode)
        except _DATABASE_ERRORS as error:
            if options["traceback"] or (line := _explain_database_error(error)) is None:
                raise
            self._end(line, FAILED)
        except DecryptionError as error:
            if options["traceback"]:
                raise
            self._end(str(error), FAILED)
        except KeyboardInterrupt:
            self._end("interrupted", _INTERRUPTED)
        finally:
            connections.close_all()

    def _end(self, message: str, status: int) -> Never:
        self.stderr.write(self.style.ERROR(f"error: {message}"))
        sys.exit(status)

    def fail(self, message: str, status: int = FAILED) -> Never:
        """End the command: `message` names the place and the remedy. Raises `CommandError`."""
        raise CommandError(message, returncode=status)

    def emit(self, data: Mapping[str, Any], text: str, *, as_json: bool) -> None:
        """Print the answer once, as one JSON object or as text. Ends when the reader has closed the pipe."""
        self.write_part(json.dumps(data, ensure_ascii=False, default=str) if as_json else text, end="\n")

    def write_part(self, text: str, end: str = "") -> None:
        """Write a part of an answer that is too long to be held as a whole."""
        try:
            self.stdout.write(text, ending=end)
            self.stdout.flush()
        except OSError as error:
            # or the interpreter would try once more at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if isinstance(error, BrokenPipeError):
                sys.exit(FAILED)
            self.fail(f"the work is done, but its answer cannot be written ({error.strerror})")

    def list_aside(self, lines: Sequence[str]) -> None:
        """Show on standard error what was left out, the first 20 lines."""
        for line in lines[:_SHOWN]:
            self.stderr.write(line)
        if len(lines) > _SHOWN:
            self.stderr.write(f"… and {len(lines) - _SHOWN} more: --json has all of them")

    @contextmanager
    def keeping_changes(self, *, dry_run: bool) -> Iterator[None]:
        """One transaction around all changes; a dry run rolls it back."""
        with transaction.atomic():
            yield
            if dry_run:
                transaction.set_rollback(True)

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """A bar on standard error while it is a terminal; yields the function that takes how many more are done."""
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        with bar:
            task = bar.add_task(label, total=total)
            yield lambda done: bar.advance(task, done)

    def check_writable(self, path: Path) -> None:
        """Fail before the work when the file could not be written after it. An existing file stays as it is."""
        is_there = path.exists()
        try:
            path.open("a").close()
        except OSError as error:
            self.fail(f"{path}: cannot be written ({error.strerror}): choose another place", BAD_ARGUMENTS)
        if not is_there:
            path.unlink()

    def find_workspace(self, slug: str) -> Workspace:
        workspace = Workspace.objects.filter(slug=slug).first()
        if workspace is None:
            known = list(Workspace.objects.order_by("slug").values_list("slug", flat=True)[:5])
            remedy = f"use one of {', '.join(known)}" if known else "make one with create_workspace"
            self.fail(f"there is no workspace {slug!r}: {remedy}", BAD_ARGUMENTS)
        return workspace

    def find_sequence(self, workspace: Workspace, name: str) -> SequenceRow:
        sequence: SequenceRow | None = SequenceRow.objects.filter(workspace=workspace, name=name).first()
        if sequence is None:
            known = list(SequenceRow.objects.filter(workspace=workspace).values_list("name", flat=True)[:5])
            remedy = f"use one of {', '.join(map(repr, known))}" if known else "import one with import_sequence"
            self.fail(f"workspace {workspace.slug} has no sequence {name!r}: {remedy}", BAD_ARGUMENTS)
        return sequence

    def find_mailbox(self, workspace: Workspace | None, address: str) -> Mailbox:
        """`workspace` None: whichever has that address, as long as only one does."""
        mailboxes = Mailbox.objects.filter(address__iexact=normalize_for_search(address)).select_related("workspace")
        found: list[Mailbox] = list(mailboxes.filter(workspace=workspace) if workspace else mailboxes)
        if not found:
            where = f"workspace {workspace.slug} has no" if workspace else "there is no"
            self.fail(f"{where} mailbox {address!r}: make it with create_mailbox", BAD_ARGUMENTS)
        if len(found) > 1:
            slugs = ", ".join(mailbox.workspace.slug for mailbox in found)
            self.fail(f"several workspaces have the mailbox {address} ({slugs}): name the --workspace", BAD_ARGUMENTS)
        return found[0]

    def find_pool(self, workspace: Workspace, name: str) -> MailboxPool:
        pool: MailboxPool | None = MailboxPool.objects.filter(workspace=workspace, name__iexact=name.strip()).first()
        if pool is None:
            known = list(MailboxPool.objects.filter(workspace=workspace).values_list("name", flat=True)[:5])
            remedy = f"use one of {', '.join(map(repr, known))}" if known else "make one in the desk or by the API"
            self.fail(f"workspace {workspace.slug} has no mailbox pool {name!r}: {remedy}", BAD_ARGUMENTS)
        return pool

    def find_sending(
        self, workspace: Workspace, options: Mapping[str, Any]
    ) -> tuple[Mailbox | None, MailboxPool | None]:
        """What `--mailbox` or `--pool` names."""
        if options["mailbox"] and options["pool"]:
            self.fail("--pool: name a mailbox or a pool, not both", BAD_ARGUMENTS)
        mailbox = self.find_mailbox(workspace, options["mailbox"]) if options["mailbox"] else None
        return mailbox, self.find_pool(workspace, options["pool"]) if options["pool"] else None

    def check_fields(self, row: Model, options: Mapping[str, str]) -> None:
        """Validate the values by the rules of the model. `options`: the options by column, where the names differ."""
        try:
            row.clean_fields()
        except ValidationError as error:
            name, messages = next(iter(error.message_dict.items()))
            option = options.get(name, name).replace("_", "-")
            self.fail(f"{option}: {messages[0]}", BAD_ARGUMENTS)

    def actor(self) -> str:
        """The actor in the log entries of a change."""
        try:
            return f"command line ({getpass.getuser()})"
        except (OSError, KeyError):
            return "command line"

    def read_secret(self, prompt: str, *, from_stdin: bool) -> str:
        """A password from the first line of standard input, or typed unseen on a terminal."""
        if from_stdin:
            secret = sys.stdin.readline().rstrip("\r\n")
            if not secret:
                self.fail("--password-stdin: standard input holds no password", BAD_ARGUMENTS)
            return secret
        return getpass.getpass(prompt)


def _explain_database_error(error: Exception) -> str | None:
    """The one line for a database that cannot be used at all; None for an error that is a bug."""
    # Django's errors have the driver's as their cause; common.db raises the driver's own
    state = getattr(error if isinstance(error, psycopg.Error) else error.__cause__, "sqlstate", None)
    first_line = next(iter(str(error).splitlines()), "").strip()
    if isinstance(error, ProgrammingError | psycopg.ProgrammingError):
        if state in _UNDEFINED_TABLE:
            return f"the database lacks tables ({first_line}): run manage.py migrate"
        return None
    if state is None or state[:2] in {"08", "28", "3D", "53", "57"}:
        return f"the database cannot be used ({first_line}): check DATABASE_URL and the server"
    return None
