"""The figures of an email step's variants, what they show, and how many sends a difference needs. Reads only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.db import fetch_all
from execution.insight.variant_statistics import (
    ALPHA,
    POWER,
    Count,
    find_better,
    find_harmful,
    needed_sends,
    ratio_interval,
    wilson_interval,
)
from sequences.choices import Choice
from sequences.content.variants import read_variants
from sequences.models import Step

#: The rate of positive replies that is assumed until the workspace has enough emails of its own.
ASSUMED_RATE = 0.02
_FEWEST_DELIVERED = 200
_BASE_PERIOD = timedelta(days=365)
#: By what factor the sample grows when one may look at any time (the simulation in the tests measures it).
SEQUENTIAL_FACTOR = 1.75

_COUNTED = """
SELECT {key} AS variant,
       count(*) FILTER (WHERE m.status = 'sent') AS sent,
       count(*) FILTER (WHERE m.status = 'sent' AND NOT coalesce(f.refused, false)) AS delivered,
       count(*) FILTER (WHERE a.positive) AS positive,
       count(*) FILTER (WHERE f.opted_out) AS opted_out,
       count(*) FILTER (WHERE f.complained) AS complained,
       count(*) FILTER (WHERE m.status = 'failed' OR f.bounced) AS bounced, count(*) AS emails,
       count(*) FILTER (WHERE m.status = 'failed' OR f.bounced OR f.opted_out OR f.complained) AS harmed
FROM emails_emailmessage m
LEFT JOIN LATERAL (
    SELECT bool_or(v.type = 'bounced') AS refused,
           bool_or(v.type = 'bounced' AND v.bounce_type <> 'blocked') AS bounced,
           bool_or(v.type = 'unsubscribed') AS opted_out, bool_or(v.type = 'complained') AS complained
    FROM emails_emailevent v WHERE v.message_id = m.id
) f ON true
LEFT JOIN LATERAL (
    SELECT bool_or(r.intent IN ('interested', 'referral')) AS positive FROM emails_reply r WHERE r.message_id = m.id
) a ON true
WHERE {which} AND NOT m.is_answer
  AND (m.status = 'sent' OR m.status = 'failed' AND m.error_class = 'recipient_permanent')
GROUP BY 1
"""
_BY_VARIANT = _COUNTED.format(
    key="m.variant",
    which="m.enrollment_id IN (SELECT e.id FROM sequences_enrollment e WHERE e.sequence_id = %(sequence)s) "
    "AND m.step_id = %(step)s AND m.variant <> ''",
)
_OF_WORKSPACE = _COUNTED.format(key="''", which="m.workspace_id = %(workspace)s AND m.handed_over_at > %(since)s")
_FIGURES = ("sent", "delivered", "positive", "opted_out", "complained", "bounced")


class VariantVerdict(Choice):
    """What the figures show."""

    NO_DIFFERENCE = "no_difference_shown"
    BETTER = "better"


@dataclass(frozen=True, slots=True)
class NeededSends:
    """`base_rate` and `difference` are shares of 1. `is_assumed`: the workspace has too few emails to know its rate.

    `sends` for one look at the end, `sends_when_looking` when the figures are looked at all the time, for each variant.
    """

    base_rate: float
    is_assumed: bool
    difference: float
    sends: int
    sends_when_looking: int
    power: float = POWER
    alpha: float = ALPHA


@dataclass(frozen=True, slots=True)
class VariantReport:
    """`variants`: those of the step now and those that were sent before, with their figures, in the step's order.

    `better` is the key of one that is shown to be better than each other one, `harmful` those with clearly more
    opt-outs, complaints and bounces than the others together. Rates are in percent.
    """

    variants: list[dict[str, Any]]
    verdict: VariantVerdict
    better: str | None
    harmful: list[str]
    detail: str
    needed: NeededSends


def read_variant_report(step: Step, now: datetime, difference: float | None = None) -> VariantReport:
    """`difference`: of the rate of positive replies, as a share of 1; by default as much again as the base rate."""
    offered = read_variants(step.variants)
    found = fetch_all(_BY_VARIANT, {"sequence": step.sequence_id, "step": step.pk})
    counted = {row["variant"]: row for row in found}
    weights = {each.key: each.weight for each in offered}
    keys = [*weights, *sorted(set(counted) - set(weights))]
    rows = [_describe(key, weights.get(key), counted.get(key)) for key in keys]
    # one that was removed cannot be chosen any more
    compared = [row for row in rows if row["key"] in weights and row["delivered"]]
    better = find_better([_positive(row) for row in compared])
    harmful = _list_harmful(list(weights), counted)
    return VariantReport(
        variants=rows,
        verdict=VariantVerdict.NO_DIFFERENCE if better is None else VariantVerdict.BETTER,
        better=None if better is None else compared[better]["key"],
        harmful=harmful,
        detail=" ".join([_explain(compared, better), *map(_warn, harmful)]),
        needed=_need(step.workspace_id, now, difference),
    )


def find_harmful_variants(step: Step) -> list[str]:
    """The keys of those with clearly more opt-outs, complaints and bounces than the others together."""
    found = fetch_all(_BY_VARIANT, {"sequence": step.sequence_id, "step": step.pk})
    return _list_harmful([each.key for each in read_variants(step.variants)], {row["variant"]: row for row in found})


def _list_harmful(keys: list[str], counted: dict[str, Any]) -> list[str]:
    sent = [key for key in keys if key in counted]
    harm = [Count(counted[key]["harmed"], counted[key]["emails"]) for key in sent]
    return [sent[place] for place in find_harmful(harm)] if len(sent) > 1 else []


def _describe(key: str, weight: int | None, row: dict[str, Any] | None) -> dict[str, Any]:
    figures = {name: row[name] if row else 0 for name in _FIGURES}
    low, high = wilson_interval(figures["positive"], figures["delivered"])
    known = figures["delivered"] > 0
    return {
        "key": key,
        "weight": weight or 0,
        "is_on": bool(weight),
        **figures,
        "positive_rate": round(100 * figures["positive"] / figures["delivered"], 2) if known else None,
        "positive_rate_low": round(100 * low, 2) if known else None,
        "positive_rate_high": round(100 * high, 2) if known else None,
    }


def _positive(row: dict[str, Any]) -> Count:
    return Count(row["positive"], row["delivered"])


def _explain(rows: Sequence[dict[str, Any]], better: int | None) -> str:
    if better is None:
        return "No difference shown yet."
    best = rows[better]
    others = [row for row in rows if row is not best]
    low, high = ratio_interval(
        _positive(best), Count(sum(row["positive"] for row in others), sum(row["delivered"] for row in others))
    )
    up_to = "" if math.isinf(high) else f" to {high:.1f}"
    delivered = sum(row["delivered"] for row in rows)
    factor = f"{low:.1f}{up_to} times as many positive replies as the others"
    return f"{best['key']} is better: {delivered:,} delivered, {factor}."


def _warn(key: str) -> str:
    return f"{key} has clearly more opt-outs, complaints and bounces than the others: switch it off."


def _need(workspace_id: int, now: datetime, difference: float | None) -> NeededSends:
    rows = fetch_all(_OF_WORKSPACE, {"workspace": workspace_id, "since": now - _BASE_PERIOD})
    delivered, positive = (rows[0]["delivered"], rows[0]["positive"]) if rows else (0, 0)
    is_known = delivered >= _FEWEST_DELIVERED and positive > 0
    base_rate = min(positive / delivered, 0.5) if is_known else ASSUMED_RATE
    wanted = min(base_rate if difference is None else difference, 1 - base_rate)
    sends = needed_sends(base_rate, wanted)
    return NeededSends(base_rate, not is_known, wanted, sends, math.ceil(sends * SEQUENTIAL_FACTOR))
