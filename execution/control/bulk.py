"""One deed for all enrollments that match: batch by batch, each its own transaction, whatever their number.

The rows are walked by id, so that changing what they were chosen by neither skips nor repeats anybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet

from execution.control.enrollments import Report

_BATCH = 500


@dataclass(slots=True)
class BulkReport:
    """How many matched, and what became of them. `refused` counts by reason."""

    matched: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def act_on_all(
    matching: QuerySet[Any],
    allowed: QuerySet[Any],
    control: Callable[[Sequence[int]], Report],
    *,
    dry_run: bool = False,
) -> BulkReport:
    """Call `control` for those of `matching` that are in `allowed` too; the others are refused.

    A dry run takes back each batch and counts the same. Who matches only later is left out.
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
        total.matched += len(batch)
        total.changed += len(report.changed)
        total.unchanged += len(report.unchanged)
        total.refused.update(report.refused.values())
        if others := len(batch) - len(own):
            total.refused["it belongs to somebody else"] += others
        last = batch[-1]
