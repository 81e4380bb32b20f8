"""Sends messages through a mailbox's SMTP server over one reused connection.

Owns the connection's life and the reading of every way a dialogue can end. Decides nothing about retries: it answers
who pays (`emails.transport.errors`) and whether the message may have left.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from django.core.mail.utils import DNS_NAME

from common.addresses import is_address
from common.deadlines import Deadline
from common.dialler import RefusedHostError, members_dialler
from emails.choices import AuthMethod, ErrorClass, Security
from emails.transport import oauth
from emails.transport.errors import Stage, classify_smtp, tidy_error
from emails.transport.send_result import BrokenOffError, Envelope, Refused, SendResult, Sent, Unknown
from emails.transport.smtp_replies import as_bytes, describe, read_provider_id
from emails.transport.smtp_session import StagedSMTP
from emails.transport.tls import make_tls_context

if TYPE_CHECKING:
    from emails.models.mailbox import Mailbox

OPERATION_SECONDS = 20.0
MESSAGE_SECONDS = 60.0
# RFC 5321 section 4.5.3.2.6: who does not wait for the answer to the final dot sends twice
ANSWER_SECONDS = 600.0
QUIT_SECONDS = 2.0


class _Ended(Exception):
    """The dialogue ended early with a refusal. `is_usable`: the session may serve the next message after RSET."""

    def __init__(self, refused: Refused, *, is_usable: bool = False) -> None:
        super().__init__(refused.error)
        self.refused = refused
        self.is_usable = is_usable


class SmtpTransport:
    """A mailbox's SMTP server. One thread at a time; no database transaction may be open while it works."""

    def __init__(
        self,
        mailbox: Mailbox,
        *,
        operation_seconds: float = OPERATION_SECONDS,
        message_seconds: float = MESSAGE_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._mailbox = mailbox
        self._operation_seconds = operation_seconds
        self._message_seconds = message_seconds
        self._answer_seconds = answer_seconds
        self._session: StagedSMTP | None = None
        self._connecting: StagedSMTP | None = None
        self._is_broken_off = False
        self._needs_reset = False
        # The server has its addresses, and waits for its text unless it refuses them.
        self._announced: Envelope | None = None

    def __repr__(self) -> str:
        return f"<SmtpTransport of mailbox {self._mailbox.pk}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def break_off(self) -> None:
        self._is_broken_off = True
        for session in (self._connecting, self._session):
            if session is not None:
                session.break_off()

    def send(self, envelope: Envelope, following: Envelope | None = None) -> SendResult:
        outcome = self._send(envelope, following)
        if self._is_broken_off and isinstance(outcome, Refused) and outcome.error_class is ErrorClass.SERVER:
            raise BrokenOffError(outcome.error)
        return outcome

    def _send(self, envelope: Envelope, following: Envelope | None) -> SendResult:
        if self._is_broken_off:
            raise BrokenOffError
        deadline = Deadline(self._message_seconds)
        if self._announced is not None and (result := self._send_announced(envelope, following, deadline)):
            return result
        reused = self._take_reusable(deadline)
        if reused is not None:
            outcome = self._transfer(reused, envelope, following)
            if self._session is not None or reused.stage is not Stage.MAIL:
                return outcome
            # the server closed the idle connection, or has reached its limit: no recipient was named
        try:
            session = self._connect(deadline)
            if session.peek():
                # answers would be taken for those of other commands
                self._discard()
                session = self._connect(deadline)
        except _Ended as ended:
            return ended.refused
        if session.peek():
            self._discard()
            return self._lost(smtplib.SMTPServerDisconnected("it answers what was not asked"), session.stage)
        return self._transfer(session, envelope, following)

    def _send_announced(self, envelope: Envelope, following: Envelope | None, deadline: Deadline) -> SendResult | None:
        """Go on with the envelope that was announced behind the last dot. None: the session is over, send it again.

        Of the answers to it only a refusal of the recipient is trusted: a server may be out of step here.
        """
        announced, session = self._announced, self._session
        self._announced = None
        if session is None or announced is not envelope:
            # there is no way back from an envelope whose text is awaited
            self._discard()
            return None
        session.begin(deadline)
        try:
            refusal = session.read_announced()
        except (OSError, smtplib.SMTPException) as error:
            # a server that hangs up has reached its limit; one that keeps silent, or complains, has lost the commands
            if isinstance(error.__context__, TimeoutError) or session.sock is not None:
                session.note_not_following()
            self._discard()
            return None
        if refusal is None:
            return self._attempt(session, lambda: self._hand_over(session, envelope, following))
        code, reply = refusal
        if session.stage is not Stage.RCPT or not 400 <= code < 600 or code == 421:
            if code != 421:
                session.note_not_following()
            self._discard()
            return None
        self._needs_reset = True
        return self._refused(code, reply, session.stage).refused

    def check_login(self) -> Refused | None:
        """Connect and log in, send nothing."""
        try:
            self._connect(Deadline(self._message_seconds))
        except _Ended as ended:
            return ended.refused
        finally:
            self.close()
        return None

    def close(self) -> None:
        session, self._session = self._session, None
        if session is None:
            return
        if self._announced is not None:
            # it waits for a text, and would take QUIT for one
            session.close()
            return
        try:
            session.begin(Deadline(QUIT_SECONDS))
            session.quit()
        except (OSError, smtplib.SMTPException):
            session.close()

    # --- the connection

    def _take_reusable(self, deadline: Deadline) -> StagedSMTP | None:
        """The open connection, cleared of what a refused message left in it; None if there is no usable one."""
        session = self._session
        if session is None:
            return None
        session.begin(deadline)
        if self._needs_reset:
            try:
                code, _ = session.rset()
            except (OSError, smtplib.SMTPException):
                code = 421
            if not 200 <= code < 300:
                self._discard()
                return None
            self._needs_reset = False
        if session.peek() is not None:
            # it has hung up, or its next answer would not be that to MAIL
            self._discard()
            return None
        return session

    def _discard(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = None
        self._announced = None
        self._needs_reset = False

    def _connect(self, deadline: Deadline, *, force_refresh: bool = False) -> StagedSMTP:
        mailbox = self._mailbox
        if not mailbox.smtp_host:
            raise _Ended(Refused(ErrorClass.MAILBOX, "", f"{mailbox.address} has no SMTP server; set its host"))
        try:
            context = None if mailbox.smtp_security == Security.NONE else make_tls_context(mailbox)
        except OSError as error:
            raise _Ended(Refused(ErrorClass.MAILBOX, "", self._tidy(describe(error)))) from None
        session = StagedSMTP(
            mailbox.smtp_host,
            str(DNS_NAME),
            operation_seconds=self._operation_seconds,
            answer_seconds=self._answer_seconds,
            dialler=members_dialler(),
            tls_context=context if mailbox.smtp_security == Security.TLS else None,
        )
        session.begin(deadline)
        self._connecting = session
        if self._is_broken_off:
            session.break_off()
        try:
            code, reply = session.connect(mailbox.smtp_host, mailbox.smtp_port)
            self._expect(code, reply, Stage.CONNECT, 200)
            if mailbox.smtp_security == Security.STARTTLS:
                session.ehlo()
                self._start_tls(session, context)
            code, reply = session.ehlo()
            if code >= 500:
                code, reply = session.helo()
            self._expect(code, reply, Stage.CONNECT, 200)
            session.stage = Stage.LOGIN
            retry_login = self._log_in(session, force_refresh=force_refresh)
        except _Ended:
            session.close()
            raise
        except RefusedHostError as error:
            raise _Ended(Refused(ErrorClass.MAILBOX, "", self._tidy(str(error)))) from None
        except (OSError, smtplib.SMTPException) as error:
            session.close()
            raise _Ended(self._lost(error, session.stage)) from None
        finally:
            self._connecting = None
        if retry_login:
            session.close()
            return self._connect(deadline, force_refresh=True)
        self._session = session
        if self._is_broken_off:
            session.break_off()
        return session

    def _start_tls(self, session: StagedSMTP, context: ssl.SSLContext | None) -> None:
        try:
            session.starttls(context=context)
        except smtplib.SMTPNotSupportedError:
            raise _Ended(
                Refused(
                    ErrorClass.MAILBOX,
                    "",
                    f"{self._mailbox.smtp_host} does not offer STARTTLS; set the mailbox's security to tls or none",
                )
            ) from None
        except smtplib.SMTPResponseException as error:
            self._expect(error.smtp_code, as_bytes(error.smtp_error), Stage.CONNECT, 200)
            raise

    def _log_in(self, session: StagedSMTP, *, force_refresh: bool) -> bool:
        """Log in if the mailbox has a login. True: the access token was refused, refresh it and try again."""
        mailbox = self._mailbox
        method = mailbox.auth_method
        if method == AuthMethod.NONE or (method == AuthMethod.PASSWORD and not mailbox.smtp_username):
            return False
        if not session.has_extn("auth"):
            raise _Ended(
                Refused(
                    ErrorClass.MAILBOX,
                    "",
                    f"{mailbox.smtp_host} offers no login on this connection; check its port and security",
                )
            )
        try:
            if method == AuthMethod.PASSWORD:
                session.login(mailbox.smtp_username, str(mailbox.credentials.get("password", "")))
            else:
                user = mailbox.smtp_username or mailbox.address
                seconds = session.remaining(oauth.REFRESH_SECONDS)
                token = oauth.get_access_token(mailbox, force_refresh=force_refresh, seconds=seconds)
                session.auth("XOAUTH2", lambda challenge=None: "" if challenge else oauth.xoauth2(user, token))
        except oauth.TokenRefused as error:
            raise _Ended(Refused(ErrorClass.MAILBOX, "", self._tidy(str(error)))) from None
        except oauth.TokenUnavailable as error:
            raise _Ended(Refused(ErrorClass.SERVER, "", self._tidy(str(error)))) from None
        except smtplib.SMTPAuthenticationError as error:
            if method != AuthMethod.PASSWORD and not force_refresh and error.smtp_code >= 500:
                return True
            self._expect(error.smtp_code, as_bytes(error.smtp_error), Stage.LOGIN, 200)
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPException:
            raise _Ended(
                Refused(ErrorClass.MAILBOX, "", f"{mailbox.smtp_host} offers no supported way to log in")
            ) from None
        return False

    # --- one message

    def _transfer(self, session: StagedSMTP, envelope: Envelope, following: Envelope | None) -> SendResult:
        return self._attempt(session, lambda: self._dialogue(session, envelope, following))

    def _attempt(self, session: StagedSMTP, dialogue: Callable[[], SendResult]) -> SendResult:
        try:
            return dialogue()
        except _Ended as ended:
            if ended.is_usable:
                # the next envelope is announced already: the server has taken the end of this one for granted
                self._needs_reset = self._announced is None
            else:
                self._discard()
            return ended.refused
        except (OSError, smtplib.SMTPException) as error:
            self._discard()
            if session.is_dot_written:
                return Unknown(self._tidy(f"no answer to the message: {describe(error)}"))
            return self._lost(error, session.stage)

    def _dialogue(self, session: StagedSMTP, envelope: Envelope, following: Envelope | None) -> SendResult:
        sender, recipient, options = _address(session, envelope)
        if refusal := session.announce(sender, options, recipient):
            raise self._refused(*refusal, session.stage)
        return self._hand_over(session, envelope, following)

    def _hand_over(self, session: StagedSMTP, envelope: Envelope, following: Envelope | None) -> SendResult:
        code, reply = session.write_text(envelope.mime, _write_following(session, following))
        if session.is_following:
            self._announced = following
        if not 200 <= code < 300 and not 400 <= code < 600:
            self._discard()
            return Unknown(self._tidy(f"not an answer to a message: {code} {reply.decode(errors='replace')}"))
        self._expect(code, reply, Stage.BODY, 200)
        response = self._tidy(reply.decode(errors="replace"))
        return Sent(read_provider_id(response), response)

    def _expect(self, code: int, reply: bytes, stage: Stage, hundred: int) -> None:
        """Continue if the code is of this class (200, 300), else end with the meaning of the reply."""
        if not hundred <= code < hundred + 100:
            raise self._refused(code, reply, stage)

    def _refused(self, code: int, reply: bytes, stage: Stage) -> _Ended:
        text = reply.decode(errors="replace")
        verdict = classify_smtp(code, text, stage)
        refused = Refused(verdict.error_class, verdict.code, self._tidy(f"{code} {text}"), verdict.retry_after_seconds)
        # 421 announces the end (RFC 5321 section 3.8); a reply that is not a refusal leaves the dialogue out of step
        return _Ended(refused, is_usable=stage > Stage.LOGIN and 400 <= code < 600 and code != 421)

    def _lost(self, error: OSError | smtplib.SMTPException, stage: Stage) -> Refused:
        host = f"{self._mailbox.smtp_host}:{self._mailbox.smtp_port}"
        return Refused(ErrorClass.SERVER, "", self._tidy(f"{host} at {stage.name}: {describe(error)}"))

    def _tidy(self, text: str) -> str:
        return tidy_error(text, oauth.list_secrets(self._mailbox.credentials))


def _address(session: StagedSMTP, envelope: Envelope) -> tuple[str, str, list[str]]:
    """Addresses, byte for byte as they are stored, and MAIL options of this server (RFC 1870 SIZE, 6152 8BITMIME)."""
    sender = envelope.envelope_sender or envelope.from_address
    for address in (sender, envelope.from_address, envelope.to_address):
        _require_address(address)
    options = [f"SIZE={len(envelope.mime)}"] if session.has_extn("size") else []
    if not envelope.mime.isascii() and session.has_extn("8bitmime"):
        options.append("BODY=8BITMIME")
    return sender, envelope.to_address, options


def _write_following(session: StagedSMTP, envelope: Envelope | None) -> bytes:
    """Empty for one whose addresses cannot be written: its own turn says why."""
    if envelope is None:
        return b""
    try:
        sender, recipient, options = _address(session, envelope)
    except _Ended:
        return b""
    return session.write_following(sender, options, recipient)


def _require_address(address: str) -> None:
    if not is_address(address):
        raise _Ended(
            Refused(ErrorClass.UNCLASSIFIED, "", f"{address!r} is not an email address in its stored form: correct it"),
            is_usable=True,
        )
