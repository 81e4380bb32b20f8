"""The corpus of incoming mail: every mail is understood, the published figures are true, and damage breaks nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import corpus
from emails.inbound.classify import classify_mail
from emails.inbound.parse import parse_mail

OURS = "<b1946ac92492d2347c6235b4d2611184@sender.example>"
DOCS = Path(__file__).parents[3] / "docs" / "deliverability.md"
MAILS = {f"{path.parent.name}/{path.stem}": path.read_bytes() for path in sorted(corpus.CORPUS.glob("*/*.eml"))}


@pytest.mark.parametrize("which", corpus.SETS)
def test_every_mail_of_the_corpus_is_classified_as_labelled(which: str) -> None:
    mistaken = [
        (sample.name, sample.label, sample.found)
        for sample in corpus.read_samples(which)
        if sample.found not in sample.labels
    ]
    assert mistaken == []


@pytest.mark.parametrize("name", ["intent", "recipients", "until", "successor"])
def test_what_a_label_names_is_read(name: str) -> None:
    samples = [sample for which in corpus.SETS for sample in corpus.read_samples(which)]
    checked = [sample for sample in samples if sample.expected.get(name)]
    assert checked
    read = {sample.name: sample.values[name] for sample in checked}
    assert read == {sample.name: sample.expected[name] for sample in checked}


def test_the_published_figures_are_those_of_the_program() -> None:
    assert corpus.table() in DOCS.read_text("utf-8")


def test_the_corpus_covers_every_kind() -> None:
    samples = [sample for which in corpus.SETS for sample in corpus.read_samples(which)]
    assert all(mails for mails, _, _ in corpus.measure(samples).values())
    assert len(MAILS) >= 250


@pytest.mark.parametrize(
    ("label", "found", "cost"),
    [
        ("soft_bounce", "hard_bounce", 20),
        ("reply", "out_of_office", 20),
        ("opt_out", "reply", 10),
        ("other", "list", 1),
    ],
)
def test_errors_are_weighted_by_their_damage(label: str, found: str, cost: int) -> None:
    assert corpus.cost_of(label, found) == cost


def test_facts_about_our_mail_name_its_message() -> None:
    for name, raw in MAILS.items():
        if name.startswith(("dev/", "held_out/")) and name.partition("/")[2].startswith(
            ("dsn", "bounce", "arf", "optout-0", "auto")
        ):
            mail = parse_mail(raw)
            assert OURS in {*mail.named_ids, *mail.reported_ids}, name


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_damaged_mail_breaks_nothing(data: st.DataObject) -> None:
    """Cut, spliced, with bytes changed: it is something or nothing, never an error."""
    raw = bytearray(MAILS[data.draw(st.sampled_from(sorted(MAILS)))])
    for _ in range(data.draw(st.integers(0, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    other = MAILS[data.draw(st.sampled_from(sorted(MAILS)))]
    spliced = bytes(raw[:cut]) + other[data.draw(st.integers(0, len(other))) :]
    assert classify_mail(parse_mail(spliced), corpus.RECEIVED_ON["dev"]).findings
