"""Who has left the company, and who is named instead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emails.inbound.text.departure import find_departure

LEFT = [
    "I no longer work for Acme. Please contact bob@acme.example instead.",
    "Jane Doe is no longer with the company.",
    "Jane has left the company. Please direct your enquiries to info@acme.example",
    "I have retired as of 1 September.",
    "As of today I am no longer employed at Acme.",
    "I've moved on to a new role within the group.",
    "My last day at Acme was 31 August.",
    "Ich bin nicht mehr bei der Firma Muster tätig.",
    "Frau Muster ist aus unserem Unternehmen ausgeschieden.",
    "Ich bin im Ruhestand.",
    "Herr Meier arbeitet nicht mehr bei uns. Bitte wenden Sie sich an info@muster.example",
    "J'ai quitté la société.",
    "Je ne travaille plus chez Acme.",
    "Je suis parti à la retraite.",
    "Ya no trabajo en esta empresa.",
    "Ya no formo parte de Acme.",
    "Non lavoro più in questa azienda.",
    "Ho lasciato l'azienda.",
    "Já não trabalho na empresa.",
    "Não faço mais parte da equipe.",
    "Ik werk niet meer bij Acme.",
    "Jag har slutat på Acme.",
    "Jag arbetar inte längre kvar på företaget",
    "Jeg er ikke længere ansat hos Acme.",
    "Jeg har sluttet i Acme.",
    "En työskentele enää yrityksessä.",
    "Nie pracuję już w firmie.",
    "Już nie pracuję w Acme.",
    "Již nepracuji ve společnosti.",
    "Už nepracujem v spoločnosti.",
    "Я больше не работаю в компании.",
    "Я більше не працюю в компанії.",
    "Már nem dolgozom a cégnél.",
    "Nu mai lucrez în cadrul companiei.",
    "Artık şirkette çalışmıyorum.",
    "Δεν εργάζομαι πλέον στην εταιρεία.",
    "8月末をもって退職いたしました。",
    "本人已离职。",
    "퇴사하였습니다.",
]
STAYED = [
    "We no longer work with agencies.",
    "We have left that market.",
    "Wir arbeiten nicht mehr mit Agenturen.",
    "We moved on to another tool.",
    "I am out of the office until Monday.",
    "I have left the office for today and will be back tomorrow.",
    "We no longer use that system.",
    "I am on parental leave until March.",
    "We are no longer interested.",
    "I work with the team in Oslo, not with the one in Bergen.",
    "I left you a voicemail.",
    "Our warehouse is closed.",
    "Ich bin im Urlaub.",
    "Ich bin nicht mehr im Büro und ab Montag wieder da.",
    "We left our last vendor because of the price.",
    "We retired the old robots last year, so yes, send prices.",
    "My time is limited this week.",
    "We changed our supplier.",
]


@pytest.mark.parametrize("text", LEFT)
def test_a_departure_is_found(text: str) -> None:
    assert find_departure("", text) is not None


@pytest.mark.parametrize("text", STAYED)
def test_other_ends_are_no_departure(text: str) -> None:
    assert find_departure("", text) is None


def test_the_successor_is_the_address_to_write_to() -> None:
    found = find_departure(
        "", "I have left Acme and can be found at my private address me@home.example. Please write to Bob@acme.example."
    )
    assert found is not None
    assert found.successor == "bob@acme.example"
    assert "left" in found.reason


def test_without_an_address_there_is_no_successor() -> None:
    found = find_departure("", "Jane Doe is no longer with the company.")
    assert found is not None
    assert found.successor is None


LEAVES = [
    "I am leaving Acme on 30 September.",
    "I'm leaving Acme Ltd at the end of the month.",
    "Ich verlasse Acme zum 30. September.",
    "Je quitte Acme le 30 septembre.",
    "Dejo Acme el 30 de septiembre.",
]


@pytest.mark.parametrize("text", LEAVES)
def test_leaving_a_company_by_name_needs_a_mark_or_a_successor(text: str) -> None:
    assert find_departure("", text) is None
    assert find_departure("", text, is_automatic=True) is not None
    assert find_departure("", f"{text} bob@acme.example") is not None


def test_leaving_for_a_journey_is_no_departure() -> None:
    assert find_departure("", "I am leaving Oslo on Friday and will be back on Monday.", is_automatic=True) is None


@pytest.mark.parametrize(
    ("text", "is_by_another"),
    [
        ("Jane has left the company, I took over.", True),
        ("Jane has left the company. I took over her accounts, let us talk on Tuesday.", True),
        ("I learned that Jane is no longer with us.", True),
        ("Jane no longer works here. What is this about?", True),
        ("Frau Muster ist aus unserem Unternehmen ausgeschieden, ich habe ihre Aufgaben übernommen.", True),
        ("Jane a quitté la société, c'est moi qui reprends le dossier.", True),
        ("I have left the company. Please write to bob@acme.example.", False),
        ("I, Jane, no longer work for Acme.", False),
        ("Ich habe das Unternehmen verlassen.", False),
        ("Jane Doe is no longer with the company. Please contact bob@acme.example.", False),
        ("Frau Muster ist aus unserem Unternehmen ausgeschieden. Bitte wenden Sie sich an info@acme.example.", False),
    ],
)
def test_the_author_of_a_departure_notice_is_recognized(text: str, is_by_another: bool) -> None:
    found = find_departure("", text)
    assert found is not None
    assert found.is_by_another is is_by_another


@given(st.text(max_size=300), st.text(max_size=400))
def test_no_text_raises(subject: str, text: str) -> None:
    find_departure(subject, text)
