"""Fixtures of the fault tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulation.mail_server import MailServer
from tests.faults.processes import Victim


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as started:
        yield started


@pytest.fixture(scope="module")
def _victims() -> Iterator[dict[str, Victim]]:
    victims: dict[str, Victim] = {}
    yield victims
    for victim in victims.values():
        victim.close()


@pytest.fixture
def victim(database_url: str, _victims: dict[str, Victim]) -> Victim:
    """Loaded once per module; its children do the work."""
    if database_url not in _victims:
        _victims[database_url] = Victim(database_url)
    return _victims[database_url]
