"""`/hooks/<provider>/<mailbox key>` for news of what we sent, the same with `/inbound` for mail that came in."""

from __future__ import annotations

import logging
import uuid

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from emails.hooks.providers import HOOKS, Kind
from emails.hooks.receiving import TryAgainError, UnauthenticatedError, receive_call
from emails.models import Mailbox

log = logging.getLogger(__name__)

_UNKNOWN = "no mailbox has this webhook: copy the address from the mailbox again"


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def receive_hook(request: HttpRequest, provider: str, key: str, kind: str = "") -> HttpResponse:
    """200 taken or kept · 400 not authenticated · 404 no such mailbox · 500 try again.

    A GET or HEAD is how some providers try an address out; it changes nothing.
    """
    mailbox = _find_mailbox(provider, key)
    if mailbox is None:
        return _answer(_UNKNOWN, 404)
    if request.method != "POST":
        return HttpResponse()
    chosen = Kind.INBOUND if kind else Kind.TRACKING
    try:
        receive_call(mailbox, chosen, request, hook_url(mailbox, chosen), timezone.now())
    except UnauthenticatedError as error:
        log.warning("a %s webhook of mailbox %s was refused: %s", chosen, mailbox.pk, error)
        return _answer(str(error), 400)
    except TryAgainError as error:
        return _answer(f"try again: {error}", 500)
    except (DatabaseError, InterfaceError):
        log.exception("a webhook of mailbox %s could not be stored", mailbox.pk)
        return _answer("try again: it could not be stored", 500)
    return HttpResponse()


def _find_mailbox(provider: str, key: str) -> Mailbox | None:
    try:
        found = uuid.UUID(key)
    except ValueError:
        return None
    return Mailbox.objects.filter(hook_key=found, transport=provider).first() if provider in HOOKS else None


def hook_url(mailbox: Mailbox, kind: Kind) -> str:
    """What is pasted into the provider's settings."""
    path = reverse("hook", args=[mailbox.transport, mailbox.hook_key])
    return settings.PUBLIC_BASE_URL.rstrip("/") + path + ("/inbound" if kind is Kind.INBOUND else "")


def list_hook_urls(mailbox: Mailbox) -> dict[str, str]:
    """By kind; empty for a mailbox whose provider has no webhooks."""
    return {kind.value: hook_url(mailbox, kind) for kind in HOOKS.get(mailbox.transport, {})}


def _answer(text: str, status: int) -> HttpResponse:
    return HttpResponse(text + "\n", content_type="text/plain; charset=utf-8", status=status)
