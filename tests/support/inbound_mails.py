"""Mails as they come in, written down the way servers write them."""

from __future__ import annotations

from datetime import UTC, date, datetime

from emails.inbound.classify import classify_mail
from emails.inbound.findings import Finding
from emails.inbound.parse import InboundMail, parse_mail

RECEIVED = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
RECEIVED_ON = date(2026, 3, 2)
OURS = "<ours@sender.example>"


def mail(text: str = "Sounds good.", **headers: str) -> InboundMail:
    """A mail from a contact; keyword `X_Header` sets the header `X-Header`."""
    given = {"From": "Jo <jo@prospect.example>", "Subject": "Re: Hello", "Message-ID": "<theirs@prospect.example>"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return parse_mail(f"{lines}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}".encode())


def classify(found: InboundMail) -> tuple[Finding, ...]:
    return classify_mail(found, RECEIVED_ON).findings


def delivery_report(
    *recipients: str, original: str = f"Message-ID: {OURS}\n", subject: str = "Failure notice"
) -> bytes:
    """A report by RFC 3464; each of `recipients` is one group of fields."""
    groups = "\n".join(f"{fields.strip()}\n" for fields in recipients)
    return f"""From: Mail Delivery System <MAILER-DAEMON@mx.example>
To: sdr@sender.example
Subject: Failure notice
Message-ID: <report@mx.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

This is the mail system. I'm sorry to have to inform you.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Mon, 2 Mar 2026 09:00:00 +0000

{groups}
--b
Content-Type: message/rfc822

From: sdr@sender.example
Message-ID: {OURS}
Subject: Hello

A word about your work.

--b--
""".encode()


def feedback_report(fields: str) -> bytes:
    """A complaint by RFC 5965."""
    return f"""From: <abuse@isp.example>
To: sdr@sender.example
Subject: FW: Hello
Message-ID: <complaint@isp.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an email abuse report.

--b
Content-Type: message/feedback-report

{fields.strip()}

--b
Content-Type: message/rfc822

From: sdr@sender.example
Message-ID: {OURS}
Subject: Hello

A word about your work.

--b--
""".encode()
