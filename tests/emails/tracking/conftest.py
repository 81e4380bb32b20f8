"""Fixtures of visits: a sent email, and the moment at which it is read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from emails.models import EmailMessage
from tests.factories import NOW, SentMessageFactory

LATER = NOW + timedelta(hours=1)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(LATER, tick=False) as traveller:
        yield traveller


@pytest.fixture
def message() -> EmailMessage:
    sent: EmailMessage = SentMessageFactory(enrollment__wake_at=None)
    return sent


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]
