"""The web server as it is deployed stays quick while members test mailboxes on servers that never answer."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from knox.models import get_token_model

from emails.choices import Inbound
from emails.models import Mailbox
from sequences.choices import Role
from tests.api.conftest import join
from tests.factories import MailboxFactory, WorkspaceFactory
from tests.faults.processes import DEADLINE_SECONDS, ROOT, child_env, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
UNIT = ROOT / "docs" / "deploy" / "systemd" / "sequence-executor-web.service"


@contextmanager
def one_web_process(database_url: str) -> Iterator[str]:
    """The deployed command with a single process, so that every call meets the same threads. Yields its URL."""
    found = re.search(r"^ExecStart=\S+ (.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    words = re.sub(r"--workers \d+", "--workers 1", found[1].replace("127.0.0.1:8000", "127.0.0.1:0"))
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *shlex.split(words)], cwd=ROOT,
        env=child_env(database_url, DEBUG="true", ENV_FILE=os.devnull),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with server:
        assert server.stderr is not None
        try:
            found = re.search(r"http://\S+", next(line for line in server.stderr if "Listening at" in line))
            assert found is not None
            yield found[0]
        finally:
            server.terminate()
            server.stderr.close()


def call(url: str, token: str = "", method: str = "GET") -> int:
    headers = {"Authorization": f"Token {token}"} if token else {}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, method=method, headers=headers), timeout=DEADLINE_SECONDS
        ) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def make_mailboxes(port: int) -> list[tuple[str, Mailbox]]:
    """Three workspaces with two mailboxes each at the silent server, and the API key of their SDR."""
    places: dict[str, Any] = {"smtp_host": "127.0.0.1", "smtp_port": port, "imap_host": "127.0.0.1", "imap_port": port}
    made: list[tuple[str, Mailbox]] = []
    for _ in range(3):
        workspace = WorkspaceFactory()
        user = join(workspace, Role.SDR)
        token = get_token_model().objects.create(user=user)[1]
        own = [MailboxFactory(workspace=workspace, owner=user, inbound=Inbound.IMAP, **places) for _ in range(2)]
        made += [(token, mailbox) for mailbox in own]
    return made


def test_health_and_pages_are_answered_while_mailboxes_are_tested_on_silent_servers(database_url: str) -> None:
    with one_web_process(database_url) as url, ThreadPoolExecutor(12) as members:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            mailboxes = make_mailboxes(silent.getsockname()[1])
            assert call(f"{url}/healthz") == 200
            tests = [
                members.submit(call, f"{url}/api/mailboxes/{mailbox.pk}/{what}", token, "POST")
                for token, mailbox in mailboxes
                for what in ("test", "check")
            ]
            wait_until(lambda: sum(test.done() for test in tests) >= len(tests) - 2, "all but two were refused")
            answers = [call(f"{url}/healthz"), call(f"{url}/admin/login/"), call(f"{url}/api/me", mailboxes[0][0])]
        found = [test.result() for test in tests]
    assert answers == [200, 200, 200]
    assert set(found) == {200, 429} and found.count(200) <= 4
