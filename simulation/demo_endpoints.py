"""The endpoints through which prospects reach the product: HTTP where there is an address, stored facts where not.

A prospect knows nothing but the email that arrived. Must not write to the database except by `record_events`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from email.message import EmailMessage as Mime

import requests

from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from simulation.prospects import Action
from simulation.reading import READER, EndpointError, find_link, find_pixel, find_unsubscribe

_TIMEOUT_SECONDS = 10
_AWAY_DAYS = 2
# A reply and an out-of-office reach a real installation by IMAP, and a complaint by an ESP's webhook. The demo has
# neither server, so these three come in as the facts that those endpoints would store.
_STORED = {
    Action.REPLY: EventType.REPLIED,
    Action.OUT_OF_OFFICE: EventType.AUTO_REPLIED,
    Action.COMPLAIN: EventType.COMPLAINED,
}


class Endpoints:
    """Acts on a received email as its reader's mail program would."""

    def __init__(self) -> None:
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
            case Action.REPLY | Action.OUT_OF_OFFICE | Action.COMPLAIN:
                until_at = now + timedelta(days=_AWAY_DAYS) if action is Action.OUT_OF_OFFICE else None
                event = NewEvent(
                    type=_STORED[action],
                    provider="demo",
                    provider_event_id=f"{action}:{mime['Message-ID']}",
                    occurred_at=now,
                    message_pk=message_pk,
                    until_at=until_at,
                )
                record_events([event], now)

    def _visit(self, method: str, url: str, expected: int, data: dict[str, str] | None = None) -> None:
        """Redirects are looked at and not followed: they lead out of the demo."""
        try:
            answer = self._session.request(method, url, data=data, timeout=_TIMEOUT_SECONDS, allow_redirects=False)
        except requests.RequestException as error:
            raise EndpointError(f"{method} {url.partition('?')[0]}: {type(error).__name__}") from None
        if answer.status_code != expected:
            raise EndpointError(f"{method} {url.partition('?')[0]} answers {answer.status_code}, not {expected}")
