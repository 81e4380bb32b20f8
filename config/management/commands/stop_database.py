"""The command that ends the embedded PostgreSQL server, which otherwise outlives the processes that use it."""

from __future__ import annotations

from typing import Any

from django.db import connection

from config.embedded_postgres.base import server_of
from execution.management.base import ProductCommand


class Command(ProductCommand):
    help = "Stop the embedded PostgreSQL server of this checkout; it starts again when it is needed."
    example = "manage.py stop_database"

    def handle(self, *args: Any, **options: Any) -> None:
        embedded = connection.settings_dict["ENGINE"] == "config.embedded_postgres"
        stopped = embedded and server_of(dict(connection.settings_dict["OPTIONS"])).stop()
        text = "Stopped the embedded PostgreSQL server." if stopped else "No embedded PostgreSQL server was running."
        self.emit({"stopped": stopped}, text, as_json=options["json"])
