"""django-q2's command, which says in one line that there is no database to take jobs from."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django_q.management.commands import qcluster


class Command(qcluster.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        connection.ensure_connection()
        # the cluster forks, and no two processes may share a connection
        connection.close()
        super().handle(*args, **options)
