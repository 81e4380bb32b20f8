"""A PostgreSQL of our own, stopped and killed under a working executor. P4, P7: it goes on by itself afterwards."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, connections
from pytest_django import DjangoDbBlocker

from config.embedded_postgres.server import DATABASE, EmbeddedPostgres
from emails.models import EmailMessage
from execution.worker.listener import Listener
from execution.worker.outage import Outage
from simulation.mail_server import MailServer, Moment, Stall
from tests.faults.processes import Executor, has_ended, wait_until
from tests.faults.promises import assert_ledger_explains, assert_no_enrollment_is_lost, run_successor
from tests.faults.three_steps import assert_each_thing_once, enroll_in_three_steps, no_enrollment_is_active

pytestmark = [pytest.mark.faults]


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedPostgres]:
    home = Path(tempfile.mkdtemp(prefix="faults-"))
    home.chmod(0o755)
    own = EmbeddedPostgres(data_dir=home / "postgres", durable=False)
    own.ensure_running()
    yield own
    own.stop()
    shutil.rmtree(own.data_dir.resolve(), ignore_errors=True)
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def migrated(own_server: EmbeddedPostgres, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> str:
    with django_db_blocker.unblock(), living_on(own_server):
        call_command("migrate", verbosity=0)
    socket = own_server.ensure_running()
    return f"postgres://{socket.user}@/{DATABASE}?host={socket.directory}&port={socket.port}"


@pytest.fixture
def own_url(migrated: str, own_server: EmbeddedPostgres, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    with django_db_blocker.unblock(), living_on(own_server):
        # before, not after: what a failed test leaves behind fails no other
        call_command("flush", verbosity=0, interactive=False)
        yield migrated


@contextmanager
def living_on(server: EmbeddedPostgres) -> Iterator[None]:
    """This process's connections, of all threads, go to that server for a while."""
    socket = server.ensure_running()
    address = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": DATABASE,
        "USER": socket.user,
        "PASSWORD": "",
        "HOST": str(socket.directory),
        "PORT": socket.port,
        "OPTIONS": {},
    }
    settings, kept_connection = connections.settings["default"], connections["default"]
    kept = {name: settings[name] for name in address}
    connection.close()
    settings.update(address)
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connection.close()
        settings.update(kept)
        connections["default"] = kept_connection


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_database_restart_while_deciding_and_sending_loses_nothing(
    how: str, own_url: str, own_server: EmbeddedPostgres, server: MailServer
) -> None:
    enroll_in_three_steps(server, people=60, mailboxes=4)
    with Executor(own_url, "run_executor", LOG_LEVEL="ERROR") as executor:
        for _ in range(3):
            wait_for_more_mail(server)
            connection.close()
            bring_down(own_server, how)
            own_server.ensure_running()
            connection.close()
        wait_for_more_mail(server)
        assert executor.stop() == 0
    run_successor()
    assert_ledger_explains(server.messages)
    assert_no_enrollment_is_lost()


def test_a_database_restart_while_sending_loses_no_result(
    own_url: str, own_server: EmbeddedPostgres, server: MailServer
) -> None:
    """The result is written when the database is back: no outcome is unknown."""
    stall = Stall()
    server.on(Moment.DOT, stall, times=1)
    enroll_in_three_steps(server, people=2)
    try:
        with Executor(own_url, "run_executor") as executor:
            wait_until(stall.reached.is_set, "a message is on its way")
            connection.close()
            bring_down(own_server, "stopped")
            stall.release()
            wait_until(lambda: server.message_count > 0, "the server has it")
            own_server.ensure_running()
            wait_until(no_enrollment_is_active, "all enrollments complete")
            assert executor.stop() == 0
    finally:
        stall.release()
    assert not EmailMessage.objects.exclude(status="sent").exists()
    assert_each_thing_once(2, server)


def test_an_outage_is_logged_once_however_often_it_is_met(
    own_url: str, own_server: EmbeddedPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    """One line when the outage starts and one when it ends, whatever the number of threads and attempts."""
    outage = Outage()
    with Listener() as listener, caplog.at_level(logging.INFO):
        connection.close()
        bring_down(own_server, "stopped")
        for _ in range(5):
            listener.wait(0)
            outage.report(OperationalError("connection refused"))
            with pytest.raises(OperationalError):
                outage.check_end()
        own_server.ensure_running()
        for _ in range(3):
            listener.wait(0)
            outage.check_end()
    assert sorted(record.getMessage().partition(":")[0] for record in caplog.records) == [
        "cannot listen for notifications, polling until it works again",
        "listening for notifications again",
        "the database is available again",
        "the database is not available, trying again until it is",
    ]


@pytest.fixture
def small_disk(own_url: str, own_server: EmbeddedPostgres) -> Iterator[Path]:
    """A file system of four megabytes with the table of messages on it. Only root can make one."""
    folder = own_server.data_dir.resolve().with_name("small")
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        folder.rmdir()
        pytest.skip("needs root and the right to mount")
    try:
        owner = own_server.data_dir.stat()
        space = folder / "space"
        space.mkdir()
        os.chown(space, owner.st_uid, owner.st_gid)
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLESPACE small LOCATION '{space}'")
            cursor.execute("ALTER TABLE emails_emailmessage SET TABLESPACE small")
        yield folder
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE emails_emailmessage SET TABLESPACE pg_default")
            cursor.execute("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def test_a_full_disk_loses_nothing_once_there_is_room_again(
    own_url: str, small_disk: Path, server: MailServer, tmp_path: Path
) -> None:
    """No message can be stored, so none leaves; with room again the executor goes on by itself."""
    filler = small_disk / "filler"
    with suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(bytes(65_536))
    enroll_in_three_steps(server, people=60, mailboxes=3)
    log = tmp_path / "executor.log"
    with Executor(own_url, "run_executor", log=log) as executor:
        wait_until(lambda: "No space left" in log.read_text(), "the disk is full")
        assert server.message_count == 0
        assert EmailMessage.objects.count() == 0
        filler.unlink()
        wait_until(no_enrollment_is_active, "all enrollments complete")
        assert executor.stop() == 0
    assert_each_thing_once(60, server)


def wait_for_more_mail(server: MailServer) -> None:
    before = server.message_count
    wait_until(lambda: server.message_count > before or no_enrollment_is_active(), "more mail leaves")


def bring_down(server: EmbeddedPostgres, how: str) -> None:
    if how == "stopped":
        assert server.stop()
        return
    postmaster = psutil.Process(int((server.data_dir / "postmaster.pid").read_text().splitlines()[0]))
    family = [postmaster, *postmaster.children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    wait_until(lambda: all(has_ended(process) for process in family), "the server is gone")
