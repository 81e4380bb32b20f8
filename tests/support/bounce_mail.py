"""A mail server's report that a mail was not delivered (RFC 3464)."""

from __future__ import annotations

from email import message_from_string, policy
from email.message import EmailMessage as Mail


def bounce(recipient: str, message_id: str, status: str) -> Mail:
    raw = f"""From: MAILER-DAEMON@mx.prospect.example
To: sdr@sender.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce-{status}@mx.prospect.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

Your mail was not delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.prospect.example

Final-Recipient: rfc822; {recipient}
Action: failed
Status: {status}
Diagnostic-Code: smtp; 550 {status} User unknown

--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
Subject: Hello

--b--
"""
    mail = message_from_string(raw, policy=policy.default)
    assert isinstance(mail, Mail)
    return mail
