"""The endpoints through which prospects reach the product: HTTP where there is an address, mail where there is not.

A prospect knows nothing but the email that arrived. Must not write to the database except by
`store_mails` and `record_events`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from email.message import EmailMessage as Mime

import requests

from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from emails.inbound.imap import FetchedMail
from emails.inbound.polling import store_mails
from emails.models import EmailMessage
from simulation import trial_cast
from simulation.prospects import Action, write_words
from simulation.reading import READER, EndpointError, find_link, find_pixel, find_unsubscribe
from simulation.trial_mail import write_back

_TIMEOUT_SECONDS = 10
_AWAY_DAYS = 2
_PROVIDER = "demo"


class Endpoints:
    """Acts on a received email as its reader's mail program would."""

    def __init__(self) -> None:
        self._replies = 0
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["User-Agent"] = READER

    def act(self, action: Action, mime: Mime, message_pk: int, now: datetime) -> None:
        """Do it now. Raises `EndpointError` when the product does not answer as it must."""
        match action:
            case Action.OPEN:
                self._visit("GET", find_pixel(mime), 200)
            case Action.CLICK:
                if link := find_link(mime):
                    self._visit("GET", link, 302)
            case Action.UNSUBSCRIBE:
                url, form = find_unsubscribe(mime)
                self._visit("POST", url, 200, form)
            case Action.REPLY | Action.COMPLAIN:
                self._write_back(action, mime, message_pk, now)
            case Action.OUT_OF_OFFICE:
                # the fact that an inbox would store
                event = NewEvent(
                    type=EventType.AUTO_REPLIED,
                    provider=_PROVIDER,
                    provider_event_id=f"{action}:{mime['Message-ID']}",
                    occurred_at=now,
                    message_pk=message_pk,
                    until_at=now + timedelta(days=_AWAY_DAYS),
                )
                record_events([event], now)

    def _write_back(self, action: Action, mime: Mime, message_pk: int, now: datetime) -> None:
        message = EmailMessage.objects.filter(pk=message_pk).select_related("mailbox__workspace").first()
        if message is None:
            # a visitor has deleted it
            return
        words = write_words(message.recipient, self._replies)
        self._replies += action is Action.REPLY
        address, mailbox = message.recipient, message.mailbox
        raw = write_back(trial_cast.Action(action.value), mime, address, mailbox.address, now, words)
        # There is no IMAP server: the mail is read, classified and stored as if it came from an inbox.
        store_mails([FetchedMail(0, now, raw)], mailbox, now, _PROVIDER)

    def _visit(self, method: str, url: str, expected: int, data: dict[str, str] | None = None) -> None:
        """Redirects are looked at and not followed: they lead out of the demo."""
        try:
            answer = self._session.request(method, url, data=data, timeout=_TIMEOUT_SECONDS, allow_redirects=False)
        except requests.RequestException as error:
            raise EndpointError(f"{method} {url.partition('?')[0]}: {type(error).__name__}") from None
        if answer.status_code != expected:
            raise EndpointError(f"{method} {url.partition('?')[0]} answers {answer.status_code}, not {expected}")
