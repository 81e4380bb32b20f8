"""The state of the executor of the installation: its pause, and the database server that it trusts. One row.

It stands in this app, below the engine, because the last check before sending re-reads it in the transaction that
marks messages: a pause committed before that mark stops them. `execution.control.switches` and
`execution.control.failover` are its only writers. The table keeps the name that it had when the model belonged to
`execution`.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

#: The database server that answers: one row. A promoted standby, and a server that recovered to a moment, has another
#: timeline; one that was restored from a dump another identifier. `is_synchronous`: a commit waits for a standby.
SERVER = """
SELECT s.system_identifier::text AS system_identifier,
       CASE WHEN pg_is_in_recovery() THEN 0
            ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int END AS timeline,
       current_setting('synchronous_standby_names') <> '' AS is_synchronous
FROM pg_control_system() s
"""
#: A condition for the WHERE clause of any statement: true unless the executor is paused, or the server is not the one
#: that it trusts. Whatever connection the statement comes by, it takes nothing on a server that has lost commits.
EXECUTOR_RUNS = f"""NOT EXISTS (
    SELECT 1 FROM execution_executorstate x LEFT JOIN LATERAL ({SERVER}) s ON x.timeline IS NOT NULL
    WHERE x.is_paused OR (x.timeline IS NOT NULL AND (s.system_identifier, s.timeline, s.is_synchronous)
                                               <> (x.system_identifier, x.timeline, x.is_synchronous)))"""
#: In a transaction whose commit the database must not forget: not weaker than `on`, and never weaker than configured.
DURABLE_COMMIT = """set_config('synchronous_commit', CASE current_setting('synchronous_commit')
    WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true)"""


class ExecutorState(models.Model):
    """Its only row has the id 1. `failed_over_at`: sending is paused since a failover may have lost commits."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    is_paused = models.BooleanField(default=False)
    paused_by = models.CharField(max_length=200, blank=True)
    paused_reason = models.CharField(max_length=500, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True)
    system_identifier = models.CharField(
        "database system", max_length=20, blank=True, db_default="", help_text="Identifier of the database server."
    )
    timeline = models.IntegerField(null=True, blank=True, help_text="Grows by one with each failover of the database.")
    is_synchronous = models.BooleanField(
        "synchronous replication", db_default=False, help_text="Whether each commit waits for a standby."
    )
    other_server_at = models.DateTimeField(
        "other server since", null=True, blank=True, help_text="When another server was found that is not trusted yet."
    )
    failed_over_at = models.DateTimeField(
        "failed over", null=True, blank=True, help_text="Sending is paused: run manage.py after_restore."
    )

    class Meta:
        db_table = "execution_executorstate"
        verbose_name = verbose_name_plural = "executor"
        permissions = [("operate_executor", "Can pause and resume the executor of the installation")]
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="executor_state_single"),
            models.CheckConstraint(
                condition=Q(is_paused=False) | ~Q(paused_reason=""), name="executor_paused_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return "paused" if self.is_paused else "running"
