"""What an incoming mail means: bounce, complaint, automatic answer, opt-out, reply, or nothing to us. Pure.

Reports first, automatic answers next: what is left from a person is a reply. Must not know our messages; whether the
mail concerns any of them is said by `match`.
"""

from __future__ import annotations

import re
from datetime import datetime, tzinfo

from emails.choices import EventType
from emails.inbound.findings import Finding
from emails.inbound.parse import InboundMail
from emails.inbound.reports import read_bounce, read_complaint
from emails.inbound.text.alternate import find_alternate
from emails.inbound.text.opt_out import asks_to_stop
from emails.inbound.text.return_date import find_return_at

# At the start only: "Re: Out of office" is somebody talking about it.
_AUTOMATIC_SUBJECT = re.compile(
    r"^\W*(auto(matic)?[ -]?(reply|response|antwort)|autoreply|out[ -]of[ -](the[ -])?office|ooo\b|on (vacation|leave)|"
    r"(automatische|abwesenheits)[ -]?(antwort|notiz|meldung|benachrichtigung|mitteilung)|abwesen(d|heit)|"
    r"nicht im (büro|haus)|réponse automatique|absence du bureau|absent du bureau|"
    r"respuesta automática|fuera de la oficina|risposta automatica|fuori (sede|ufficio)|"
    r"resposta automática|fora do escritório|automatisch antwoord|afwezig|automatiskt? svar|autosvar|frånvaro|fravær|"
    r"automaattinen vastaus|poissa|autom(atická|atyczna) odpov?(ěď|iedź|owiedź)|автоответ|автоматический ответ|"
    r"otomatik yanıt|自動返信|自動応答|自动回复|自动答复|不在)",
    re.IGNORECASE,
)
_CHALLENGE = re.compile(
    r"complete the verification process|confirm that you are (a person|human|not a (robot|machine))|"
    r"sender verification|verify your (email|address) .{0,40}(deliver|inbox)|protecting (my|our) inbox from|"
    r"\bboxbee\b|\bspam ?arrest\b",
    re.IGNORECASE,
)
_NO = {"", "no"}
_AUTOMATIC_PRECEDENCE = {"auto_reply", "auto-reply"}
_BULK_PRECEDENCE = {"bulk", "junk", "list"}
_TEXT_KEPT = 500


def classify_mail(mail: InboundMail, received_at: datetime, zone: tzinfo) -> tuple[Finding, ...]:
    """The facts in a mail; empty when it is nothing to us. `zone`: in which a return date is meant."""
    complaint = read_complaint(mail)
    if complaint is not None:
        return complaint
    bounce = read_bounce(mail)
    if bounce is not None:
        return bounce
    # a read receipt (RFC 8098) calls itself automatic too, and says nothing about anybody's absence
    if mail.message.get_content_type() == "multipart/report":
        return ()
    if _is_challenge(mail):
        return ()
    if is_automatic(mail):
        until_at = find_return_at(f"{mail.subject}\n{mail.new_text}", received_at, zone)
        alternate = find_alternate(mail.new_text, mail.sender)
        said = f"{mail.subject}; names {alternate} instead" if alternate else mail.subject
        return (Finding(EventType.AUTO_REPLIED, until_at=until_at, detail=said[:_TEXT_KEPT], alternate=alternate),)
    if _is_circular(mail):
        return ()
    reply = Finding(EventType.REPLIED, detail=(mail.new_text or mail.subject)[:_TEXT_KEPT])
    if asks_to_stop(mail.subject, mail.new_text):
        return (Finding(EventType.UNSUBSCRIBED, detail=f"asked for in a reply: {mail.new_text}"[:_TEXT_KEPT]), reply)
    return (reply,)


def is_automatic(mail: InboundMail) -> bool:
    """Whether no person wrote it for this occasion (RFC 3834 section 5, and the headers from before it)."""
    if mail.header("Auto-Submitted").partition(";")[0].strip().lower() not in _NO:
        return True
    if mail.has("X-Autoreply") or mail.has("X-Autorespond") or mail.has("X-Auto-Reply-From"):
        return mail.header("X-Autoreply").lower() != "no"
    precedence = mail.header("Precedence").lower()
    if precedence in _AUTOMATIC_PRECEDENCE:
        return True
    # a mailing list is bulk too, but it answers nobody
    if precedence in _BULK_PRECEDENCE and mail.named_ids and not _has_list_headers(mail):
        return True
    return bool(_AUTOMATIC_SUBJECT.match(mail.subject))


def _is_challenge(mail: InboundMail) -> bool:
    """A filter that wants to be convinced that a person wrote: nobody has read our mail, and nobody is away."""
    if mail.has("X-Boxbee-ID") or "tmda" in mail.header("X-Delivery-Agent").lower():
        return True
    return bool(_CHALLENGE.search(f"{mail.subject}\n{mail.new_text[:_TEXT_KEPT]}"))


def _is_circular(mail: InboundMail) -> bool:
    """A newsletter or a list's mail that answers nothing, even when it comes from a contact's address."""
    if mail.named_ids:
        return False
    return _has_list_headers(mail) or mail.header("Precedence").lower() in _BULK_PRECEDENCE


def _has_list_headers(mail: InboundMail) -> bool:
    return mail.has("List-Id") or mail.has("List-Unsubscribe")
