"""django-q2's command, which says in one line that there is no database, or no table, to take jobs from."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.db import connection
from django_q.management.commands import qcluster
from django_q.models import OrmQ


class Command(qcluster.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        if OrmQ._meta.db_table not in connection.introspection.table_names():
            raise CommandError("the database lacks the table of jobs: run manage.py migrate")
        # the cluster forks, and no two processes may share a connection
        connection.close()
        super().handle(*args, **options)
