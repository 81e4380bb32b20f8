"""Fixtures of the integration tests: running a command as the shell does."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.db import connections

from tests.shell import Ended, Shell


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    # The connection belongs to the test's transaction.
    monkeypatch.setattr(connections, "close_all", lambda: None)

    def run(name: str, *args: str | Path) -> Ended:
        capsys.readouterr()
        status = 0
        try:
            load_command_class(get_commands()[name], name).run_from_argv(["manage.py", name, *map(str, args)])
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0
        said = capsys.readouterr()
        return Ended(status, said.out, said.err)

    return run
