"""The corpus of incoming mail and how well it is understood; needs Django to be set up.

The corpus (tests/corpus) holds mails in the shapes that mail programs and servers write, with invented people. `dev`
is what the classifier was written against; `held_out` was written apart from it and measured afterwards.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from emails.choices import BounceType, EventType
from emails.inbound.classify import classify_mail
from emails.inbound.findings import Finding
from emails.inbound.parse import parse_mail

CORPUS = Path(__file__).resolve().parent.parent / "tests" / "corpus"
SETS = ("dev", "held_out")
RECEIVED_AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
CLASSES = ("reply", "opt-out", "auto-reply", "bounce-hard", "bounce-soft", "complaint", "nothing")


@dataclass(frozen=True, slots=True)
class Sample:
    """One mail with what it is, and what was made of it. `back` and `alternate` are of automatic answers."""

    name: str
    label: str
    found: str
    back: str
    alternate: str
    expected: Mapping[str, str]


def read_samples(which: str) -> list[Sample]:
    """Every mail of one set, classified."""
    labels: dict[str, dict[str, str]] = json.loads((CORPUS / which / "labels.json").read_text("utf-8"))
    samples = []
    for name, expected in labels.items():
        mail = parse_mail((CORPUS / which / f"{name}.eml").read_bytes())
        findings = classify_mail(mail, RECEIVED_AT, UTC)
        until = next((found.until_at for found in findings if found.until_at is not None), None)
        alternate = next((found.alternate for found in findings if found.alternate), "")
        back = f"{until:%Y-%m-%d}" if until else ""
        samples.append(Sample(name, expected["label"], _name(findings), back, alternate, expected))
    return samples


def _name(findings: Iterable[Finding]) -> str:
    types = {finding.type for finding in findings}
    if EventType.COMPLAINED in types:
        return "complaint"
    if EventType.BOUNCED in types:
        is_hard = any(finding.bounce_type == BounceType.HARD for finding in findings)
        return "bounce-hard" if is_hard else "bounce-soft"
    if EventType.UNSUBSCRIBED in types:
        return "opt-out"
    if EventType.REPLIED in types:
        return "reply"
    return "auto-reply" if EventType.AUTO_REPLIED in types else "nothing"


def measure(samples: Iterable[Sample]) -> dict[str, tuple[int, float, float]]:
    """By class: (mails, precision, recall); 1.0 where there is nothing to get wrong."""
    pairs = Counter((sample.label, sample.found) for sample in samples)
    measured = {}
    for name in CLASSES:
        right = pairs[name, name]
        said = sum(count for (_, found), count in pairs.items() if found == name)
        there = sum(count for (label, _), count in pairs.items() if label == name)
        measured[name] = (there, right / said if said else 1.0, right / there if there else 1.0)
    return measured


def table() -> str:
    """The figures as the documentation prints them."""
    both = [measure(read_samples(which)) for which in SETS]
    lines = [
        "| | Mails | Precision | Recall | Held out: mails | Precision | Recall |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name in CLASSES:
        cells = (f"{mails} | {precision:.0%} | {recall:.0%}" for mails, precision, recall in (m[name] for m in both))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
