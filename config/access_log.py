"""One log line and one count for every request that the web server answers.

A path is logged as its route, such as `/u/<token>`: tokens and keys of links open what they name. Queries, bodies and
headers are never logged.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import CollectorRegistry, Counter, Histogram

from config.routes import OTHER, name_route
from sequences.access.client_address import client_address

logger = structlog.get_logger("access")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

COUNTED = CollectorRegistry()
_REQUESTS = Counter(
    "sequence_executor_http_requests", "Requests answered, by the class of their status.",
    ["method", "route", "status"], registry=COUNTED,
)  # fmt: skip
_SECONDS = Histogram(
    "sequence_executor_http_request_seconds", "How long an answer took.", ["route"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30), registry=COUNTED,
)  # fmt: skip


def log_requests(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Middleware, inside that of the request's id and around all others."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = get_response(request)
        seconds = time.perf_counter() - began
        method = request.method if request.method in _METHODS else OTHER
        route = name_route(request)
        _REQUESTS.labels(method, route, f"{response.status_code // 100}xx").inc()
        _SECONDS.labels(route).observe(seconds)
        if settings.ACCESS_LOG:
            user = getattr(request, "user", None)
            logger.info(
                "request", method=method, route=route, status=response.status_code, milliseconds=round(seconds * 1000),
                address=client_address(request), user=getattr(user, "pk", None),
            )  # fmt: skip
        return response

    return middleware
