"""Connects and logs in to a mailbox's IMAP server (RFC 3501), for reading and for the test of the login."""

from __future__ import annotations

import imaplib
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

from common.deadlines import Deadline, hang_up_after
from common.dialler import members_dialler
from emails.choices import AuthMethod, Security
from emails.transport import oauth
from emails.transport.tls import make_tls_context

if TYPE_CHECKING:
    from emails.models.mailbox import Mailbox

READ_SECONDS = 15.0
# LOGOUT is answered within this time, or the connection is closed without.
_LOGOUT_SECONDS = 1.0


class _Line:
    """Opens the connection of one session. `sock` is known before the server has greeted."""

    def __init__(self, mailbox: Mailbox, context: ssl.SSLContext | None, deadline: Deadline) -> None:
        self._host, self._port = mailbox.imap_host, mailbox.imap_port
        self._context = context
        self._deadline = deadline
        self.sock: socket.socket | None = None

    def dial(self) -> socket.socket:
        sock = members_dialler().connect(self._host, self._port, self._deadline, at_most=READ_SECONDS)
        sock.settimeout(self._deadline.remaining(READ_SECONDS))
        if self._context is not None:
            sock = self._context.wrap_socket(sock, server_hostname=self._host)
        self.sock = sock
        return sock


class _Imap4(imaplib.IMAP4):
    def __init__(self, host: str, port: int, line: _Line) -> None:
        self._line = line
        super().__init__(host, port)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        return self._line.dial()


class _Client(IMAPClient):
    def __init__(self, mailbox: Mailbox, line: _Line) -> None:
        self._line = line
        is_tls = mailbox.imap_security == Security.TLS
        super().__init__(mailbox.imap_host, mailbox.imap_port, ssl=is_tls, timeout=READ_SECONDS)

    def _create_IMAP4(self) -> imaplib.IMAP4:
        return _Imap4(self.host, self.port, self._line)

    def logout(self) -> Any:
        with hang_up_after(_LOGOUT_SECONDS, lambda: self.socket()):
            return super().logout()


def log_in_to_imap(mailbox: Mailbox, seconds: float) -> Any:
    """A logged-in `IMAPClient`, which is a context manager; connecting and logging in take so many seconds at most.

    Raises IMAPClientError, OSError (also `RefusedHostError`, TimeoutError), TokenRefused or TokenUnavailable.
    """
    deadline = Deadline(seconds)
    context = None if mailbox.imap_security == Security.NONE else make_tls_context(mailbox)
    line = _Line(mailbox, context if mailbox.imap_security == Security.TLS else None, deadline)
    client = None
    try:
        with hang_up_after(seconds, lambda: line.sock):
            client = _Client(mailbox, line)
            if mailbox.imap_security == Security.STARTTLS:
                client.socket().settimeout(deadline.remaining(READ_SECONDS))
                client.starttls(context)
                line.sock = client.socket()
            _log_in(client, mailbox, deadline)
            client.socket().settimeout(READ_SECONDS)
    except Exception:
        if client is not None:
            with suppress(OSError, IMAPClientError):
                client.shutdown()
        if deadline.is_over:
            raise TimeoutError("no answer in time") from None
        raise
    return client


def _log_in(client: Any, mailbox: Mailbox, deadline: Deadline) -> None:
    user = mailbox.imap_username or mailbox.smtp_username or mailbox.address
    if mailbox.auth_method not in {AuthMethod.GOOGLE, AuthMethod.MICROSOFT}:
        secrets = mailbox.credentials
        client.login(user, str(secrets.get("imap_password") or secrets.get("password", "")))
        return
    seconds = deadline.remaining(oauth.REFRESH_SECONDS)
    try:
        client.oauth2_login(user, oauth.get_access_token(mailbox, seconds=seconds))
    except LoginError:
        # a token can be revoked before its time
        seconds = deadline.remaining(oauth.REFRESH_SECONDS)
        client.oauth2_login(user, oauth.get_access_token(mailbox, force_refresh=True, seconds=seconds))
