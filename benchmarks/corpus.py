"""The corpus of incoming mail and how well it is understood; needs Django to be set up.

The corpus (tests/corpus) holds mails in the forms that mail programs and servers write, with invented contacts. `dev`
and `kinds` are what the rules were written against; `held_out` was written apart from them and measured afterwards.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from emails.inbound.classify import classify_mail
from emails.inbound.findings import MailKind
from emails.inbound.parse import parse_mail

CORPUS = Path(__file__).resolve().parent.parent / "tests" / "corpus"
SETS = ("dev", "kinds", "held_out")
RECEIVED_ON = {"dev": date(2026, 3, 2), "held_out": date(2026, 3, 2), "kinds": date(2026, 9, 8)}
CLASSES = tuple(kind.value for kind in MailKind)
# What an error costs, as compared with a mail that is only logged wrongly: a contact suppressed for ever or an answer
# that is lost cost most, an opt-out that is not obeyed comes next.
_STOPS_FOR_EVER = frozenset({"hard_bounce", "complaint", "opt_out", "left_company"})
_PERSONS = frozenset({"reply", "opt_out", "possible_opt_out", "calendar"})
_NOT_PERMANENT = frozenset({"soft_bounce", "blocked", "delayed"})


@dataclass(frozen=True, slots=True)
class Sample:
    """One mail with its label and its classification. Fields that the label leaves open are empty."""

    name: str
    labels: frozenset[str]
    found: str
    reason: str
    values: Mapping[str, str]
    expected: Mapping[str, str]

    @property
    def label(self) -> str:
        """The expected kind: the found one if several are right."""
        return self.found if self.found in self.labels else min(self.labels)


def read_samples(which: str) -> list[Sample]:
    """Every mail of one set, classified."""
    return [_classify(which, name, expected) for name, expected in _labels(which)]


def _labels(which: str) -> Iterator[tuple[str, dict[str, str]]]:
    folder = CORPUS / which
    if (table := folder / "labels.tsv").exists():
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                yield row["file"].removesuffix(".eml"), {name: value or "" for name, value in row.items()}
        return
    found: dict[str, dict[str, str]] = json.loads((folder / "labels.json").read_text("utf-8"))
    yield from found.items()


def _classify(which: str, name: str, expected: Mapping[str, str]) -> Sample:
    mail = parse_mail((CORPUS / which / f"{name}.eml").read_bytes())
    findings = classify_mail(mail, RECEIVED_ON[which]).findings
    first = findings[0]
    kinds = {finding.kind.value for finding in findings}
    return Sample(
        name=name,
        labels=frozenset(expected["kind"].split("|")),
        found=first.kind.value if len(kinds) == 1 else "+".join(sorted(kinds)),
        reason=first.reason,
        values={
            "intent": first.intent,
            "recipients": " ".join(sorted(finding.recipient for finding in findings if finding.recipient)),
            "until": first.until.isoformat() if first.until and not first.until_is_assumed else "",
            "successor": first.successor,
        },
        expected=expected,
    )


def measure(samples: Iterable[Sample]) -> dict[str, tuple[int, float, float]]:
    """By kind: (mails, precision, recall); 1.0 for kinds without mails."""
    pairs = Counter((sample.label, sample.found) for sample in samples)
    measured = {}
    for name in CLASSES:
        right = pairs[name, name]
        found = sum(count for (_, taken), count in pairs.items() if taken == name)
        there = sum(count for (label, _), count in pairs.items() if label == name)
        measured[name] = (there, right / found if found else 1.0, right / there if there else 1.0)
    return measured


def measure_cost(samples: Iterable[Sample]) -> tuple[int, int]:
    """(misclassified mails, their cost)."""
    wrong = [sample for sample in samples if sample.found not in sample.labels]
    return len(wrong), sum(cost_of(sample.label, sample.found) for sample in wrong)


def cost_of(label: str, found: str) -> int:
    """20: a good contact suppressed for ever, or a person's answer lost. 10: an opt-out not obeyed. 1: all others."""
    if found in _STOPS_FOR_EVER and (label in _NOT_PERMANENT or label in _PERSONS - {"opt_out", "possible_opt_out"}):
        return 20
    if label in _PERSONS and found not in _PERSONS:
        return 20
    if label == "opt_out":
        return 10
    return 1


def table() -> str:
    """The figures as the documentation prints them."""
    both = [measure(read_samples(which)) for which in ("kinds", "held_out")]
    lines = [
        "| Kind | Mails | Precision | Recall | Held out: mails | Precision | Recall |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name in CLASSES:
        cells = (f"{mails} | {precision:.0%} | {recall:.0%}" for mails, precision, recall in (m[name] for m in both))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def costs() -> str:
    """One line per set: how many mails, how many errors, what they cost."""
    lines = []
    for which in SETS:
        samples = read_samples(which)
        wrong, cost = measure_cost(samples)
        lines.append(f"{which}: {len(samples)} mails, {wrong} errors, cost {cost}")
    return "\n".join(lines)
