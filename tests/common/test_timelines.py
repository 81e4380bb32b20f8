"""A process does not go back to an older timeline, and of several hosts it takes the newest primary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection

from common import hosts, timelines
from common.hosts import choose_host, list_hosts


@pytest.fixture
def newest() -> Iterator[dict[str, int]]:
    """Empty: of other servers that other tests connected to, nothing is known."""
    kept = dict(timelines._newest)
    timelines._newest.clear()
    yield timelines._newest
    timelines._newest.clear()
    timelines._newest.update(kept)


@pytest.mark.django_db(transaction=True)
def test_a_connection_to_an_older_timeline_is_refused(newest: dict[str, int]) -> None:
    connection.close()
    connection.ensure_connection()
    (system,) = newest
    assert newest[system] == 1
    newest[system] = 2
    connection.close()
    with pytest.raises(OperationalError, match=r"old primary \(timeline 1\), the database failed over to timeline 2"):
        connection.ensure_connection()
    assert connection.connection is None
    newest[system] = 1
    connection.ensure_connection()


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"host": "a,b", "port": "1,2"}, [{"host": "a", "port": "1"}, {"host": "b", "port": "2"}]),
        ({"host": "a,b", "port": 5432}, [{"host": "a", "port": "5432"}, {"host": "b", "port": "5432"}]),
        ({"host": "a,b", "port": ",5433"}, [{"host": "a"}, {"host": "b", "port": "5433"}]),
        ({"host": "a,b"}, [{"host": "a"}, {"host": "b"}]),
        ({"hostaddr": "::1,::2"}, [{"hostaddr": "::1"}, {"hostaddr": "::2"}]),
    ],
)
def test_hosts_are_listed_as_libpq_does(params: dict[str, Any], expected: list[dict[str, str]]) -> None:
    assert list_hosts(params) == expected


@pytest.mark.parametrize(
    ("timelines_by_host", "chosen"),
    [
        ({"a": 1, "b": 2}, "b"),
        ({"a": 3, "b": 2}, "a"),
        ({"a": 2, "b": 0}, "a"),
        ({"a": 0, "b": 1}, "b"),
        ({"a": 2, "b": 2}, "a"),
        ({"a": 0, "b": 0}, "a,b"),
    ],
)
def test_the_primary_with_the_newest_timeline_is_chosen(
    timelines_by_host: dict[str, int], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "_probe", lambda params: timelines_by_host[params["host"]])
    params = choose_host({"host": "a,b", "port": "1,2", "dbname": "x"})
    assert (params["host"], params["dbname"]) == (chosen, "x")
    assert params["port"] == {"a": "1", "b": "2", "a,b": "1,2"}[chosen]


def test_a_host_that_does_not_answer_is_no_primary(tmp_path: Any) -> None:
    assert hosts._probe({"host": str(tmp_path), "dbname": "x", "connect_timeout": "1"}) == 0
