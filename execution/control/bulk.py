"""One action on all enrollments that match: batch by batch, each its own transaction, whatever their number.

The batches go by id, so that changing what the rows were chosen by neither skips nor repeats any.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet

from execution.control.enrollments import Report

_BATCH = 500
MOST_IDS = 10_000
_NOT_YOURS = "it belongs to another user"


@dataclass(slots=True)
class BulkReport:
    """How many matched, and what became of them; `refused` counts by reason.

    The ids of the first `MOST_IDS` that matched are kept: `refused_ids` by reason.
    """

    matched: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    changed_ids: list[int] = field(default_factory=list)
    unchanged_ids: list[int] = field(default_factory=list)
    refused_ids: dict[str, list[int]] = field(default_factory=dict)

    @property
    def has_all_ids(self) -> bool:
        return self.matched <= MOST_IDS

    def add(self, matched: Sequence[int], allowed: Collection[int], report: Report) -> None:
        """What became of one batch; those that are not allowed are refused."""
        refused = report.refused | {pk: _NOT_YOURS for pk in matched if pk not in allowed}
        keeps_ids = self.matched < MOST_IDS
        self.matched += len(matched)
        self.changed += len(report.changed)
        self.unchanged += len(report.unchanged)
        self.refused.update(refused.values())
        if keeps_ids:
            self.changed_ids += report.changed
            self.unchanged_ids += report.unchanged
            for pk, reason in refused.items():
                self.refused_ids.setdefault(reason, []).append(pk)


def act_on_all(
    matching: QuerySet[Any],
    allowed: QuerySet[Any],
    control: Callable[[Sequence[int]], Report],
    *,
    dry_run: bool = False,
) -> BulkReport:
    """Call `control` for those of `matching` that are in `allowed` too; the others are refused.

    A dry run rolls back each batch and counts the same. Rows that match only later are left out.
    """
    total = BulkReport()
    last = 0
    newest = matching.aggregate(newest=Max("pk"))["newest"] or 0
    while True:
        batch = list(matching.filter(pk__gt=last, pk__lte=newest).order_by("pk").values_list("pk", flat=True)[:_BATCH])
        if not batch:
            return total
        own = list(allowed.filter(pk__in=batch).order_by("pk").values_list("pk", flat=True))
        with transaction.atomic():
            report = control(own)
            if dry_run:
                transaction.set_rollback(True)
        total.add(batch, set(own), report)
        last = batch[-1]
