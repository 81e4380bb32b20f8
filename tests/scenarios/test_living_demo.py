"""The demo that goes on: what a visitor finds, what it survives, and that the next start continues."""

from __future__ import annotations

import os
import re
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage as Mime
from pathlib import Path
from typing import Any

import pytest
import requests
from django.contrib.auth import get_user_model
from django.db import connection

from emails.models import EmailMessage, ExecutorState, Mailbox, Reply
from execution.models import Alert
from sequences.models import Contact, Enrollment, Sequence, Workspace
from simulation.demo_workspace import LOGINS, SLUG
from tasks_app.models import Task

ROOT = Path(__file__).parents[2]
BEATS = "SELECT max(heartbeat_at) FROM execution_worker"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Demo:
    """A running demo with what it has printed so far."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self.output = output

    def wait_for(self, text: str, seconds: float = 400) -> str:
        """The whole output, once it has the text."""
        wait_until(lambda: text in self.read(), self, seconds)
        return self.read()

    def read(self) -> str:
        return self.output.read_text(encoding="utf-8")


def wait_until(look: Any, demo: Demo, seconds: float = 60) -> Any:
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        if found := look():
            return found
        assert demo.process.poll() is None, demo.read()
        time.sleep(0.2)
    raise AssertionError(demo.read())


@contextmanager
def running_demo(database_url: str, output: Path, *args: str) -> Iterator[Demo]:
    env = {**os.environ, "DATABASE_URL": database_url, "DEBUG": "true", "ENV_FILE": os.devnull, "PYTHONUNBUFFERED": "1"}
    env["DJANGO_SETTINGS_MODULE"] = "config.settings"
    command = [sys.executable, str(ROOT / "manage.py"), "demo", "--port", "0", *args]
    with output.open("wb") as printed:
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=printed, stderr=subprocess.STDOUT)
        try:
            yield Demo(process, output)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
            connection.close()


def log_in(text: str, login: str) -> requests.Response:
    """The first page as this login, with the address and the password that were printed."""
    url, password = re.findall(r"Open (\S+) and log in with the password (\S+) as", text)[-1]
    session = requests.Session()
    session.get(f"{url}login/")
    form = {"username": login, "password": password, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
    return session.post(f"{url}login/?next=/admin/", data=form)


def test_the_demo_reaches_a_living_present_and_survives_its_visitors(database_url: str, tmp_path: Path) -> None:
    with running_demo(database_url, tmp_path / "first") as demo:
        text = demo.wait_for("from now on the clock is yours")
        assert "make demo ARGS=--reset starts over" in text
        wait_until(Alert.objects.filter(cleared_at=None).exists, demo)
        enrollments = Enrollment.objects.filter(workspace__slug=SLUG)
        assert enrollments.filter(status="active").count() > 10
        assert enrollments.filter(status="paused", resume_at__isnull=False).count() >= 2
        # a missing field, and the delivery that is not confirmed
        assert enrollments.filter(status="quarantined").count() == 2
        assert EmailMessage.objects.filter(status="queued").count() > 5
        assert EmailMessage.objects.filter(status="unknown").count() == 1
        assert Reply.objects.filter(is_handled=False).exclude(text="").count() >= 3
        assert Task.objects.filter(status="open").exists()

        assert not get_user_model().objects.filter(is_superuser=True).exists()
        assert {role for _, role in LOGINS} == {"SDR", "manager", "admin", "operator"}
        for login, _ in LOGINS:
            page = log_in(text, login)
            assert page.status_code == 200 and "Log out" in page.text, login

        visit(demo)
    assert demo.process.returncode == 0
    assert set(Mailbox.objects.values_list("status", flat=True)) == {"paused"}

    workspace = Workspace.objects.get(slug=SLUG)
    replies = Reply.objects.count()
    with running_demo(database_url, tmp_path / "second") as again:
        text = again.wait_for("The demo continues where it ended.")
        text = again.wait_for("Ctrl-C ends the demo")
        assert log_in(text, LOGINS[0][0]).status_code == 200
        # when the next email leaves is a matter of windows and gaps; the mailboxes may send and the executor works
        wait_until(Mailbox.objects.filter(status="active").exists, again)
        before = read_one(BEATS)
        wait_until(lambda: read_one(BEATS) > before, again)
        assert not ExecutorState.objects.filter(is_paused=True).exists()
    assert Workspace.objects.get(slug=SLUG).pk == workspace.pk
    assert Reply.objects.count() >= replies


def visit(demo: Demo) -> None:
    """A test mail, deleted rows, an archived sequence, a paused executor: the demo goes on."""
    mail = Mime()
    mail["From"], mail["To"], mail["Subject"] = "nora@fernhill.example", "me@example.com", "[Test] First cup"
    mail.set_content("Hello")
    with smtplib.SMTP("127.0.0.1", Mailbox.objects.filter(workspace__slug=SLUG)[0].smtp_port) as server:
        server.send_message(mail)
    Contact.objects.filter(email__startswith="amara.").delete()
    Sequence.objects.filter(name="Win back").update(status="archived")
    ExecutorState.objects.filter(pk=1).update(is_paused=True, paused_by=LOGINS[-1][0], paused_reason="lunch")
    before = read_one(BEATS)
    wait_until(lambda: read_one(BEATS) > before, demo)
    assert demo.process.poll() is None


def read_one(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    assert row is not None
    return row[0]
