"""Sends messages through an email service provider, by django-anymail's backend and with the mailbox's own keys.

An answer of the ESP is `Sent` or `Refused`; no answer to a request that was written is `Unknown`. Nothing is retried
here.
"""

from __future__ import annotations

import email.utils
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMultiAlternatives
from django.utils.module_loading import import_string

from common.dialler import members_dialler
from common.guarded_http import Wire, guard_session
from emails.choices import ErrorClass
from emails.choices import Transport as TransportName
from emails.transport.errors import classify_http, tidy_error
from emails.transport.oauth import list_secrets
from emails.transport.send_result import BrokenOffError, Envelope, Refused, SendResult, Sent, Unknown

if TYPE_CHECKING:
    from emails.models.mailbox import Mailbox

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
MAX_RETRY_AFTER_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Provider:
    """What one ESP needs: the names of its secrets (`credentials`) and of its open settings (`transport_options`)."""

    secrets: tuple[str, ...]
    options: tuple[str, ...] = ()
    takes_metadata: bool = True


# only these names reach the backends: others, like anymail's IDNA_ENCODER, would import code
PROVIDERS: dict[TransportName, Provider] = {
    TransportName.AMAZON_SES: Provider(
        ("aws_access_key_id", "aws_secret_access_key", "aws_session_token"),
        ("region_name", "endpoint_url", "configuration_set_name"),
    ),
    TransportName.BREVO: Provider(("api_key",), ("api_url",)),
    TransportName.MAILERSEND: Provider(("api_token",), ("api_url",), takes_metadata=False),
    TransportName.MAILGUN: Provider(("api_key",), ("api_url", "sender_domain")),
    TransportName.MAILJET: Provider(("api_key", "secret_key"), ("api_url",)),
    TransportName.MAILTRAP: Provider(("api_token",), ("api_url", "sandbox_id")),
    TransportName.MANDRILL: Provider(("api_key",), ("api_url",)),
    TransportName.POSTAL: Provider(("api_key",), ("api_url",), takes_metadata=False),
    TransportName.POSTMARK: Provider(("server_token",), ("api_url", "message_stream")),
    TransportName.RESEND: Provider(("api_key",), ("api_url",)),
    TransportName.SCALEWAY: Provider(("secret_key",), ("api_url", "project_id", "region")),
    TransportName.SENDGRID: Provider(("api_key",), ("api_url",)),
    TransportName.SPARKPOST: Provider(("api_key",), ("api_url", "subaccount")),
    TransportName.UNISENDER_GO: Provider(("api_key",), ("api_url",)),
}

_AWS_REGION = re.compile(r"[a-z]{2,}(-[a-z0-9]+)+")
# after a 303 the request may have been carried out (RFC 9110 section 15.4.4); after these it was not
_REDIRECTS = frozenset({301, 302, 307, 308})
# the sender's own state, that some ESPs report as if the recipient had been refused
_SENDERS_FAULT = ("invalid-sender", "unsigned", "test-mode-limit", "payment-required", "recipient-limit")


class EspTransport:
    """A mailbox's ESP over one reused HTTP session. One thread at a time; no transaction may be open while it works."""

    def __init__(
        self, mailbox: Mailbox, *, connect_seconds: float = CONNECT_SECONDS, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._mailbox = mailbox
        self._provider = PROVIDERS[TransportName(mailbox.transport)]
        self._timeouts = (connect_seconds, answer_seconds)
        self._backend: Any = None
        self._is_broken_off = False
        self._wire = Wire(members_dialler())

    def __repr__(self) -> str:
        return f"<EspTransport {self._mailbox.transport} of mailbox {self._mailbox.pk}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        backend, self._backend = self._backend, None
        if backend is not None:
            backend.close()

    def break_off(self) -> None:
        """A request in hand is waited for: it may have been carried out."""
        self._is_broken_off = True

    def send(self, envelope: Envelope, following: Envelope | None = None) -> SendResult:
        if self._is_broken_off:
            raise BrokenOffError
        is_ses = self._mailbox.transport == TransportName.AMAZON_SES
        if is_ses and (problem := _find_ses_problem(self._mailbox.credentials, self._mailbox.transport_options)):
            return Refused(ErrorClass.MAILBOX, "", problem)
        try:
            backend = self._open()
        except ImproperlyConfigured as error:
            # the message names the missing key (and settings of a kind this product has not): keep its first line
            return Refused(ErrorClass.MAILBOX, "", self._tidy(str(error).splitlines()[0]))
        try:
            message = self._build(envelope, backend)
            with self._wire.exchange(sum(self._timeouts)):
                backend.send_messages([message])
        except AnymailRecipientsRefused as error:
            return self._read_recipient_refusal(error)
        except AnymailAPIError as error:
            return self._read_api_error(error)
        except AnymailError as error:
            # raised while the request was built: an address or a feature that this ESP does not support
            return Refused(ErrorClass.UNCLASSIFIED, "", self._tidy(str(error)))
        return self._read_status(message.anymail_status, backend.esp_name)

    # --- what is sent

    def _open(self) -> Any:
        if self._backend is None:
            # botocore is loaded by those who send through it only
            is_ses = self._mailbox.transport == TransportName.AMAZON_SES
            room = "emails.transport" if is_ses else "anymail.backends"
            backend = import_string(f"{room}.{self._mailbox.transport}.EmailBackend")(**self._settings())
            backend.open()
            guard_session(backend.session, self._wire)
            self._backend = backend
        return self._backend

    def _settings(self) -> dict[str, Any]:
        credentials, options = self._mailbox.credentials, self._mailbox.transport_options
        chosen = {name: credentials[name] for name in self._provider.secrets if credentials.get(name)}
        chosen |= {name: options[name] for name in self._provider.options if options.get(name)}
        return {**chosen, "timeout": self._timeouts}

    def _build(self, envelope: Envelope, backend: Any) -> Any:
        headers = {"Message-ID": envelope.message_id, **envelope.headers}
        message: Any = EmailMultiAlternatives(
            subject=envelope.subject,
            body=envelope.text,
            from_email=email.utils.formataddr((envelope.from_name, envelope.from_address)),
            to=[email.utils.formataddr((envelope.to_name, envelope.to_address))],
            headers=headers,
        )
        if envelope.html:
            message.attach_alternative(envelope.html, "text/html")
        if self._provider.takes_metadata:
            message.metadata = {"message": str(envelope.message_pk), "message_id": envelope.message_id}
        if self._mailbox.transport == TransportName.RESEND:
            # https://resend.com/docs/dashboard/emails/idempotency-keys: kept 24 hours, at most 256 characters
            backend.session.headers["Idempotency-Key"] = envelope.message_id[:256]
        elif self._mailbox.transport == TransportName.BREVO:
            # https://developers.brevo.com/docs/heterogenous-versions-batch-emails: a UUID, kept 30 minutes
            message.extra_headers["idempotencyKey"] = str(uuid.uuid5(uuid.NAMESPACE_URL, envelope.message_id))
        return message

    # --- what came back

    def _read_status(self, status: Any, esp_name: str) -> SendResult:
        """Anymail treats some answers as a success that name no recipient or report a failure."""
        words = set(status.status or ())
        if not words & {"sent", "queued"}:
            code, text = int(getattr(status.esp_response, "status_code", 0) or 0), _body(status.esp_response)
            if code >= 400:
                verdict = classify_http(code, text)
                return Refused(verdict.error_class, verdict.code, self._tidy(f"{code} {text}"))
            if "failed" in words:
                return Refused(ErrorClass.UNCLASSIFIED, str(code), self._tidy(f"{esp_name} reports a failure: {text}"))
        return Sent(_only_id(status.message_id), f"{esp_name}: {', '.join(sorted(words))}")

    def _read_recipient_refusal(self, error: AnymailRecipientsRefused) -> Refused:
        text = _body(error.response)
        is_senders = any(word in text for word in _SENDERS_FAULT)
        error_class = ErrorClass.MAILBOX if is_senders else ErrorClass.RECIPIENT_PERMANENT
        return Refused(error_class, str(_status_code(error)), self._tidy(f"recipient refused: {text}"))

    def _read_api_error(self, error: AnymailAPIError) -> SendResult:
        status = _status_code(error)
        text = _body(error.response)
        if not status:
            return self._read_silence(error)
        if status in _REDIRECTS:
            text = f"{status}: {self._mailbox.get_transport_display()} answers with a redirect, which is not followed"
            return Refused(ErrorClass.MAILBOX, str(status), f"{text}: correct the address in the ESP settings")
        if status < 400:
            return Unknown(self._tidy(f"{status} with an answer that cannot be read: {text}"))
        if status == 409 and "invalid_idempotent_request" in text:
            return Unknown(self._tidy(f"an earlier attempt of this message was accepted with another text: {text}"))
        verdict = classify_http(status, text)
        wait = read_retry_after(getattr(error.response, "headers", {})) or verdict.retry_after_seconds
        return Refused(verdict.error_class, verdict.code, self._tidy(f"{status} {text}"), wait)

    def _read_silence(self, error: AnymailAPIError) -> SendResult:
        """No answer: unknown if the request was written."""
        if self._wire.refusal:
            return Refused(ErrorClass.MAILBOX, "", self._tidy(self._wire.refusal))
        cause = type(error.__cause__).__name__
        what = self._tidy(f"no answer from {self._mailbox.get_transport_display()} ({cause})")
        return Unknown(what) if self._wire.is_written else Refused(ErrorClass.SERVER, "", what)

    def _tidy(self, text: str) -> str:
        return tidy_error(text, list_secrets(self._mailbox.credentials))


def _find_ses_problem(secrets: Mapping[str, str], options: Mapping[str, str]) -> str:
    """Why messages cannot be signed; empty when they can."""
    if not (secrets.get("aws_access_key_id") and secrets.get("aws_secret_access_key")):
        return "Amazon SES has no keys: give aws_access_key_id and aws_secret_access_key as secrets of the mailbox"
    if not _AWS_REGION.fullmatch(options.get("region_name") or ""):
        return "Amazon SES has no region: give region_name as in eu-west-1 in the ESP settings"
    return ""


def read_retry_after(headers: Any) -> int | None:
    """Seconds of `Retry-After` (RFC 9110 section 10.2.3): a number, or a date measured against the answer's own."""
    value = str(headers.get("Retry-After") or "").strip()
    if value.isdigit():
        return min(int(value), MAX_RETRY_AFTER_SECONDS)
    try:
        until = email.utils.parsedate_to_datetime(value)
        said_at = email.utils.parsedate_to_datetime(str(headers.get("Date") or ""))
        return min(max(int((until - said_at).total_seconds()), 0), MAX_RETRY_AFTER_SECONDS)
    except (TypeError, ValueError):
        return None


def _only_id(message_id: Any) -> str:
    """Anymail answers one id, or a set of them if recipients got several; there is one recipient."""
    if isinstance(message_id, set | frozenset):
        message_id = next(iter(sorted(filter(None, message_id))), "")
    return str(message_id or "")[:255]


def _status_code(error: AnymailError) -> int:
    """The HTTP status of the answer, 0 if there is none."""
    return int(getattr(error.response, "status_code", None) or 0)


def _body(response: Any) -> str:
    """The answer's text; Amazon names the kind of an error in a header."""
    kind = getattr(response, "headers", {}).get("x-amzn-ErrorType", "").partition(":")[0]
    text = str(getattr(response, "text", ""))
    return f"{kind}: {text}" if kind else text
