"""Shows the admin in the time zone of the user's browser, which a cookie names.

Affects only times that the admin shows and parses: the engine and the API use explicit time zones.
"""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE = "reader_zone"
_ADMIN = "/admin/"


def in_readers_zone(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware. Without the cookie, or with one that names no zone, times are in UTC."""

    def answer(request: HttpRequest) -> HttpResponse:
        zone = _find_zone(request.COOKIES.get(COOKIE, "")) if request.path.startswith(_ADMIN) else None
        with timezone.override(zone):
            return get_response(request)

    return answer


def _find_zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None
