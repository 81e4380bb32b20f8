"""How large the body of a request may be, decided before a byte of it is kept: API, desk, and provider webhooks.

A body in chunks has no length (RFC 9112 section 7.1): it is read up to the limit and then has one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import LimitedStream
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from common.uploads import UnnamedFileHandler, open_unnamed
from config.api.errors import answer_error

_HOOK = "/hooks/"
_IMPORT = re.compile(r"/import/?$")
_FORMS = frozenset({"multipart/form-data", "application/x-www-form-urlencoded"})
_CHUNK = 65_536


class _BrokenOffError(Exception):
    """The client went away, or its chunks cannot be read."""


def limit_bodies(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Middleware: 413 above the limit, 411 where the server cannot read chunks, 400 for broken chunks."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        limit = _find_limit(request)
        if not request.headers.get("Transfer-Encoding", "").strip():
            return _answer(request) if _length_of(request) <= limit else _refuse_size(request, limit)
        if not request.META.get("wsgi.input_terminated"):
            return _refuse(request, 411, "length_required", "The body has no Content-Length: send it.")
        with closing(open_unnamed()) as body:
            try:
                is_within = _read_chunks(request, body, limit)
            except _BrokenOffError:
                return _refuse(request, 400, "parse_error", "The body ended before its last chunk: send it again.")
            return _answer(request) if is_within else _refuse_size(request, limit)

    def _answer(request: HttpRequest) -> HttpResponseBase:
        try:
            return get_response(request)
        finally:
            for handler in request.upload_handlers:
                if isinstance(handler, UnnamedFileHandler):
                    handler.close()

    return middleware


def _find_limit(request: HttpRequest) -> int:
    limit: int = settings.JSON_MOST_BYTES
    if request.path.startswith(_HOOK):
        limit = settings.HOOK_MOST_BYTES
    elif request.content_type in _FORMS and _IMPORT.search(request.path):
        limit = settings.FORM_MOST_BYTES
    return limit


def _length_of(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isdecimal() else 0


def _read_chunks(request: HttpRequest, body: Any, limit: int) -> bool:
    """Whether the whole body is within the limit; then it is read as one with a length."""
    source: Any = request.META["wsgi.input"]
    length = 0
    try:
        while chunk := source.read(_CHUNK):
            length += len(chunk)
            if length > limit:
                return False
            body.write(chunk)
    except OSError as error:  # gunicorn's errors of chunks are some of these
        raise _BrokenOffError from error
    body.seek(0)
    request.META["CONTENT_LENGTH"] = str(length)
    request._stream = LimitedStream(body, length)  # type: ignore[assignment]
    return True


def _refuse_size(request: HttpRequest, limit: int) -> HttpResponseBase:
    return _refuse(request, 413, "too_big", f"The body is larger than {limit} bytes: send it in parts.")


def _refuse(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponseBase:
    if request.path.startswith("/api/"):
        return answer_error(status, code, detail)
    if request.path.startswith(_HOOK):
        return HttpResponse(f"{detail}\n", content_type="text/plain; charset=utf-8", status=status)
    return render(request, "refused_body.html", {"detail": detail}, status=status)
