"""The public endpoints: open pixel, click redirect, unsubscribe page. Parse, call one function, answer."""

from __future__ import annotations

import base64

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from emails.tracking import links as tracking

_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@never_cache
@require_safe
def open_pixel(request: HttpRequest, token: str) -> HttpResponse:
    """Always an image: a mail program never shows a broken one."""
    try:
        tracking.record_open(token, _visitor(request), timezone.now())
    except tracking.BadTokenError:
        return HttpResponse(_PIXEL, content_type="image/gif", status=404)
    return HttpResponse(_PIXEL, content_type="image/gif")


@never_cache
@require_safe
def click(request: HttpRequest, token: str) -> HttpResponse:
    try:
        url = tracking.record_click(token, _visitor(request), timezone.now())
    except tracking.ExpiredError as error:
        is_web = error.url.startswith(("https://", "http://"))
        context = {"url": error.url, "is_web": is_web, "text": str(error)}
        return render(request, "public/expired.html", context, status=410)
    except tracking.BadTokenError as error:
        return render(request, "public/notice.html", {"title": "Link not found", "text": str(error)}, status=404)
    return HttpResponseRedirect(url)


@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """A GET asks, a POST does, at once: mail programs post here without a person's cookies (RFC 8058)."""
    try:
        if request.method == "POST":
            recipient = tracking.unsubscribe(token, timezone.now())
            text = f"{recipient} gets no more emails from us."
            return render(request, "public/notice.html", {"title": "You are unsubscribed", "text": text})
        recipient = tracking.find_unsubscribing(token)
    except tracking.BadTokenError as error:
        return render(request, "public/notice.html", {"title": "Link not found", "text": str(error)}, status=404)
    return render(request, "public/unsubscribe.html", {"recipient": recipient})


def _visitor(request: HttpRequest) -> tracking.Visitor:
    """Do-Not-Track and its successor, Global Privacy Control (https://www.w3.org/TR/gpc/)."""
    asks = "1" in {request.headers.get("DNT", ""), request.headers.get("Sec-GPC", "")}
    return tracking.Visitor(request.method or "", request.headers.get("User-Agent", ""), is_private=asks)
