"""Tries the logins of a mailbox for the user who sets it up. Sends nothing and reads no mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imapclient.exceptions import IMAPClientError

from common.deadlines import Deadline
from emails.choices import Inbound
from emails.choices import Transport as TransportName
from emails.transport import oauth
from emails.transport.errors import tidy_error
from emails.transport.imap_login import log_in_to_imap
from emails.transport.send_result import LoginReport
from emails.transport.smtp import SmtpTransport
from emails.transport.smtp_replies import describe

if TYPE_CHECKING:
    from emails.models.mailbox import Mailbox

_NO_TIME = "not tried, because the time for the test is over: test again"


def report_login(mailbox: Mailbox, seconds: float) -> LoginReport:
    """Log in to SMTP and, if the mailbox reads its inbox by IMAP, to IMAP, within so many seconds in all.

    With both, SMTP has half of the time. An ESP's keys are tried by its first use.
    """
    deadline = Deadline(seconds)
    uses_imap = mailbox.inbound == Inbound.IMAP
    smtp_error = None
    if mailbox.transport == TransportName.SMTP:
        limit = seconds / 2 if uses_imap else seconds
        refused = SmtpTransport(mailbox, operation_seconds=limit, message_seconds=limit).check_login()
        smtp_error = refused.error if refused else None
    return LoginReport(smtp_error, _check_imap(mailbox, deadline) if uses_imap else None, uses_imap)


def _check_imap(mailbox: Mailbox, deadline: Deadline) -> str | None:
    if deadline.is_over:
        return _NO_TIME
    where = f"{mailbox.imap_host}:{mailbox.imap_port}"
    try:
        with log_in_to_imap(mailbox, deadline.remaining(3600)):
            pass
    except (IMAPClientError, OSError, oauth.TokenRefused, oauth.TokenUnavailable) as error:
        error_text = describe(error) if isinstance(error, OSError) else str(error)
        return tidy_error(f"{where}: {error_text}", oauth.list_secrets(mailbox.credentials))
    return None
