"""A `Request-Id` on every answer, and in every log line that is written while the request is served."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from structlog.contextvars import bound_contextvars

_ACCEPTED = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


def with_request_id(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Middleware. An incoming `X-Request-ID` is kept when it is 1 to 128 plain characters, else one is made."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _ACCEPTED.fullmatch(given) else uuid.uuid4().hex
        with bound_contextvars(request_id=request_id):
            response = get_response(request)
        response.headers["Request-Id"] = request_id
        return response

    return middleware
