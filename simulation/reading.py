"""What a prospect's mail program finds in an email: the pixel it loads and the links it offers. Touches nothing."""

from __future__ import annotations

import html
import re
from email.message import EmailMessage as Mime

READER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0"
_PIXEL = re.compile(r'src="([^"]*/t/o/[^"]+)"')
_LINK = re.compile(r'href="([^"]*/t/c/[^"]+)"')


class EndpointError(RuntimeError):
    """An endpoint of the product did not do what it promises; one line says which."""


def find_pixel(mime: Mime) -> str:
    """Its address. Raises `EndpointError`: every tracked email has one."""
    if url := _find(_PIXEL, mime):
        return url
    raise EndpointError(f"the email {mime['Message-ID']} has no open pixel")


def find_link(mime: Mime) -> str | None:
    """The first tracked link's address, or None where the author put no link into the email."""
    return _find(_LINK, mime)


def find_unsubscribe(mime: Mime) -> tuple[str, dict[str, str]]:
    """The address where a POST unsubscribes, and the form to post: that of RFC 8058 where the email promises it."""
    urls = re.findall(r"<(https?:[^>]+)>", str(mime["List-Unsubscribe"]))
    if not urls:
        raise EndpointError(f"the email {mime['Message-ID']} has no address to unsubscribe at")
    name, _, value = str(mime["List-Unsubscribe-Post"] or "").partition("=")
    return str(urls[0]), {name: value} if name else {}


def _find(pattern: re.Pattern[str], mime: Mime) -> str | None:
    body = mime.get_body(("html",))
    found = pattern.search(body.get_content()) if body else None
    return html.unescape(found[1]) if found else None
