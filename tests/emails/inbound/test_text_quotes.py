"""What is new in a reply, whatever mail program and language quoted the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emails.inbound.text.quotes import split_quoted

NEW = "Sounds good.\nCall me at 10:00\n\nJo"
INTRODUCTIONS = [
    "Ada Lovelace <ada@b.example> schrieb am So., 1.\nMärz 2026, 21:08:",
    "Date: Mon, 2 Mar 2026 10:00:00 +0000 From: ada@b.example To: Jo Subject: Hello",
    "On Mon, Mar 2, 2026 at 10:00 AM Ada Lovelace <ada@b.example> wrote:",
    "On Mon, Mar 2, 2026 at 10:00 AM Ada Lovelace <ada@b.example>\nwrote:",
    "On Mon, 2 Mar 2026 at 10:00, Ada Lovelace of the Analytical Engine Company\n<ada@b.example> wrote:",
    "Am Mo., 2. März 2026 um 10:00 Uhr schrieb Ada Lovelace <ada@b.example>:",
    "Le lun. 2 mars 2026 à 10:00, Ada Lovelace <ada@b.example> a écrit :",
    "El lun, 2 mar 2026 a las 10:00, Ada (<ada@b.example>) escribió:",
    "Il giorno lun 2 mar 2026 alle ore 10:00 Ada <ada@b.example> ha\nscritto:",
    "Em seg., 2 de mar. de 2026 às 10:00, Ada <ada@b.example> escreveu:",
    "Op ma 2 mrt 2026 om 10:00 schreef Ada <ada@b.example>:",
    "Den mån 2 mars 2026 kl 10:00 skrev Ada <ada@b.example>:",
    "man. 2. mars 2026 kl. 10:00 skrev Ada <ada@b.example>:",
    "Den man. 2. mar. 2026 kl. 10.00 skrev Ada <ada@b.example>:",
    "ma 2. maalisk. 2026 klo 10.00 Ada (ada@b.example) kirjoitti:",
    "pon., 2 mar 2026 o 10:00 Ada <ada@b.example> napisał(a):",
    "W dniu pon., 2.03.2026 o 10:00 Ada <ada@b.example> napisał(a):",
    "po 2. 3. 2026 v 10:00 odesílatel Ada <ada@b.example> napsal:",
    "po 2. 3. 2026 o 10:00 Ada <ada@b.example> napísal(a):",
    "Ada <ada@b.example> ezt írta (időpont: 2026. márc. 2., H, 10:00):",
    "În lun., 2 mar. 2026 la 10:00, Ada <ada@b.example> a scris:",
    "Ada <ada@b.example>, 2 Mar 2026 Pzt, 10:00 tarihinde şunu yazdı:",
    "пн, 2 мар. 2026 г. в 10:00, Ada <ada@b.example>:",
    "пн, 2 бер. 2026 р. о 10:00 Ada <ada@b.example> пише:",
    "На пн, 2.03.2026 г. в 10:00 ч. Ada <ada@b.example> написа:",
    "Στις Δευ 2 Μαρ 2026 στις 10:00 π.μ., ο χρήστης Ada <ada@b.example> έγραψε:",
    "2026年3月2日(月) 10:00 Ada <ada@b.example>:",
    "Ada <ada@b.example> 于2026年3月2日周一 10:00写道：",
    "2026년 3월 2일 (월) 오전 10:00, Ada <ada@b.example>님이 작성:",
    "\u202bבתאריך יום ב׳, 2 במרץ 2026 ב-10:00 מאת \u202aAda\u202c\u200f <\u202aada@b.example\u202c\u200f>:\u202c",
    "في الاثنين، 2 مارس 2026 في 10:00 ص تمت كتابة ما يلي بواسطة Ada <ada@b.example>:",
    "Vào Th 2, 2 thg 3, 2026 vào lúc 10:00 Ada <ada@b.example> đã viết:",
    "ในวันที่ จ. 2 มี.ค. 2026 เวลา 10:00 Ada <ada@b.example> เขียนว่า:",
    "Pada tanggal Sen, 2 Mar 2026 pukul 10.00 Ada <ada@b.example> menulis:",
    "Le 02/03/2026 à 10:00, Ada Lovelace a écrit :",
    "Am 02.03.26 um 10:00 schrieb Ada Lovelace:",
    'On 3/2/26, 10:00 AM, "Ada Lovelace" <ada@b.example> wrote:',
    "On Monday, March 2, 2026 at 10:00:00 AM GMT+1, Ada <ada@b.example> wrote:",
    "Ada Lovelace <ada@b.example> schrieb am 02.03.2026 10:00:00:",
    "Ada Lovelace/ENGINE/DE wrote on 02/03/2026 10:00:00:",
    "---- On Mon, 02 Mar 2026 10:00:00 +0100 Ada <ada@b.example> wrote ----",
    "In a message dated 3/2/2026 10:00:00 A.M. Eastern Standard Time, ada@b.example writes:",
    "-----Original Message-----",
    "-----Ursprüngliche Nachricht-----",
    "-----Message d'origine-----",
    "-------- Původní zpráva --------",
    "---------- Forwarded message ---------",
    "Begin forwarded message:",
    "-----Ada Lovelace <ada@b.example> wrote: -----",
    "From: Ada <ada@b.example>\nSent: Monday, March 2, 2026 10:00 AM\nTo: Jo\nSubject: Hello",
    "*From:* Ada\n*Sent:* Monday",
    "________________________________\nFrom: Ada <ada@b.example>\nSent: Monday\nTo: Jo",
    "Von: Ada <ada@b.example>\nGesendet: Montag, 2. März 2026 10:00\nAn: Jo\nBetreff: Hallo",
    "De : Ada <ada@b.example>\nEnvoyé : lundi 2 mars 2026 10:00\nÀ : Jo\nObjet : Bonjour",
    "De: Ada <ada@b.example>\nEnviado el: lunes, 2 de marzo de 2026 10:00\nPara: Jo\nAsunto: Hola",
    "De: Ada <ada@b.example>\nEnviada em: segunda-feira, 2 de março de 2026 10:00\nPara: Jo\nAssunto: Olá",
    "Da: Ada <ada@b.example>\nInviato: lunedì 2 marzo 2026 10:00\nA: Jo\nOggetto: Ciao",
    "Van: Ada <ada@b.example>\nVerzonden: maandag 2 maart 2026 10:00\nAan: Jo\nOnderwerp: Hallo",
    "Från: Ada <ada@b.example>\nSkickat: den 2 mars 2026 10:00\nTill: Jo\nÄmne: Hej",
    "Fra: Ada <ada@b.example>\nSendt: 2. mars 2026 10:00\nTil: Jo\nEmne: Hei",
    "Lähettäjä: Ada <ada@b.example>\nLähetetty: maanantai 2. maaliskuuta 2026 10.00\nVastaanottaja: Jo\nAihe: Hei",
    "From: Ada\nDate: Monday, 2 March 2026 at 10:00\nTo: Jo\nSubject: Hi",
    "Od: Ada <ada@b.example>\nWysłano: poniedziałek, 2 marca 2026 10:00\nDo: Jo\nTemat: Hej",
    "Od: Ada <ada@b.example>\nOdesláno: pondělí 2. března 2026 10:00\nKomu: Jo\nPředmět: Ahoj",
    "Od: Ada <ada@b.example>\nOdoslané: pondelok 2. marca 2026 10:00\nKomu: Jo\nPredmet: Ahoj",
    "Feladó: Ada <ada@b.example>\nElküldve: 2026. március 2. 10:00\nCímzett: Jo\nTárgy: Szia",
    "De la: Ada <ada@b.example>\nTrimis: luni, 2 martie 2026 10:00\nCătre: Jo\nSubiect: Salut",
    "Kimden: Ada <ada@b.example>\nGönderildi: 2 Mart 2026 Pazartesi 10:00\nKime: Jo\nKonu: Merhaba",
    "От: Ada <ada@b.example>\nОтправлено: 2 марта 2026 г. 10:00\nКому: Jo\nТема: Привет",
    "Від: Ada <ada@b.example>\nНадіслано: 2 березня 2026 р. 10:00\nКому: Jo\nТема: Привіт",
    "Από: Ada <ada@b.example>\nΣτάλθηκε: Δευτέρα, 2 Μαρτίου 2026 10:00\nΠρος: Jo\nΘέμα: Γεια",
    "差出人: Ada <ada@b.example>\n送信日時: 2026年3月2日 10:00\n宛先: Jo\n件名: こんにちは",
    "发件人: Ada <ada@b.example>\n发送时间: 2026年3月2日 10:00\n收件人: Jo\n主题: 你好",
    "보낸 사람: Ada <ada@b.example>\n보낸 날짜: 2026년 3월 2일 10:00\n받는 사람: Jo\n제목: 안녕",
    "מאת: Ada <ada@b.example>\nנשלח: יום שני 2 מרץ 2026 10:00\nאל: Jo\nנושא: שלום",
    "من: Ada <ada@b.example>\nتاريخ الإرسال: 2 مارس 2026 10:00\nإلى: Jo\nالموضوع: مرحبا",
]
FOOTERS = [
    "Sent from my iPhone",
    "Sent from Outlook for iOS",
    "Get Outlook for Android",
    "Von meinem iPhone gesendet",
    "Gesendet mit der GMX Mail App",
    "Envoyé de mon iPhone",
    "Enviado desde mi iPhone",
    "Inviato da iPhone",
    "Verzonden vanaf mijn iPhone",
    "Skickat från min iPhone",
    "Sendt fra min iPhone",
    "Lähetetty iPhonesta",
    "Wysłane z iPhone'a",
    "Odesláno z iPhonu",
    "Отправлено с iPhone",
    "Надіслано з iPhone",
    "iPhoneから送信",
    "发自我的iPhone",
    "나의 iPhone에서 보냄",
    "iPhone'umdan gönderildi",
    "נשלח מה-iPhone שלי",
    "Enviado do meu iPhone",
]
ALL_NEW = [
    "We read mail that comes from: a@b.example and from: c@d.example\n\nIt comes From: our database.",
    "Points\n----\n\n1. Faster\n\n----\n\nThese dashes are mine.\n\n====\n\nThese too.",
    "2026-01-15 14:30:25\n15.01.2026 14:30\n01/15/2026 at 2:30 PM\n\nThese are my times.",
    "On the one hand it is good.\n\nOn the other it is dear.",
    "My questions on Monday at 10:00:\n- price\n- time",
    "From: Oslo\nTo: Bergen\nDate: Monday",
    "Hi Ada,\nour address: Street 5\nPhone: 123\nContact: jo@x.example",
    "Sent from our Oslo warehouse on Monday.",
    "Items:\n- one\n- two",
    "We wrote to you on 2 March 2026: no answer came.",
    "Here is what I need:\nPrice: 5\nTo: me",
]


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("quoted", ["Hello\nunsubscribe here", "> Hello\n> unsubscribe here"])
def test_a_quoted_message_is_not_new(introduction: str, quoted: str, line_end: str) -> None:
    text = f"{NEW}\n\n{introduction}\n\n{quoted}\n".replace("\n", line_end)
    split = split_quoted(text)
    assert split.new == NEW
    assert "unsubscribe here" in split.quoted


@pytest.mark.parametrize("footer", FOOTERS)
def test_the_footer_of_a_phone_is_not_new(footer: str) -> None:
    assert split_quoted(f"Yes.\n\n{footer}\n").new == "Yes."


@pytest.mark.parametrize("text", ALL_NEW)
def test_ordinary_lines_are_not_taken_for_a_quote(text: str) -> None:
    assert split_quoted(text).new == text


def test_answers_between_quoted_lines_are_new() -> None:
    text = (
        "On 2 March 2026, Ada wrote:\n> Can we talk?\n\nYes, on Monday.\n\n> And the price?\nToo high.\n-- \nJo\nCEO\n"
    )
    split = split_quoted(text)
    assert split.new == "Yes, on Monday.\n\nToo high."
    assert split.quoted.splitlines()[-2:] == ["Jo", "CEO"]


def test_an_answer_below_the_quote_is_new() -> None:
    text = "On 2 March 2026 at 10:00, Ada <a@b.example> wrote:\n> Hello\n\nNo thanks.\n"
    assert split_quoted(text).new == "No thanks."


@given(st.text(alphabet="ab>:-_@. \n0123On wrote", max_size=300))
def test_no_line_is_lost(text: str) -> None:
    split = split_quoted(text)
    kept = sorted(line.strip() for line in [*split.new.splitlines(), *split.quoted.splitlines()] if line.strip())
    assert kept == sorted(line.strip() for line in text.splitlines() if line.strip())


@given(st.text(max_size=500))
def test_no_text_raises(text: str) -> None:
    split_quoted(text)
