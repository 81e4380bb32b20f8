"""The corpus of incoming mail: every mail is understood, the published figures are true, and damage breaks nothing."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import corpus
from emails.inbound.classify import classify_mail
from emails.inbound.parse import parse_mail
from emails.inbound.text.alternate import find_alternate

OURS = "<b1946ac92492d2347c6235b4d2611184@sender.example>"
DOCS = Path(__file__).parents[3] / "docs" / "deliverability.md"
MAILS = {f"{path.parent.name}/{path.stem}": path.read_bytes() for path in sorted(corpus.CORPUS.glob("*/*.eml"))}


@pytest.mark.parametrize("which", corpus.SETS)
def test_every_mail_is_taken_for_what_it_is(which: str) -> None:
    mistaken = [
        (sample.name, sample.label, sample.found)
        for sample in corpus.read_samples(which)
        if sample.label != sample.found
    ]
    assert mistaken == []


@pytest.mark.parametrize("which", corpus.SETS)
def test_an_automatic_answers_day_of_return_and_alternate_are_read(which: str) -> None:
    answers = [sample for sample in corpus.read_samples(which) if sample.label == "auto-reply"]
    assert len(answers) > 10
    read = {sample.name: (sample.back, sample.alternate) for sample in answers}
    assert read == {sample.name: (sample.expected["back"], sample.expected["alternate"]) for sample in answers}


def test_the_published_figures_are_those_of_the_program() -> None:
    assert corpus.table() in DOCS.read_text("utf-8")


def test_there_is_enough_of_everything() -> None:
    for which in corpus.SETS:
        assert all(mails for mails, _, _ in corpus.measure(corpus.read_samples(which)).values())
    assert len(MAILS) >= 150


def test_whatever_is_about_our_mail_names_it() -> None:
    for name, raw in MAILS.items():
        if name.partition("/")[2].startswith(("dsn", "bounce", "arf", "optout-0", "auto")):
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
    found = classify_mail(parse_mail(spliced), corpus.RECEIVED_AT, UTC)
    assert isinstance(found, tuple)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Please contact Ann (ann@x.example) meanwhile.", "ann@x.example"),
        ("Please contact me at jo@x.example.", ""),
        ("My address is ann@x.example", ""),
        ("Wenden Sie sich bitte an ANN@X.example.", "ann@x.example"),
        ("", ""),
    ],
)
def test_only_an_address_that_one_shall_turn_to_is_an_alternate(text: str, expected: str) -> None:
    assert find_alternate(text, "jo@x.example") == expected
