"""What follows a right password or a single sign-on: the second factor, then the session of the desk.

Who has one is asked for a code; who has none and needs one sets it up first.

Every login goes through here; only who accepts an invitation as a new user enters without, where none is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme

from sequences.access.login_limits import LimitedBackend
from sequences.access.second_factor import has_second_factor, requiring_workspaces
from sequences.access.security_log import record_event
from sequences.choices import SecurityEventKind

_WAITING = "waits_for_code"
_CODE_SECONDS = 600
BACKEND = "sequences.access.login_limits.LimitedBackend"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who has shown a password or come from single sign-on, and still owes a code."""

    user: Any
    next_url: str
    kind: SecurityEventKind


def go_on(request: HttpRequest, user: Any, next_url: str, kind: SecurityEventKind) -> HttpResponse:
    """Ask for the second factor if the user has one or needs one, else open the session."""
    has_one = has_second_factor(user)
    if not has_one and not requiring_workspaces(user):
        return enter(request, user, next_url, kind)
    # nothing that the visitor did before they showed who they are is kept
    request.session.flush()
    request.session[_WAITING] = {
        "user": user.pk, "next": next_url, "kind": kind.value, "since": timezone.now().timestamp(),
        "hash": user.get_session_auth_hash(),
    }  # fmt: skip
    return HttpResponseRedirect(reverse("login_code" if has_one else "login_set_up"))


def find_waiting(request: HttpRequest, now: datetime) -> Waiting | None:
    """None after ten minutes, and when the password or the right to enter has changed since."""
    stored = request.session.get(_WAITING)
    if stored is None or not 0 <= now.timestamp() - stored["since"] < _CODE_SECONDS:
        return None
    user = LimitedBackend().get_user(stored["user"])
    if user is None or not constant_time_compare(user.get_session_auth_hash(), stored["hash"]):
        return None
    return Waiting(user, stored["next"], SecurityEventKind(stored["kind"]))


def enter(request: HttpRequest, user: Any, next_url: str, kind: SecurityEventKind, detail: str = "") -> HttpResponse:
    """Open the session and go on to `next_url`, if that is a page of this desk."""
    request.session.pop(_WAITING, None)
    login(request, user, backend=BACKEND)
    record_event(kind, timezone.now(), user=user, request=request, detail=detail)
    return HttpResponseRedirect(safe_url(request, next_url))


def safe_url(request: HttpRequest, url: str) -> str:
    """The URL, or the desk's first page when it leads elsewhere."""
    is_own = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if url and is_own else resolve_url(settings.LOGIN_REDIRECT_URL)
