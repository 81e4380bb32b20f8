"""The new text of a reply, the phrases that opt out, and the day of return."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emails.inbound.text.new_text import find_new_text
from emails.inbound.text.opt_out import asks_to_stop
from emails.inbound.text.return_date import LONGEST_DAYS, find_return_at
from tests.support.inbound_mails import RECEIVED

QUOTES = [
    "On Mon, Mar 2, 2026 at 10:00 AM Ada <a@b.example> wrote:\n> Hello\n> unsubscribe\n",
    "On Mon, Mar 2, 2026 at 10:00 AM Ada Lovelace <a@b.example>\nwrote:\n\n> Hello\n> unsubscribe\n",
    "Am Mo., 2. März 2026 um 10:00 Uhr schrieb Ada <a@b.example>:\n> Hallo\n> unsubscribe\n",
    "Le lun. 2 mars 2026 à 10:00, Ada <a@b.example> a écrit :\n> Bonjour\n> unsubscribe\n",
    "-----Original Message-----\nFrom: Ada\nSent: Monday\nTo: Jo\nSubject: Hello\n\nHello\nunsubscribe\n",
    "________________________________\nFrom: Ada <a@b.example>\nSent: Monday\nTo: Jo\n\nHello\nunsubscribe\n",
    "From: Ada <a@b.example>\nSent: Monday, March 2, 2026 10:00 AM\nTo: Jo\nSubject: Hello\n\nunsubscribe\n",
    "Von: Ada <a@b.example>\nGesendet: Montag, 2. März 2026 10:00\nAn: Jo\nBetreff: Hallo\n\nunsubscribe\n",
    "*From:* Ada <a@b.example>\n*Sent:* Monday\n\nunsubscribe\n",
    "> Hello\n> unsubscribe\n",
    "-- \nJo Doe\nunsubscribe\n",
]


@pytest.mark.parametrize("quote", QUOTES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_quote_is_not_new_text(quote: str, line_end: str) -> None:
    text = f"Sounds good.\n\nJo\n\n{quote}".replace("\n", line_end)
    assert find_new_text(text, "") == "Sounds good.\n\nJo"


def test_an_answer_below_the_quote_is_new_text() -> None:
    assert find_new_text("> Shall we talk?\n\nYes, on Monday.\n", "") == "Yes, on Monday."


@pytest.mark.parametrize(
    "text",
    [
        "unsubscribe",
        "UNSUBSCRIBE!",
        "Unsubscribe me please.",
        "Please remove me",
        "Hi Ada,\n\nplease remove me from your list. Thanks!\n\nJo",
        "No thanks, take me off your list",
        "Stop",
        "stop emailing me.",
        "Don’t contact me again",
        "opt out",
        "Please unsubscribe me from these emails",
        "Bitte abmelden",
        "me désinscrire, svp",
        "Cancelar suscripción",
    ],
)
def test_a_short_phrase_opts_out(text: str) -> None:
    assert asks_to_stop("Re: Hello", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "How do your customers unsubscribe from such mails?",
        "We must stop the old system first",
        "Your list looks good",
        "I would not remove the second column",
        "Do people unsubscribe often",
        "Removed the old vendor last month, so good timing",
        "One\n\nTwo\n\nThree\n\nFour\n\nFive\n\nunsubscribe",
        "Stop by our booth. We can talk",
    ],
)
def test_ordinary_sentences_do_not_opt_out(text: str) -> None:
    assert not asks_to_stop("Re: Hello", text)


def test_a_long_text_is_for_a_person_to_read() -> None:
    assert not asks_to_stop("Re: Hello", "unsubscribe\n" + "This is a long story. " * 60)


def test_a_new_mail_whose_subject_is_the_word_opts_out() -> None:
    assert asks_to_stop("Unsubscribe", "")
    assert not asks_to_stop("Re: unsubscribe", "What do you mean?")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I will be back on March 9.", "2026-03-09"),
        ("I'm returning to the office on Monday, March 9th, 2026.", "2026-03-09"),
        ("I am out until March 9.", "2026-03-10"),
        ("away from March 2 to 6 March 2026, back on 9 March", "2026-03-09"),
        ("On leave 03/02 - 03/13.", "2026-03-14"),
        ("Out of office through 2026-03-13", "2026-03-14"),
        ("Ich bin bis zum 13.03.2026 nicht im Büro.", "2026-03-14"),
        ("Ich bin bis einschließlich 13. März abwesend und ab dem 16.3. wieder da.", "2026-03-16"),
        ("Je suis absent jusqu'au 13 mars 2026 inclus.", "2026-03-14"),
        ("De retour le lundi 16 mars.", "2026-03-16"),
        ("Estaré fuera hasta el 13 de marzo de 2026.", "2026-03-14"),
        ("Sarò assente fino al 13 marzo.", "2026-03-14"),
        ("Ik ben afwezig t/m 13 maart 2026.", "2026-03-14"),
        ("Ik ben afwezig tot en met vrijdag 13 maart 2026.", "2026-03-14"),
        ("Vanaf maandag 16 maart ben ik weer op kantoor.", "2026-03-16"),
        ("Estaré fuera hasta el viernes, 13 de marzo.", "2026-03-14"),
        ("Estarei ausente até sexta-feira, 13 de março.", "2026-03-14"),
        ("Jag är på semester till och med fredag den 13 mars.", "2026-03-14"),
        ("Jag är ledig t.o.m. 13 mars.", "2026-03-14"),
        ("Jag är tillbaka på kontoret måndagen den 16 mars 2026.", "2026-03-16"),
        # 4 March or 3 April: the later one
        ("back on 03/04/2026", "2026-04-03"),
        ("back on 30/03/2026", "2026-03-30"),
    ],
)
def test_the_day_of_return_is_found(text: str, expected: str) -> None:
    found = find_return_at(text, RECEIVED, UTC)
    assert found is not None
    assert found.date().isoformat() == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I am away and have no access to my mail.",
        "I was back on March 1.",
        "back on 2026-02-27",
        "back on March 2, 2027",
        "back on 2026-06-15",
        "back on 45.13.2026",
        "back on 31/31/2026",
        "Visit us at the fair on March 9.",
        "Call 555 03 09 for help",
    ],
)
def test_a_date_that_cannot_be_trusted_is_no_return(text: str) -> None:
    assert find_return_at(text, RECEIVED, UTC) is None


def test_over_new_year_the_next_one_is_meant() -> None:
    received = datetime(2026, 12, 20, tzinfo=UTC)
    assert find_return_at("back on January 4", received, UTC) == datetime(2027, 1, 4, tzinfo=UTC)


def test_the_day_begins_in_the_zone_of_the_mailbox() -> None:
    found = find_return_at("back on March 9", RECEIVED, ZoneInfo("America/New_York"))
    assert found == datetime(2026, 3, 9, 4, 0, tzinfo=UTC)


@given(st.text(alphabet="0123456789/.- backuntil on March", max_size=80))
def test_a_return_is_always_ahead_and_within_bounds(text: str) -> None:
    found = find_return_at(f"back on {text}", RECEIVED, UTC)
    assert found is None or RECEIVED < found <= RECEIVED + timedelta(days=LONGEST_DAYS)
