"""Every error of the API as RFC 9457 `application/problem+json`. Must not decide what is an error."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core import signals
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from common.user_exchanges import TRY_AGAIN_SECONDS, BusyError
from sequences.interface.api.parsers import TooBigError
from sequences.interface.api.strict import READ_ONLY_KEY, UNKNOWN_KEY

CONTENT_TYPE = "application/problem+json"
_TYPE = "about:blank"
_INVALID = "invalid"
_KEY_CODES = {UNKNOWN_KEY, READ_ONLY_KEY}
# the one of DRF that says nothing
_CODES = {"error": "internal_error"}

logger = logging.getLogger(__name__)


class ConflictError(exceptions.APIException):
    """Not possible in the state the object is in; the detail names that state."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class BusyProblem(exceptions.APIException):
    """Too many exchanges with other servers at once."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = "throttled"
    wait = TRY_AGAIN_SECONDS


def describe_problem(status_code: int, code: str, detail: str, errors: object = None) -> dict[str, Any]:
    """The members of RFC 9457 section 3.1, and a stable `code`.

    `type` is about:blank, so the title is the phrase of the status.
    """
    problem: dict[str, Any] = {
        "type": _TYPE,
        "title": HTTPStatus(status_code).phrase,
        "status": status_code,
        "code": code,
        "detail": " ".join(detail.split()),
    }
    if errors is not None:
        problem["errors"] = errors
    return problem


def answer_problem(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler. An unexpected error is logged with its traceback and answered without it."""
    known = _translate(error)
    if known is None:
        request = context["request"]
        signals.got_request_exception.send(sender=None, request=request._request)
        logger.error("the request failed", exc_info=error, extra={"path": request.path})
        known = exceptions.APIException("Something went wrong on our side. It has been recorded.")
    set_rollback()
    headers = {}
    if challenge := getattr(known, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(known, "wait", None):
        headers["Retry-After"] = str(int(wait))
    if isinstance(known, exceptions.ValidationError):
        errors = known.detail if isinstance(known.detail, dict) else {"non_field_errors": known.detail}
        problem = describe_problem(known.status_code, _find_code(errors), _summarise(errors), errors)
    else:
        code = _CODES.get(known.default_code, known.default_code)
        problem = describe_problem(known.status_code, code, str(known.detail))
    return Response(problem, status=known.status_code, headers=headers, content_type=CONTENT_TYPE)


def _translate(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, exceptions.APIException):
        return error
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, BusyError):
        return BusyProblem(f"Not possible now: {error}.")
    if isinstance(error, RequestDataTooBig):
        return TooBigError(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    if isinstance(error, SuspiciousOperation):
        return exceptions.ParseError("The request cannot be understood: it has too many fields or files.")
    return None


def _summarise(errors: object) -> str:
    """The first error as one line that names its field: `steps[1].send_time: …`."""
    path, error = _find_first(errors)
    return f"{path}: {error}" if path else str(error)


def _find_code(errors: object) -> str:
    """That of an unknown key if there is one, since it explains what else seems to be missing."""
    code = getattr(_find_first(errors)[1], "code", "")
    return code if code in _KEY_CODES else _INVALID


def _find_first(errors: object, path: str = "") -> tuple[str, object]:
    if isinstance(errors, dict):
        for name, inner in errors.items():
            if inner:
                return _find_first(inner, _join(path, name))
    if isinstance(errors, list):
        for place, inner in enumerate(errors):
            if inner:
                return _find_first(inner, f"{path}[{place}]" if isinstance(inner, dict) else path)
    return path, errors


def _join(path: str, name: object) -> str:
    if isinstance(name, int):
        return f"{path}[{name}]"
    return path if name == "non_field_errors" else f"{path}.{name}".lstrip(".")
