"""The first day back that an absence states, in the languages and forms that mails come in."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emails.inbound.text.absence import LONGEST_DAYS, find_absence

# a Tuesday
RECEIVED = date(2026, 9, 8)
DATED = [
    (
        "Thanks for your mail. I'm enjoying some time with my family and will be back at my desk on Wed 16 Sep.",
        "2026-09-16",
    ),
    ("I'm at a conference until Thursday and will get back to you on Friday.", "2026-09-11"),
    ("I'm travelling with limited email access and expect to return Sept. 22nd.", "2026-09-22"),
    (
        "I will be out of the office starting 09/07/2026 and will not return until 09/21/2026.",
        "2026-09-21",
    ),
    ("I will be on holiday from Monday 7th September to Friday 18th September inclusive.", "2026-09-19"),
    ("I'm off sick. Expected return: 1 Oct.", "2026-10-01"),
    ("Currently OOO, returning 15th.", "2026-09-15"),
    ("My next working day is Thursday 10 September.", "2026-09-10"),
    ("Out of office: 7 Sep 2026 - 11 Sep 2026", "2026-09-12"),
    ("Our company will be closed December 24 through January 3.", "2027-01-04"),
    ("I'm on leave through the end of September.", "2026-10-01"),
    ("I will respond after September 20th.", "2026-09-21"),
    ("I am away from my desk today but back tomorrow", "2026-09-09"),
    ("Ich bin ab dem 14. September wieder persönlich für Sie erreichbar.", "2026-09-14"),
    (
        "Vom 07.09.2026 bis 18.09.2026 bin ich im Urlaub. Dringend: Frau Maier, Tel. 0221/12 34 56.",
        "2026-09-19",
    ),
    ("Ich bin bis Freitag, den 11.9., auf Dienstreise.", "2026-09-12"),
    ("Leider bin ich erst wieder am 21.09. im Büro.", "2026-09-21"),
    ("Ich kehre am 1. Oktober aus der Elternzeit zurück.", "2026-10-01"),
    ("Betriebsferien bis 20.9., ab 21.9. sind wir wieder für Sie da.", "2026-09-21"),
    ("Bonjour, je suis en congé maternité et serai de retour le 4 janvier 2027.", "2027-01-04"),
    (
        "Je serai absent du bureau du 7 septembre au 18 septembre. Urgence : Marie au 01 02 03 04 05.",
        "2026-09-19",
    ),
    ("Nous sommes fermés jusqu'au 21 septembre.", "2026-09-22"),
    ("Estaré de vacaciones hasta el próximo lunes 21 de septiembre.", "2026-09-22"),
    ("Me encuentro fuera de la oficina, regreso el 14/09.", "2026-09-14"),
    ("Sono fuori ufficio e rientrerò lunedì 14 settembre 2026.", "2026-09-14"),
    ("Estou ausente e regresso no dia 21 de setembro.", "2026-09-21"),
    ("Ik ben tot 21 september afwezig.", "2026-09-22"),
    ("Op maandag 21 september ben ik weer aanwezig.", "2026-09-21"),
    ("Jag är tillbaka den 14:e september.", "2026-09-14"),
    ("Jag är på semester v 37 och åter måndag 14/9.", "2026-09-14"),
    ("Jeg er på ferie og er tilbake mandag 21.09.", "2026-09-21"),
    ("Jeg har fri frem til mandag d. 21. september.", "2026-09-22"),
    ("Olen lomalla ja palaan takaisin töihin 14.9.2026", "2026-09-14"),
    ("W dniach 07.09-18.09.2026 przebywam na urlopie.", "2026-09-19"),
    ("Wracam do biura w poniedziałek 21.09.", "2026-09-21"),
    ("Jsem mimo kancelář, zpět budu 21. září.", "2026-09-21"),
    ("Od 7. do 18. 9. čerpám dovolenou.", "2026-09-19"),
    ("Szabadságon vagyok szeptember 18-ig.", "2026-09-19"),
    ("Sunt plecat în concediu în perioada 7 - 18 septembrie 2026.", "2026-09-19"),
    ("18.09.2026 tarihine kadar yıllık izindeyim.", "2026-09-19"),
    ("14 Eylül'de döneceğim.", "2026-09-14"),
    ("Λείπω με άδεια έως 18/09/2026.", "2026-09-19"),
    ("Я буду в отпуске до 18 сентября включительно.", "2026-09-19"),
    ("Меня не будет с 7 по 18 сентября.", "2026-09-19"),
    ("Буду доступен с 21.09.", "2026-09-21"),
    ("З 7 по 18 вересня я у відпустці.", "2026-09-19"),
    ("9/18まで休暇を取得しております。", "2026-09-19"),
    ("次回出社は9月14日です。", "2026-09-14"),
    ("本人9月8日-18日休假，19日上班。", "2026-09-19"),
    ("我將於9月21日回到辦公室", "2026-09-21"),
    ("9월 18일까지 휴가입니다. 21일부터 출근합니다.", "2026-09-21"),
    ("אני בחופשה מה-7 עד ה-18 בספטמבר.", "2026-09-19"),
    ("سأعود إلى المكتب في 21 سبتمبر 2026", "2026-09-21"),
    ("خارج المكتب من 7 سبتمبر إلى 18 سبتمبر", "2026-09-19"),
    ("Sedang cuti, kembali tanggal 21 September 2026.", "2026-09-21"),
    ("Tôi sẽ vắng mặt từ ngày 7/9 đến ngày 18/9/2026.", "2026-09-19"),
    ("ไม่อยู่ที่สำนักงานจนถึงวันที่ 18 กันยายน 2569", "2026-09-19"),
    ("I am on leave until Monday 14th September. Join our webinar on 30 September!", "2026-09-15"),
    ("I'll return to the office on Tuesday, 22 September. My colleague Jo is in on 9 September.", "2026-09-22"),
    ("I will be out of the office until Monday 21 September.", "2026-09-22"),
    ("I will be out of the office until September 21st and will not have access to email.", "2026-09-22"),
    ("I'm out of office from 3 to 14 October", "2026-10-15"),
    ("I'm away September 14 - 25.", "2026-09-26"),
    (
        "I am out of the office from Monday, September 14 through Friday, September 18, returning Monday September 21.",
        "2026-09-21",
    ),
    ("I won't be back until 21 September.", "2026-09-21"),
    (
        "I am currently out of the office and will return on 10/09/2026. For colour samples call +44 20 7946 0000",
        "2026-09-10",
    ),
    ("Out of office 09/14 - 09/25", "2026-09-26"),
    ("I will be back on the 10th.", "2026-09-10"),
    ("I'm back next Monday", "2026-09-14"),
    ("I'm out today and will be back tomorrow.", "2026-09-09"),
    ("On parental leave until January 2027.", "2027-01-01"),
    ("Back at the end of September.", "2026-09-30"),
    ("I am on vacation this week and next week.", "2026-09-19"),
    ("I'll be back in the office in two weeks", "2026-09-22"),
    ("Thank you for your email. Our new office opens on 20 September. I'm on leave until 16 September.", "2026-09-17"),
    ("Ich bin vom 14. bis 25. September im Urlaub und ab dem 28.9. wieder erreichbar.", "2026-09-28"),
    ("Ich bin bis einschließlich 18.09. abwesend.", "2026-09-19"),
    ("Ab Montag, 14.09.2026 bin ich wieder im Büro.", "2026-09-14"),
    ("Ich bin erst am 5. Oktober wieder im Haus. Meine E-Mails werden nicht weitergeleitet.", "2026-10-05"),
    ("Ich bin in der Zeit vom 3.–14.9. nicht im Büro.", "2026-09-15"),
    ("Am 10. bin ich wieder da", "2026-09-10"),
    ("Je suis absente jusqu'au 18 septembre inclus.", "2026-09-19"),
    ("Je suis en congés du 7 au 21/09. Retour le 22.", "2026-09-22"),
    ("Je serai de retour le 1er octobre.", "2026-10-01"),
    ("Bonjour, je suis absent du bureau jusqu'au lundi 14 septembre 2026.", "2026-09-15"),
    ("Estaré fuera de la oficina hasta el 20 de septiembre.", "2026-09-21"),
    ("Estoy de vacaciones del 1 al 15 de septiembre", "2026-09-16"),
    ("Volveré el lunes.", "2026-09-14"),
    ("Out the week of 14 September", "2026-09-21"),
    ("I am out of the office the week of September 14th.", "2026-09-21"),
    ("I am on leave w/c Monday 14 September.", "2026-09-21"),
    ("Back in the office the week of 21 September.", "2026-09-21"),
    ("In der Woche vom 14. September bin ich im Urlaub.", "2026-09-21"),
    ("Je suis en congé la semaine du 14 septembre.", "2026-09-21"),
    ("Estaré fuera de la oficina la semana del 14 de septiembre.", "2026-09-21"),
    ("Sarò assente dal 7 al 18 settembre. Rientro il 21.", "2026-09-21"),
    ("Sono in ferie fino al 18/09 compreso", "2026-09-19"),
    ("Estarei ausente até ao dia 18 de setembro.", "2026-09-19"),
    ("Estou de férias de 7 a 18 de setembro.", "2026-09-19"),
    ("Regresso dia 21/09.", "2026-09-21"),
    ("Ik ben afwezig van 7 tot en met 18 september.", "2026-09-19"),
    ("Ik ben met vakantie en ben vanaf maandag 21 september weer bereikbaar.", "2026-09-21"),
    ("Jag är på semester t.o.m. 18/9 och är tillbaka måndag 21/9.", "2026-09-21"),
    ("Jeg er på ferie til og med 18. september.", "2026-09-19"),
    ("Jeg er tilbake på kontoret mandag 21. september", "2026-09-21"),
    ("Jeg er tilbage den 21/9", "2026-09-21"),
    ("Olen lomalla 7.-18.9. Palaan töihin 21.9.", "2026-09-21"),
    ("Palaan maanantaina 21. syyskuuta.", "2026-09-21"),
    ("Będę nieobecny w dniach 7-18 września 2026.", "2026-09-19"),
    ("Jestem na urlopie do 18.09.2026 włącznie.", "2026-09-19"),
    ("Jsem na dovolené od 7. do 18. září.", "2026-09-19"),
    ("Vrátím se 21. září.", "2026-09-21"),
    ("Som na dovolenke do 18. septembra. Vrátim sa 21.9.", "2026-09-21"),
    ("Szeptember 7-től 18-ig szabadságon vagyok.", "2026-09-19"),
    ("2026. szeptember 21-én jövök vissza", "2026-09-21"),
    ("Sunt în concediu până pe 18 septembrie.", "2026-09-19"),
    ("Voi reveni la birou pe 21 septembrie.", "2026-09-21"),
    ("18 Eylül'e kadar izindeyim.", "2026-09-19"),
    ("7-18 Eylül tarihleri arasında izindeyim.", "2026-09-19"),
    ("21 Eylül Pazartesi günü ofise döneceğim.", "2026-09-21"),
    ("Θα απουσιάζω έως τις 18 Σεπτεμβρίου.", "2026-09-19"),
    ("Θα επιστρέψω στις 21/9.", "2026-09-21"),
    ("Я в отпуске с 7 по 18 сентября.", "2026-09-19"),
    ("Я в отпуске до 18.09.2026.", "2026-09-19"),
    ("Вернусь на работу 21 сентября", "2026-09-21"),
    ("Я у відпустці з 7 до 18 вересня.", "2026-09-19"),
    ("Повернуся 21 вересня 2026 року.", "2026-09-21"),
    ("В отпуск съм до 18 септември включително.", "2026-09-19"),
    ("Ще се върна на 21 септември.", "2026-09-21"),
    ("Na godišnjem sam odmoru do 18. rujna.", "2026-09-19"),
    ("Vraćam se 5. listopada.", "2026-10-05"),
    ("Na dopustu sem do 18. septembra.", "2026-09-19"),
    ("Olen puhkusel kuni 18. septembrini.", "2026-09-19"),
    ("Atvaļinājumā līdz 18. septembrim.", "2026-09-19"),
    ("Atostogauju iki rugsėjo 18 d.", "2026-09-19"),
    ("Grįšiu rugsėjo 21 d.", "2026-09-21"),
    ("Saya cuti sampai 18 September 2026.", "2026-09-19"),
    ("Saya akan kembali pada tanggal 21 September.", "2026-09-21"),
    ("Tôi nghỉ phép đến hết ngày 18/9.", "2026-09-19"),
    ("Tôi sẽ trở lại làm việc vào ngày 21 tháng 9 năm 2026.", "2026-09-21"),
    ("ลาพักร้อนถึงวันที่ 18 กันยายน", "2026-09-19"),
    ("จะกลับมาทำงานวันที่ 21 กันยายน 2026", "2026-09-21"),
    ("9月14日から18日まで夏季休暇をいただきます。", "2026-09-19"),
    ("9月18日まで不在にしております。", "2026-09-19"),
    ("休暇中です。９月２１日（月）から出社します。", "2026-09-21"),
    ("我正在休假，9月21日返回办公室。", "2026-09-21"),
    ("我将休假至9月18日。", "2026-09-19"),
    ("9월 14일부터 18일까지 휴가입니다.", "2026-09-19"),
    ("9월 21일(월)에 복귀합니다.", "2026-09-21"),
    ("אני בחופשה עד ה-18.9.2026", "2026-09-19"),
    ("אחזור למשרד ביום ראשון, 20 בספטמבר", "2026-09-20"),
    ("أنا في إجازة حتى 18 سبتمبر 2026", "2026-09-19"),
    ("سأعود يوم الأحد 20 سبتمبر", "2026-09-20"),
    ("I am out on holiday until 12/10.", "2026-10-13"),
    ("I'm on PTO until 10/12.", "2026-10-13"),
    ("I am on annual leave and back on Tuesday 06/10/2026", "2026-10-06"),
    ("I am traveling, back in October", "2026-10-01"),
    ("Out of office 8th September only", "2026-09-09"),
    ("I am out of the office on Wednesday 9 September.", "2026-09-10"),
    ("Office closed for Labor Day. Back 9/9.", "2026-09-09"),
    ("Will be back: 14-Sep-2026", "2026-09-14"),
    ("Returning 2026-09-21 08:00", "2026-09-21"),
    ("I'm OOO 9/8-9/11", "2026-09-12"),
    ("I will return to the office after September 18.", "2026-09-19"),
    ("I'm not in the office until Tuesday.", "2026-09-16"),
    ("Ich bin diese Woche nicht im Büro.", "2026-09-12"),
    ("Ich bin nächste Woche wieder da.", "2026-09-14"),
    ("De retour lundi prochain.", "2026-09-14"),
    ("I'm attending the trade show 14-17 September and will reply when I'm back.", "2026-09-18"),
]
UNDATED = [
    "I work part time and do not read mails on Fridays.",
    "I am out of the office until further notice.",
    "I was out until 5 September.",
    "Visit us at the fair on 20 September! I am away.",
    "Our version 2.10.1 was released. I am out of office. Call 555-10-12.",
    "Jag har semester vecka 37-38.",
    "I'm away. From 14 September my colleague Ann will take over.",
    "Maternity leave until 1 Dec 2027",
]
PEOPLE = [
    "I'm on vacation until the 20th, let's talk after that.",
    "Back on Monday, call me then.",
    "Sounds good. I am out of the office until 18 September, could we speak on the 21st?",
    "Thanks for your email. I'm away next week, but send me the prices.",
    "Ich bin bis 18.9. im Urlaub, danach gern.",
    "Je suis en congé jusqu'au 18 septembre, rappelez-moi ensuite.",
    "Our office in Oslo is closed until October, the one in Bergen is open.",
    "What happens when a contact is out of office? Do you resume by yourself?",
]


@pytest.mark.parametrize(("text", "expected"), DATED)
def test_the_first_day_back_is_found(text: str, expected: str) -> None:
    found = find_absence("", text, RECEIVED, is_automatic=True)
    assert found is not None
    assert found.until == date.fromisoformat(expected), found.reason


@pytest.mark.parametrize("text", UNDATED)
def test_a_date_that_says_nothing_of_a_return_is_not_taken(text: str) -> None:
    found = find_absence("", text, RECEIVED, is_automatic=True)
    assert found is not None
    assert found.until is None, found.reason


@pytest.mark.parametrize("text", PEOPLE)
def test_mentioning_an_absence_is_not_an_automatic_reply(text: str) -> None:
    assert find_absence("Re: Hello", text, RECEIVED, is_automatic=False) is None


def test_a_text_that_calls_itself_automatic_needs_no_header() -> None:
    text = "This is an automated note: I'm on holiday and not reading mail; I'll be at work again on September 29."
    found = find_absence("Re: Hello", text, RECEIVED, is_automatic=False)
    assert found is not None
    assert found.until == date(2026, 9, 29)


def test_the_subject_is_settled_by_the_text() -> None:
    found = find_absence(
        "Ada is out of the office (returning 09/10/2026)",
        "I will be away and return on Friday the 9th of October.",
        RECEIVED,
        is_automatic=True,
    )
    assert found is not None
    assert found.until == date(2026, 10, 9)


def test_a_reason_quotes_the_words_that_were_read() -> None:
    found = find_absence("", "I am back on 21 September.", RECEIVED, is_automatic=True)
    assert found is not None
    assert found.reason == 'the day of return: "I am back on 21 September."'


@given(st.text(alphabet="0123456789/.-,: backuntilonthMarchMay月日まで до\n", max_size=120), st.booleans())
def test_a_day_of_return_is_never_past_and_within_bounds(text: str, is_automatic: bool) -> None:
    found = find_absence(f"back on {text}", f"until {text}", RECEIVED, is_automatic=is_automatic)
    if found is not None and found.until is not None:
        assert RECEIVED <= found.until <= RECEIVED + timedelta(days=LONGEST_DAYS)


@given(st.text(max_size=300), st.text(max_size=300), st.dates(date(2020, 1, 1), date(2040, 12, 31)))
def test_no_text_raises(subject: str, text: str, received_on: date) -> None:
    find_absence(subject, text, received_on, is_automatic=True)
