"""`/metrics` for Prometheus, with `METRICS_TOKEN` only; without that setting it is closed in production."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from config.access_log import COUNTED
from execution.insight.metrics import render_metrics


@csrf_exempt
@never_cache
@require_safe
def show_metrics(request: HttpRequest) -> HttpResponse:
    """401 without the token, 403 when there is none to give, 503 without the database."""
    if not settings.METRICS_TOKEN and not settings.METRICS_WITHOUT_TOKEN:
        text = "metrics are closed: set METRICS_TOKEN and send it as Authorization: Bearer\n"
        return HttpResponse(text, content_type="text/plain", status=403)
    expected = f"Bearer {settings.METRICS_TOKEN}"
    if settings.METRICS_TOKEN and not constant_time_compare(request.headers.get("Authorization", ""), expected):
        answer = HttpResponse("send Authorization: Bearer with METRICS_TOKEN\n", content_type="text/plain", status=401)
        answer["WWW-Authenticate"] = "Bearer"
        return answer
    try:
        figures = render_metrics(timezone.now()) + render_requests()
        return HttpResponse(figures, content_type=CONTENT_TYPE_PLAIN_0_0_4)
    except DatabaseError:
        return HttpResponse("the database cannot be reached\n", content_type="text/plain", status=503)


def render_requests() -> bytes:
    """Of all web workers where gunicorn has made a folder for them (config/gunicorn.py), else of this process."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(COUNTED)
    registry = CollectorRegistry()
    collect: Any = MultiProcessCollector
    collect(registry)
    return generate_latest(registry)
