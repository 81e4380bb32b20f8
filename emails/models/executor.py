"""The pause of the whole executor: one row, which the engine and every lane read.

It stands in this app, below the engine, because the last check before sending re-reads it in the transaction that
marks messages: a pause committed before that mark stops them. `execution.control.switches` is its only writer. The
table keeps the name that it had when the model belonged to `execution`.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

#: A condition for the WHERE clause of any statement: true unless the executor is paused.
EXECUTOR_RUNS = "NOT EXISTS (SELECT 1 FROM execution_executorstate WHERE is_paused)"


class ExecutorState(models.Model):
    """Whether the executor is paused, with actor and reason. Its only row has the id 1."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    is_paused = models.BooleanField(default=False)
    paused_by = models.CharField(max_length=200, blank=True)
    paused_reason = models.CharField(max_length=500, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True)

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
