"""The hosts of a DATABASE_URL that names several: which of them is the primary now.

libpq takes the first host that accepts writes. After a failover that may be the old primary, which has returned and
knows nothing of the commits since: the one with the newest timeline counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from common.timelines import read_timeline

_PROBE_SECONDS = 3
_PER_HOST = ("host", "hostaddr", "port")


def list_hosts(params: Mapping[str, Any]) -> list[dict[str, str]]:
    """What libpq's lists of hosts, addresses and ports say of each host; a single port is that of all."""
    lists = {key: str(params[key]).split(",") for key in _PER_HOST if params.get(key)}
    number = max(len(lists.get("host", ())), len(lists.get("hostaddr", ())))
    return [
        {key: value for key, values in lists.items() if (value := values[index] if len(values) > 1 else values[0])}
        for index in range(number)
    ]


def choose_host(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with the one host that accepts writes on the newest timeline; unchanged when none does."""
    hosts = list_hosts(params)
    rest = {key: value for key, value in params.items() if key not in _PER_HOST}
    with ThreadPoolExecutor(len(hosts)) as pool:
        timelines = list(pool.map(lambda host: _probe({**rest, **host}), hosts))
    newest = max(timelines)
    return dict(params) if newest == 0 else {**rest, **hosts[timelines.index(newest)]}


def _probe(params: Mapping[str, Any]) -> int:
    """The timeline of a host that accepts writes; 0: it does not, or does not answer."""
    given = {key: value for key, value in params.items() if key not in {"cursor_factory", "context"}}
    seconds = min(int(given.get("connect_timeout") or _PROBE_SECONDS), _PROBE_SECONDS)
    try:
        with psycopg.connect(**given | {"connect_timeout": seconds}, autocommit=True) as host:
            return read_timeline(host)[1]
    except psycopg.Error:
        return 0
