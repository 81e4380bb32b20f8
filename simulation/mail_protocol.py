"""One connection to the scripted mail server: aiosmtpd's dialogue with the script asked at every moment."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
from typing import TYPE_CHECKING, Any, Protocol

from aiosmtpd.smtp import MISSING, SMTP, AuthResult, LoginPassword

from simulation.mail_script import Action, Drop, Moment, Reply, Situation, Stall

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

# aiosmtpd logs whole dialogues, logins included
logging.getLogger("mail.log").setLevel(logging.CRITICAL)

MAX_MESSAGE_OCTETS = 33_554_432
MAX_LINE_OCTETS = 998  # RFC 5321 section 4.5.3.1.6 without the line end
_PLAIN_ADDRESS = re.compile(r"<([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+)>(?: (.*))?")
XOAUTH2_REFUSAL = '{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}'


class Server(Protocol):
    """What a connection needs of the server it belongs to."""

    users: dict[str, str]
    bearers: dict[str, str]
    tls_context: ssl.SSLContext | None
    implicit_tls: bool
    pipelining: bool
    connection_count: int
    login_count: int
    protocols: set[ScriptedSMTP]

    def choose_action(self, situation: Situation) -> Action | None: ...

    def attempts(self, recipient: str) -> int: ...

    def count_attempt(self, recipient: str) -> None: ...

    def accept(self, protocol: ScriptedSMTP, sender: str, recipients: Iterable[str], data: bytes) -> None: ...


class ScriptedSMTP(SMTP):
    """One client's dialogue. The script's answer wins over the server's own."""

    line_length_limit = MAX_MESSAGE_OCTETS

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self.server = server
        self.user = ""
        self.peer = ""
        self.number = 0
        super().__init__(
            self,
            hostname="mail.simulation.test",
            ident="scripted",
            tls_context=None if server.implicit_tls else server.tls_context,
            enable_SMTPUTF8=True,
            auth_require_tls=False,
            authenticator=self._check_password,
            loop=loop,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self.number:
            self.server.connection_count += 1
            self.number = self.server.connection_count
            self.peer = str(transport.get_extra_info("peername"))
            self.server.protocols.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.server.protocols.discard(self)
        super().connection_lost(error)

    def cut(self) -> None:
        """Close the socket at once, unsent bytes lost."""
        transport = self._original_transport or self.transport
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        # aiosmtpd's full RFC 5322 parser is most of the cost of a dialogue
        if plain := _PLAIN_ADDRESS.fullmatch(arg):
            return plain[1], plain[2] or ""
        parsed: tuple[str | None, str | None] = super()._getaddr(arg)
        return parsed

    async def _ask(self, moment: Moment, recipient: str = "") -> Reply | Drop | None:
        """The script's answer at this moment, stalls waited for. A Drop that stores nothing is already carried out."""
        envelope = self.envelope
        if not recipient and envelope is not None and envelope.rcpt_tos:
            recipient = envelope.rcpt_tos[0]
        sender = (envelope.mail_from if envelope is not None else None) or ""
        situation = Situation(moment, sender, recipient, self.user, self.server.attempts(recipient), self.number)
        action = self.server.choose_action(situation)
        if isinstance(action, Stall):
            await action.wait()
            return None
        if isinstance(action, Drop) and not action.store:
            self._hang_up()
        return action

    def _hang_up(self) -> None:
        self.cut()
        raise asyncio.CancelledError

    async def _handle_client(self) -> None:
        action = await self._ask(Moment.CONNECT)
        if isinstance(action, Reply):
            await self.push(action.text.replace("\n", "\r\n"))
            if self.transport is not None:
                self.transport.close()
            return
        await super()._handle_client()

    async def push(self, status: Any) -> None:
        await super().push(status)
        # RFC 5321 section 3.8: 421 announces that the channel is closed
        if (status.encode() if isinstance(status, str) else status).startswith(b"421") and self.transport is not None:
            self.transport.close()

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], *(["250-PIPELINING"] if self.server.pipelining else []), *responses[-1:]]

    # --- login

    async def handle_AUTH(self, server: Any, session: Any, envelope: Any, arguments: list[str]) -> Any:
        self.server.login_count += 1
        action = await self._ask(Moment.LOGIN)
        return action.text if isinstance(action, Reply) else MISSING

    def _check_password(self, server: Any, session: Any, envelope: Any, mechanism: str, login: LoginPassword) -> Any:
        user, password = login.login.decode(errors="replace"), login.password.decode(errors="replace")
        is_open = not self.server.users and not self.server.bearers
        return self._finish_login(user, is_open or self.server.users.get(user, None) == password)

    async def auth_XOAUTH2(self, server: Any, arguments: list[str]) -> AuthResult:
        """https://developers.google.com/workspace/gmail/imap/xoauth2-protocol: a refusal is a challenge first."""
        answer = base64.b64decode(arguments[1]) if len(arguments) > 1 else await self.challenge_auth("")
        blob = answer.decode() if isinstance(answer, bytes) else ""
        fields = dict(part.split("=", 1) for part in blob.split("\x01") if "=" in part)
        user = fields.get("user", "")
        if self.server.bearers.get(user, None) == fields.get("auth", "").removeprefix("Bearer "):
            return self._finish_login(user, True)
        await self.challenge_auth(XOAUTH2_REFUSAL)
        return self._finish_login(user, False)

    def _finish_login(self, user: str, is_good: bool) -> AuthResult:
        if is_good:
            self.user = user
            return AuthResult(success=True, auth_data=user)
        return AuthResult(success=False, handled=False)

    # --- one message

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        envelope.mail_from = address
        action = await self._ask(Moment.MAIL)
        if isinstance(action, Reply):
            envelope.mail_from = None
            return action.text
        if (self.server.users or self.server.bearers) and not self.user:
            envelope.mail_from = None
            return "530 5.7.0 Authentication required"
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        self.server.count_attempt(address)
        action = await self._ask(Moment.RCPT, address)
        if isinstance(action, Reply):
            return action.text
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def smtp_DATA(self, argument: str) -> None:
        if self.envelope is not None and self.envelope.rcpt_tos:
            action = await self._ask(Moment.DATA)
            if isinstance(action, Reply):
                await self.push(action.text)
                return
            recipient = self.envelope.rcpt_tos[0]
            probe = Situation(Moment.BODY, self.envelope.mail_from or "", recipient, self.user, 0, self.number)
            body_action = self.server.choose_action(probe)
            if body_action is not None:
                await self._break_off_in_body(body_action)
                return
        if argument or self.envelope is None or not self.envelope.rcpt_tos:
            await super().smtp_DATA(argument)
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        # in one piece, where aiosmtpd takes it line by line; the CRLF lets a text of nothing but the final dot end too
        self._reader._buffer[:0] = b"\r\n"  # type: ignore[attr-defined]
        try:
            text = await self._reader.readuntil(b"\r\n.\r\n")
        except asyncio.LimitOverrunError:
            await self.push("552 5.3.4 Message too big")
            self._hang_up()
        content = text[:-3].replace(b"\r\n.", b"\r\n")[2:]
        if max(map(len, content.split(b"\r\n"))) > MAX_LINE_OCTETS:
            status = "500 5.5.2 Line too long"
        else:
            self.envelope.content = content
            status = await self.handle_DATA(self, self.session, self.envelope)
        self.envelope = self._create_envelope()
        await self.push(status)

    async def _break_off_in_body(self, action: Action) -> None:
        """Read the first line of the text, then do as the script says: the final dot is never read."""
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        await self._reader.readline()
        if isinstance(action, Stall):
            await action.wait()
        elif isinstance(action, Reply):
            await self.push(action.text)
            if self.transport is not None:
                self.transport.close()
            return
        self._hang_up()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        action = await self._ask(Moment.DOT)
        if action is None or action.store:
            self.server.accept(self, envelope.mail_from, envelope.rcpt_tos, bytes(envelope.content))
        if isinstance(action, Drop):
            self._hang_up()
        return action.text if isinstance(action, Reply) else "250 2.0.0 Ok: queued"

    async def handle_RSET(self, server: Any, session: Any, envelope: Any) -> str:
        action = await self._ask(Moment.RESET)
        return action.text if isinstance(action, Reply) else "250 2.0.0 Ok"
