"""The Django database backend `config.embedded_postgres`: PostgreSQL, whose server is started when first needed.

OPTIONS: `data_dir`, where the database lives; `durable`, false for tests only. All else is Django's PostgreSQL backend.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.postgresql.client import DatabaseClient as PostgresClient

from config.embedded_postgres.server import EmbeddedPostgres, binaries_dir


class DatabaseClient(PostgresClient):
    """`manage.py dbshell` with the psql of the same package."""

    executable_name = str(binaries_dir() / "psql")

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Any
    ) -> tuple[list[str], dict[str, str] | None]:
        options = dict(settings_dict["OPTIONS"])
        socket = server_of(options).ensure_running()
        address = {"HOST": str(socket.directory), "PORT": str(socket.port), "USER": socket.user, "OPTIONS": {}}
        return super().settings_to_cmd_args_env({**settings_dict, **address}, parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        socket = server_of(params).ensure_running()
        return params | {"host": str(socket.directory), "port": socket.port, "user": socket.user}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        # a pool keeps its parameters for good, so a server that died since is started here
        server_of(dict(self.settings_dict["OPTIONS"])).ensure_running()
        return super().get_new_connection(conn_params)


def server_of(options: dict[str, Any]) -> EmbeddedPostgres:
    """The server that these OPTIONS describe; takes its own keys out of them, since libpq does not know them."""
    return EmbeddedPostgres(data_dir=Path(options.pop("data_dir")), durable=options.pop("durable", True))
