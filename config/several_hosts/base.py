"""The Django database backend `config.several_hosts`: PostgreSQL behind a DATABASE_URL that names several hosts.

Each new connection goes to the host that `common.hosts` chooses. Everything else is Django's PostgreSQL backend.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.postgresql.client import DatabaseClient

from common.hosts import choose_host

__all__ = ["DatabaseClient", "DatabaseWrapper"]


class NewestPrimary(psycopg.Connection[Any]):
    """What a pool opens."""

    @classmethod
    def connect(cls, conninfo: str = "", **kwargs: Any) -> Any:
        return super().connect(conninfo, **choose_host(kwargs))


class DatabaseWrapper(base.DatabaseWrapper):
    _is_making_pool = False

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        params.setdefault("target_session_attrs", "read-write")
        # a pool keeps its parameters for good
        return params if self._is_making_pool else choose_host(params)

    @property
    def pool(self) -> Any:
        options = self.settings_dict["OPTIONS"].get("pool")
        if options:
            options.setdefault("connection_class", NewestPrimary)
        self._is_making_pool = True
        try:
            return super().pool
        finally:
            self._is_making_pool = False
