"""How an action of a trial's people reaches the product: by the public addresses, or as a mail in an inbox.

The open pixel, the click and the one-click unsubscribe go through Django's handlers in this process; nothing is stored
here by hand.
"""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage as Mime
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client

from simulation.reading import READER, EndpointError, find_link, find_pixel, find_unsubscribe
from simulation.trial_cast import Action
from simulation.trial_inboxes import Inboxes
from simulation.trial_mail import write_back

_SCANNER = "Mozilla/5.0 (compatible; Barracuda Sentinel/1.0)"


class TrialEndpoints:
    """`act` is safe to call from a thread of its own."""

    def __init__(self, inboxes: Inboxes) -> None:
        self._inboxes = inboxes

    def act(self, action: Action, mime: Mime, address: str, sender: str, now: datetime) -> bool:
        """Do it now. True: a mail is in the inbox and must be read before the product can know."""
        match action:
            case Action.OPEN:
                _visit("GET", find_pixel(mime), READER, 200)
            case Action.CLICK:
                if link := find_link(mime):
                    _visit("GET", link, READER, 302)
            case Action.SCAN:
                _visit("GET", find_pixel(mime), _SCANNER, 200)
                if link := find_link(mime):
                    _visit("GET", link, _SCANNER, 302)
                _visit("GET", find_unsubscribe(mime)[0], _SCANNER, 200)
            case Action.UNSUBSCRIBE:
                url, form = find_unsubscribe(mime)
                _visit("POST", url, READER, 200, form)
            case _:
                self._inboxes[sender].mails.append((now, write_back(action, mime, address, sender, now)))
                return True
        return False


def _visit(method: str, url: str, agent: str, expected: int, data: dict[str, str] | None = None) -> None:
    place = urlsplit(url)
    client = Client(headers={"User-Agent": agent}, SERVER_NAME=urlsplit(settings.PUBLIC_BASE_URL).hostname or "")
    answer = client.get(place.path) if method == "GET" else client.post(place.path, data)
    if answer.status_code != expected:
        raise EndpointError(f"{method} {place.path[:12]}… answers {answer.status_code}, not {expected}")
