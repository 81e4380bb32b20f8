"""What a reply wants: interest, refusal, another time, another person, or a near opt-out."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emails.inbound.text.absence import LONGEST_DAYS
from emails.inbound.text.intent import IntentKind, find_intent

# a Tuesday
RECEIVED = date(2026, 9, 8)
# kind, text, the day to write again, the address named instead
INTENTS = [
    ("interested", "Sounds great, can you send me a quote?", "", ""),
    ("interested", "Could we do a demo next week?", "", ""),
    ("interested", "How much does it cost?", "", ""),
    ("interested", "Yes, please send more information.", "", ""),
    ("interested", "Let's talk. I'm free Thursday at 10.", "", ""),
    ("interested", "Give me a call tomorrow.", "", ""),
    ("interested", "I'd love to learn more about it.", "", ""),
    ("interested", "Gerne, schicken Sie mir bitte ein Angebot.", "", ""),
    ("interested", "Was kostet das?", "", ""),
    ("interested", "Klingt interessant. Wann können wir telefonieren?", "", ""),
    ("interested", "Pouvez-vous m'envoyer un devis ?", "", ""),
    ("interested", "Quel est le prix ?", "", ""),
    ("interested", "Envíeme más información, por favor.", "", ""),
    ("interested", "¿Cuánto cuesta?", "", ""),
    ("interested", "Mi interessa, quanto costa?", "", ""),
    ("interested", "Pode enviar o orçamento?", "", ""),
    ("interested", "Kunt u mij een offerte sturen? Wat kost het?", "", ""),
    ("interested", "Skicka gärna mer information.", "", ""),
    ("interested", "Proszę o przesłanie oferty.", "", ""),
    ("interested", "Пришлите прайс-лист, пожалуйста.", "", ""),
    ("interested", "見積もりを送ってください。", "", ""),
    ("interested", "请发报价给我", "", ""),
    ("interested", "I am interested in a call next week.", "", ""),
    ("interested", "Interested. Can we talk next week?", "", ""),
    ("interested", "Yes, let's do a call next Tuesday.", "", ""),
    ("interested", "Sure, call me next week.", "", ""),
    ("interested", "Can we speak on Thursday?", "", ""),
    ("interested", "Reach out to me next week to set up a demo.", "", ""),
    ("interested", "Sounds good, please get in touch next Monday.", "", ""),
    ("interested", "I'm on vacation this week, let's talk next week.", "", ""),
    ("interested", "Bitte rufen Sie mich nächste Woche an, das klingt interessant.", "", ""),
    ("interested", "Je suis intéressé, pouvez-vous m'appeler la semaine prochaine ?", "", ""),
    ("interested", "Me interesa, hablemos la próxima semana.", "", ""),
    ("interested", "One question before we go on: what does it cost in the second year?", "", ""),
    ("not_interested", "Not interested, thanks.", "", ""),
    ("not_interested", "Not interested, please do not call us next week.", "", ""),
    ("not_interested", "No thanks.", "", ""),
    ("not_interested", "We already have a supplier for this.", "", ""),
    ("not_interested", "We are happy with our current provider.", "", ""),
    ("not_interested", "I'll pass.", "", ""),
    ("not_interested", "Kein Interesse.", "", ""),
    ("not_interested", "Wir haben keinen Bedarf.", "", ""),
    ("not_interested", "Nein danke, wir sind bereits versorgt.", "", ""),
    ("not_interested", "Pas intéressé, merci.", "", ""),
    ("not_interested", "Nous n'avons pas besoin de vos services.", "", ""),
    ("not_interested", "No me interesa, gracias.", "", ""),
    ("not_interested", "Non siamo interessati.", "", ""),
    ("not_interested", "Não temos interesse.", "", ""),
    ("not_interested", "Geen interesse, dank u.", "", ""),
    ("not_interested", "Vi är inte intresserade.", "", ""),
    ("not_interested", "Nie jesteśmy zainteresowani.", "", ""),
    ("not_interested", "Нам это не интересно.", "", ""),
    ("not_interested", "興味はありません。", "", ""),
    ("not_interested", "不需要，谢谢", "", ""),
    ("not_now", "Not right now, maybe later.", "", ""),
    ("not_now", "Ping me in Q1.", "2027-01-01", ""),
    ("not_now", "Get back to me after 1 October.", "2026-10-01", ""),
    ("not_now", "Please write again in two weeks.", "2026-09-22", ""),
    ("not_now", "We have no budget this year. Contact me again in January.", "2027-01-01", ""),
    ("not_now", "Bad timing, try me next month.", "2026-10-01", ""),
    ("not_now", "Melden Sie sich bitte im Oktober noch einmal.", "2026-10-01", ""),
    ("not_now", "Momentan nicht, gerne nächstes Jahr wieder.", "2027-01-01", ""),
    ("not_now", "Recontactez-moi en janvier.", "2027-01-01", ""),
    ("not_now", "Pas pour le moment.", "", ""),
    ("not_now", "Contácteme en enero.", "2027-01-01", ""),
    ("not_now", "Ricontattatemi a gennaio.", "2027-01-01", ""),
    ("not_now", "Neem in januari weer contact op.", "2027-01-01", ""),
    ("not_now", "Återkom i januari.", "2027-01-01", ""),
    ("not_now", "Proszę o kontakt w styczniu.", "2027-01-01", ""),
    ("not_now", "Свяжитесь со мной в январе.", "2027-01-01", ""),
    ("not_now", "来月またご連絡ください。", "2026-10-01", ""),
    ("not_now", "Circle back at the end of October", "2026-10-31", ""),
    ("not_now", "Not now. Call me next week.", "2026-09-14", ""),
    ("not_now", "Could you write to me again on Friday? I'd like a quote.", "2026-09-11", ""),
    ("not_now", "Interesting, but I'm swamped until Friday. Ping me next Monday.", "2026-09-14", ""),
    ("not_now", "Pas maintenant, rappelez-moi la semaine prochaine.", "2026-09-14", ""),
    ("not_now", "Ahora no, llámeme la próxima semana.", "2026-09-14", ""),
    ("unclear", "We can't talk next week.", "", ""),
    ("unclear", "Can I call someone to get off this list?", "", ""),
    ("opt_out", "Remove me from your list. I have a question about how you got my data.", "", ""),
    ("opt_out", "How can we call off these emails? Unsubscribe me.", "", ""),
    ("opt_out", "Please take me off your list before I call my lawyer next week.", "", ""),
    ("possible_opt_out", "Please stop. Can we discuss how you got my address?", "", ""),
    ("not_now", "I'm interested but let's talk in January.", "2027-01-01", ""),
    ("not_now", "Ping me next week.", "2026-09-14", ""),
    ("not_now", "No budget. Can we talk next quarter?", "2026-10-01", ""),
    ("referral", "Please contact our purchasing: buyer@acme.example", "", "buyer@acme.example"),
    ("referral", "I'm not the right person. Try Anna, anna@acme.example", "", "anna@acme.example"),
    ("referral", "You should talk to our CTO about this.", "", ""),
    ("referral", "Bitte wenden Sie sich an meinen Kollegen max@acme.example.", "", "max@acme.example"),
    ("referral", "Dafür bin ich nicht zuständig.", "", ""),
    ("referral", "Adressez-vous à ma collègue claire@acme.example", "", "claire@acme.example"),
    ("referral", "Contacte con mi compañero luis@acme.example", "", "luis@acme.example"),
    ("referral", "Si rivolga al collega marco@acme.example", "", "marco@acme.example"),
    ("referral", "Neem contact op met mijn collega piet@acme.example", "", "piet@acme.example"),
    ("referral", "Обратитесь к коллеге: ivan@acme.example", "", "ivan@acme.example"),
    ("referral", "担当者は tanaka@acme.example です", "", "tanaka@acme.example"),
    ("unclear", "??", "", ""),
    ("unclear", "ok", "", ""),
    ("unclear", "Thanks", "", ""),
    ("possible_opt_out", "Where did you get my address?", "", ""),
    ("possible_opt_out", "This is spam.", "", ""),
    ("possible_opt_out", "I never signed up for this.", "", ""),
    ("possible_opt_out", "Why am I getting these emails?", "", ""),
    ("possible_opt_out", "Woher haben Sie meine Adresse?", "", ""),
    ("possible_opt_out", "Comment avez-vous eu mon adresse ?", "", ""),
    ("possible_opt_out", "¿De dónde sacaron mi correo?", "", ""),
    ("possible_opt_out", "Dove avete trovato il mio indirizzo?", "", ""),
    ("possible_opt_out", "Skąd macie mój adres?", "", ""),
    ("possible_opt_out", "Откуда у вас мой адрес?", "", ""),
    ("possible_opt_out", "How can I unsubscribe?", "", ""),
    ("possible_opt_out", 'Our users told us "please stop emailing me" all the time, remove me from your list.', "", ""),
]


@pytest.mark.parametrize(("kind", "text", "until", "referral"), INTENTS)
def test_an_intent_is_found(kind: str, text: str, until: str, referral: str) -> None:
    found = find_intent("Re: Hello", text, RECEIVED)
    assert found.kind == kind, found.reason
    if until:
        assert found.until == date.fromisoformat(until)
    assert found.referral == (referral or None)


def test_a_new_message_whose_subject_is_the_word_opts_out() -> None:
    assert find_intent("Unsubscribe", "", RECEIVED).kind is IntentKind.OPT_OUT
    assert find_intent("Re: unsubscribe", "What do you mean?", RECEIVED).kind is IntentKind.UNCLEAR


@given(st.text(max_size=300), st.text(max_size=400), st.dates(date(2020, 1, 1), date(2040, 12, 31)))
def test_no_text_raises(subject: str, text: str, received_on: date) -> None:
    found = find_intent(subject, text, received_on)
    assert found.reason
    assert found.until is None or received_on < found.until <= received_on + timedelta(days=LONGEST_DAYS)
