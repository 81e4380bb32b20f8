"""The commands of the Procfile as they run in production: a release, the web server, and both kinds of engine.

Real processes with the product's own settings and DEBUG=false: each starts, works and stops on SIGTERM.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from django_q.tasks import async_task

from execution.models import Worker
from execution.worker.schedules import list_jobs
from sequences.models import Enrollment
from simulation.mail_server import MailServer
from tests.factories import EnrollmentFactory, MailboxFactory, StepFactory
from tests.faults.processes import DEADLINE_SECONDS, ROOT, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "PYTEST_"))}
    return own | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(tmp_path / "data"),
        "DATABASE_URL": database_url,
        "DEBUG": "false",
        "PRIVATE_NETWORKS": "127.0.0.0/8",
        "SECRET_KEY": settings.SECRET_KEY,
        "FIELD_ENCRYPTION_KEYS": settings.FIELD_ENCRYPTION_KEYS[0],
        "ALLOWED_HOSTS": "127.0.0.1",
        "PUBLIC_BASE_URL": "https://mail.sender.example",
        "LOG_FORMAT": "json",
        "PORT": "0",
        "Q_WORKERS": "1",
    }


def commands() -> dict[str, str]:
    """The Procfile, with one worker of the web server, which is enough to answer."""
    text = (ROOT / "docs" / "deploy" / "Procfile").read_text(encoding="utf-8").replace("--workers 4", "--workers 1")
    return dict(line.split(": ", 1) for line in text.splitlines())


@contextmanager
def running(command: str, environment: dict[str, str], log: Path, *, stop_by_group: bool = False) -> Iterator[None]:
    """The command, writing what it says to `log`, then SIGTERM and exit 0; killed with all its children if it fails us.

    The signal goes to its first process, or to its whole group as a terminal or a supervisor sends it.
    """
    with log.open("wb") as message:
        process = subprocess.Popen(
            ["sh", "-c", f"exec {command}"], cwd=ROOT, env=environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=message, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield
        if stop_by_group:
            os.killpg(process.pid, signal.SIGTERM)
        else:
            process.terminate()
        assert process.wait(timeout=DEADLINE_SECONDS) == 0, log.read_text(encoding="utf-8")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def is_ready(url: str) -> bool:
    with urllib.request.urlopen(f"{url}/readyz", timeout=DEADLINE_SECONDS) as answer:
        return bool(json.load(answer) == {"status": "ok"})


def sends_an_email(server: MailServer, kind: str) -> None:
    """The running worker decides the due step and delivers its email."""
    step = StepFactory()
    mailbox = MailboxFactory(workspace=step.sequence.workspace, smtp_port=server.port)
    enrollment = EnrollmentFactory(
        sequence=step.sequence,
        current_step=step,
        mailbox=mailbox,
        at=timezone.now(),
        contact__workspace=step.sequence.workspace,
    )
    wait_until(lambda: Enrollment.objects.get(pk=enrollment.pk).status == "completed", f"{kind} has sent the email")
    assert len(server.messages_to(enrollment.contact.email)) == 1
    assert Worker.objects.get(stopped_at=None).kind == kind


def test_the_procfile_brings_the_product_up_and_takes_it_down(environment: dict[str, str], tmp_path: Path) -> None:
    lines, web_log = commands(), tmp_path / "web.log"
    subprocess.run(["sh", "-c", lines["release"]], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    with MailServer() as server, running(lines["web"], environment, web_log):
        found = wait_until(lambda: re.search(rb"Listening at: http://0\.0\.0\.0:(\d+)", web_log.read_bytes()), "web")
        assert is_ready(f"http://127.0.0.1:{int(found[1])}")
        with running(lines["executor"], environment, tmp_path / "executor.log"):
            sends_an_email(server, "run_executor")
        # a cluster looks at its schedules after half a minute; the same job is put before it at once
        async_task(list_jobs(1)[0].function)
        command = "python manage.py qcluster"
        with running(command, environment, tmp_path / "cluster.log"):
            sends_an_email(server, "qcluster")
        for number, line in enumerate((lines["executor"], command)):
            async_task(list_jobs(1)[0].function)
            with running(line, environment, tmp_path / f"group{number}.log", stop_by_group=True):
                sends_an_email(server, ("run_executor", "qcluster")[number])
    assert not Worker.objects.filter(stopped_at=None).exists()
