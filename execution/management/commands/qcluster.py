"""django-q2's cluster, which ends as a whole: with status 1 when a process of it dies, with 0 on SIGTERM or Ctrl-C.

Says in one line that there is no database, or no table, to take jobs from.
"""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import CommandError
from django.db import connection
from django_q.management.commands import qcluster
from django_q.models import OrmQ

from common.suitable import UnsuitableError, check_environment
from execution.worker.cluster import ClusterFailedError, run_cluster


class Command(qcluster.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        if OrmQ._meta.db_table not in connection.introspection.table_names():
            raise CommandError("the database lacks the table of jobs: run manage.py migrate")
        try:
            check_environment()
        except UnsuitableError as error:
            raise CommandError(str(error)) from None
        if options.get("cluster_name"):
            os.environ["Q_CLUSTER_NAME"] = options["cluster_name"]
        # the cluster forks, and no two processes may share a connection
        connection.close()
        try:
            run_cluster(once=options.get("run_once", False))
        except ClusterFailedError as error:
            raise CommandError(f"{error}: the cluster has ended, start it again") from None
