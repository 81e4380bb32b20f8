"""The mails that scripted people and their servers write back, in the shapes that real ones have. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage as Mime
from email.utils import format_datetime

from simulation.trial_cast import AWAY_DAYS, Action

_REPORTED = {
    Action.BOUNCE_HARD: ("5.1.1", "550 5.1.1 The email account that you tried to reach does not exist"),
    Action.BOUNCE_SOFT: ("4.2.2", "452 4.2.2 The email account that you tried to reach is over quota"),
}


def write_back(
    action: Action, received: Mime, address: str, sender: str, at: datetime, text: str = "Thank you, let us talk soon."
) -> bytes:
    """What arrives in `sender`'s inbox when the person at `address` does that with the mail `received`.

    `text`: what a reply says.
    """
    match action:
        case Action.REPLY:
            return _answer(received, address, sender, at, _quote(received, sender, text))
        case Action.OPT_OUT:
            return _answer(received, address, sender, at, _quote(received, sender, "Please remove me"))
        case Action.OUT_OF_OFFICE:
            back = at + timedelta(days=AWAY_DAYS)
            away = f"I am out of the office and will be back on {back:%d %B %Y}.\r\n"
            headers = {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All", "Precedence": "bulk"}
            return _answer(received, address, sender, at, away, headers, subject="Automatic reply: away")
        case Action.COMPLAIN:
            return _report_complaint(received, address, sender, at)
        case Action.BOUNCE_HARD | Action.BOUNCE_SOFT:
            return _report_delivery(action, received, address, sender, at)
    raise ValueError(f"no mail is written to {action}")


def _answer(
    received: Mime,
    address: str,
    sender: str,
    at: datetime,
    text: str,
    headers: Mapping[str, str] | None = None,
    subject: str = "",
) -> bytes:
    answer = Mime()
    answer["From"], answer["To"] = address, sender
    answer["Subject"] = subject or f"Re: {str(received['Subject']).removeprefix('Re: ')}"
    answer["Date"] = format_datetime(at)
    ours = str(received["Message-ID"])
    answer["Message-ID"] = f"<re.{ours.strip('<>').partition('@')[0]}.{at.timestamp():.0f}@{address.partition('@')[2]}>"
    answer["In-Reply-To"] = ours
    answer["References"] = ours
    for name, value in (headers or {}).items():
        answer[name] = value
    answer.set_content(text)
    return answer.as_bytes()


def _quote(received: Mime, sender: str, text: str) -> str:
    body = received.get_body(("plain",))
    quoted = "".join(f"> {line}\r\n" for line in (body.get_content() if body else "").splitlines()[:20])
    return f"{text}\r\n\r\nOn Mon, {sender} wrote:\r\n{quoted}"


def _original_headers(received: Mime) -> str:
    return "".join(f"{name}: {received[name]}\r\n" for name in ("From", "To", "Subject", "Message-ID", "Date"))


def _report_delivery(action: Action, received: Mime, address: str, sender: str, at: datetime) -> bytes:
    """RFC 3464."""
    code, text = _REPORTED[action]
    return _report(
        *("delivery-status", "Delivery Status Notification (Failure)", f"mailer-daemon@{address.partition('@')[2]}"),
        *(sender, at),
        text=f"Your message wasn't delivered to {address}.\r\n",
        status=(
            f"Reporting-MTA: dns; mx.{address.partition('@')[2]}\r\n\r\nFinal-Recipient: rfc822; {address}\r\n"
            f"Action: failed\r\nStatus: {code}\r\nDiagnostic-Code: smtp; {text}\r\n"
        ),
        original=_original_headers(received),
    )


def _report_complaint(received: Mime, address: str, sender: str, at: datetime) -> bytes:
    """RFC 5965."""
    return _report(
        *("feedback-report", "Abuse report", f"feedback@{address.partition('@')[2]}", sender, at),
        text="This is an email abuse report.\r\n",
        status=(
            "Feedback-Type: abuse\r\nUser-Agent: Trial/1.0\r\nVersion: 1\r\n"
            f"Original-Rcpt-To: {address}\r\nOriginal-Mail-From: {sender}\r\n"
        ),
        original=_original_headers(received),
    )


def _report(
    kind: str, subject: str, writer: str, sender: str, at: datetime, *, text: str, status: str, original: str
) -> bytes:
    boundary = f"report-{at.timestamp():.0f}"
    return (
        f"From: {writer}\r\nTo: {sender}\r\nSubject: {subject}\r\nDate: {format_datetime(at)}\r\n"
        f"Message-ID: <{kind}.{at.timestamp():.6f}.{writer}>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type={kind}; boundary="{boundary}"\r\n\r\n'
        f"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        f"--{boundary}\r\nContent-Type: message/{kind}\r\n\r\n{status}\r\n"
        f"--{boundary}\r\nContent-Type: text/rfc822-headers\r\n\r\n{original}\r\n--{boundary}--\r\n"
    ).encode()
