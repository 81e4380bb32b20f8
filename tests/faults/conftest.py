"""Fixtures of the fault tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulation.mail_server import MailServer
from tests.faults.processes import CommandProcess


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as started:
        yield started


@pytest.fixture(scope="module")
def _command_processes() -> Iterator[dict[str, CommandProcess]]:
    processes: dict[str, CommandProcess] = {}
    yield processes
    for command_process in processes.values():
        command_process.close()


@pytest.fixture
def command_process(database_url: str, _command_processes: dict[str, CommandProcess]) -> CommandProcess:
    """Loaded once per module; its children do the work."""
    if database_url not in _command_processes:
        _command_processes[database_url] = CommandProcess(database_url)
    return _command_processes[database_url]
