"""How a deed of a trial's people reaches the product: by the public addresses, or as a mail in an inbox.

The open pixel, the click and the one-click unsubscribe go through Django's handlers in this process; nothing is stored
here by hand.
"""

from __future__ import annotations

import html
import re
from datetime import datetime
from email.message import EmailMessage as Mime
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client

from execution.simulation.trial_cast import Deed
from execution.simulation.trial_inboxes import Inboxes
from execution.simulation.trial_mail import write_back

_READER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0"
_SCANNER = "Mozilla/5.0 (compatible; Barracuda Sentinel/1.0)"
_PIXEL = re.compile(r'src="([^"]*/t/o/[^"]+)"')
_LINK = re.compile(r'href="([^"]*/t/c/[^"]+)"')


class DoorError(RuntimeError):
    """A door of the product did not do what it promises; one line says which."""


class TrialDoors:
    """`act` is safe to call from a thread of its own."""

    def __init__(self, inboxes: Inboxes) -> None:
        self._inboxes = inboxes

    def act(self, deed: Deed, mime: Mime, address: str, sender: str, now: datetime) -> bool:
        """Do it now. True: a mail is in the inbox and must be read before the product can know."""
        match deed:
            case Deed.OPEN:
                _visit("GET", _find(_PIXEL, mime), _READER, 200)
            case Deed.CLICK:
                if link := _find(_LINK, mime):
                    _visit("GET", link, _READER, 302)
            case Deed.SCAN:
                _visit("GET", _find(_PIXEL, mime), _SCANNER, 200)
                if link := _find(_LINK, mime):
                    _visit("GET", link, _SCANNER, 302)
                _visit("GET", _unsubscribe_url(mime), _SCANNER, 200)
            case Deed.UNSUBSCRIBE:
                name, _, value = str(mime["List-Unsubscribe-Post"]).partition("=")
                _visit("POST", _unsubscribe_url(mime), _READER, 200, {name: value})
            case _:
                self._inboxes[sender].mails.append((now, write_back(deed, mime, address, sender, now)))
                return True
        return False


def _unsubscribe_url(mime: Mime) -> str:
    urls = re.findall(r"<(https?:[^>]+)>", str(mime["List-Unsubscribe"]))
    if not urls:
        raise DoorError(f"the email {mime['Message-ID']} has no address to unsubscribe at")
    return str(urls[0])


def _visit(method: str, url: str, agent: str, expected: int, data: dict[str, str] | None = None) -> None:
    if not url:
        raise DoorError("an email has no open pixel")
    place = urlsplit(url)
    client = Client(headers={"User-Agent": agent}, SERVER_NAME=urlsplit(settings.PUBLIC_BASE_URL).hostname or "")
    answer = client.get(place.path) if method == "GET" else client.post(place.path, data)
    if answer.status_code != expected:
        raise DoorError(f"{method} {place.path[:12]}… answers {answer.status_code}, not {expected}")


def _find(pattern: re.Pattern[str], mime: Mime) -> str:
    body = mime.get_body(("html",))
    found = pattern.search(body.get_content()) if body else None
    return html.unescape(found[1]) if found else ""
