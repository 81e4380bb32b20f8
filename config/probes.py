"""Pages of probes and Prometheus, which call by IP and plain HTTP: they answer before hosts and TLS are checked.

Must not serve anything that a login protects.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from config.api.health import show_health, show_readiness
from config.api.metrics import show_metrics

PROBES: dict[str, Callable[[HttpRequest], HttpResponseBase]] = {
    "/healthz": show_health,
    "/readyz": show_readiness,
    "/metrics": show_metrics,
}


def answer_probes(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Middleware, in front of those that check hosts and TLS."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        probe = PROBES.get(request.path_info.removesuffix("/"))
        return probe(request) if probe else get_response(request)

    return middleware
