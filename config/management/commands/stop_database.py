"""The command that ends the embedded PostgreSQL server, which otherwise outlives the processes that use it."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from config.embedded_postgres.base import server_of


class Command(BaseCommand):
    help = "Stop the embedded PostgreSQL server; it starts again when needed. Example: manage.py stop_database"
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        embedded = connection.settings_dict["ENGINE"] == "config.embedded_postgres"
        stopped = embedded and server_of(dict(connection.settings_dict["OPTIONS"])).stop()
        if options["json"]:
            self.stdout.write(json.dumps({"stopped": stopped}))
        elif stopped:
            self.stdout.write("Stopped the embedded PostgreSQL server.")
        else:
            self.stdout.write("No embedded PostgreSQL server was running.")
