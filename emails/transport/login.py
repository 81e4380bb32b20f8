"""Tries the logins of a mailbox for the user who sets it up. Sends nothing and reads no mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from emails.choices import AuthMethod, Inbound, Security
from emails.choices import Transport as TransportName
from emails.transport import oauth
from emails.transport.errors import tidy_error
from emails.transport.send_result import LoginReport
from emails.transport.smtp import SmtpTransport, describe
from emails.transport.tls import make_tls_context

if TYPE_CHECKING:
    from emails.models.mailbox import Mailbox

LOGIN_SECONDS = 15.0


def report_login(mailbox: Mailbox) -> LoginReport:
    """Log in to SMTP and, if the mailbox reads its inbox by IMAP, to IMAP. An ESP's keys are tried by its first use."""
    smtp_error = None
    if mailbox.transport == TransportName.SMTP:
        transport = SmtpTransport(mailbox, operation_seconds=LOGIN_SECONDS, message_seconds=LOGIN_SECONDS)
        refused = transport.check_login()
        smtp_error = refused.error if refused else None
    uses_imap = mailbox.inbound == Inbound.IMAP
    return LoginReport(smtp_error, _check_imap(mailbox) if uses_imap else None, uses_imap)


def _check_imap(mailbox: Mailbox) -> str | None:
    where = f"{mailbox.imap_host}:{mailbox.imap_port}"
    try:
        _log_in_to_imap(mailbox)
    except (IMAPClientError, OSError, oauth.TokenRefused, oauth.TokenUnavailable) as error:
        error_text = describe(error) if isinstance(error, OSError) else str(error)
        return tidy_error(f"{where}: {error_text}", oauth.list_secrets(mailbox.credentials))
    return None


def _log_in_to_imap(mailbox: Mailbox) -> None:
    context = None if mailbox.imap_security == Security.NONE else make_tls_context(mailbox)
    is_tls = mailbox.imap_security == Security.TLS
    client = IMAPClient(
        mailbox.imap_host,
        mailbox.imap_port,
        ssl=is_tls,
        ssl_context=context if is_tls else None,
        timeout=LOGIN_SECONDS,
    )
    with client:
        if mailbox.imap_security == Security.STARTTLS:
            client.starttls(context)
        user = mailbox.imap_username or mailbox.smtp_username or mailbox.address
        if mailbox.auth_method in {AuthMethod.GOOGLE, AuthMethod.MICROSOFT}:
            client.oauth2_login(user, oauth.get_access_token(mailbox))
        else:
            secrets = mailbox.credentials
            client.login(user, str(secrets.get("imap_password") or secrets.get("password", "")))
