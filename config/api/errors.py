"""Errors outside of any endpoint: unknown paths, and what fails before or after a view."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views import defaults
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from sequences.interface.api.problems import CONTENT_TYPE, describe_problem


@extend_schema(exclude=True)
class NoSuchEndpoint(APIView):
    """Every other path under /api: 404 for every user, in development too."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404


def handle_400(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if _is_api(request):
        return answer_error(400, "parse_error", "The request cannot be understood.")
    return defaults.bad_request(request, exception)


def handle_403(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if _is_api(request):
        return answer_error(403, "permission_denied", "It is not allowed.")
    return defaults.permission_denied(request, exception)


def handle_404(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if _is_api(request):
        return answer_error(404, "not_found", "There is no such endpoint.")
    return defaults.page_not_found(request, exception)


def handle_500(request: HttpRequest) -> HttpResponseBase:
    if _is_api(request):
        return answer_error(500, "internal_error", "Something went wrong on our side. It has been recorded.")
    return defaults.server_error(request)


def _is_api(request: HttpRequest) -> bool:
    return request.path == "/api" or request.path.startswith("/api/")


def answer_error(status_code: int, code: str, detail: str) -> HttpResponse:
    """A problem outside of any endpoint (RFC 9457)."""
    return JsonResponse(describe_problem(status_code, code, detail), status=status_code, content_type=CONTENT_TYPE)
