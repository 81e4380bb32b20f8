"""The rules of `common.fair_share` as SQL, so that a claim takes only what may start now, the most deserving first."""

from __future__ import annotations

import json
from typing import Any

from common.fair_share import Shares


def allowed(item: str, host: str, tenant: str) -> str:
    """The condition under which a row may start. Each argument is an SQL expression of that column."""
    group = f"({tenant} || ':' || {host})"
    return f"""
    (NOT %(is_closed)s::boolean AND {group} <> ALL(%(full_groups)s::text[])
     AND ({item} <> ALL(%(slow_items)s::bigint[]) AND {group} = ANY(%(quick_groups)s::text[])
          OR NOT %(is_full)s::boolean AND {host} <> ALL(%(full_hosts)s::text[])
             AND {tenant} <> ALL(%(full_tenants)s::bigint[])))"""


def fairest_first(host: str, tenant: str) -> str:
    """The first sort keys: the tenant, then the host that holds the fewest threads."""
    return f"""
    coalesce((%(busy_tenants)s::jsonb ->> {tenant}::text)::int, 0),
    coalesce((%(busy_hosts)s::jsonb ->> {host})::int, 0)"""


def share_params(shares: Shares) -> dict[str, Any]:
    return {
        "is_closed": shares.is_closed,
        "is_full": shares.is_full,
        "full_hosts": sorted(shares.full_hosts),
        "full_tenants": sorted(shares.full_tenants),
        "full_groups": sorted(shares.full_groups),
        "quick_groups": sorted(shares.quick_groups),
        "slow_items": sorted(shares.slow_items),
        "busy_tenants": json.dumps(dict(shares.busy_tenants)),
        "busy_hosts": json.dumps(dict(shares.busy_hosts)),
    }


def host_of_url(url: str) -> str:
    """The host in the URL that an SQL expression gives, in lower case; empty where there is none."""
    return f"coalesce(lower(substring({url} from '^[A-Za-z]+://(?:[^/@]*@)?([^/:?#]+)')), '')"


def shown_url(url: str) -> str:
    """The URL that an SQL expression gives, as alerts name it: without what may be a secret."""
    return f"regexp_replace(split_part(split_part({url}, '?', 1), '#', 1), '//[^/@]*@', '//')"
