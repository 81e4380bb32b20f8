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

CONTENT_TYPE = "application/problem+json"
_TYPE = "about:blank"

logger = logging.getLogger(__name__)


class ConflictError(exceptions.APIException):
    """Not possible in the state the object is in; the detail names that state."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class TooBigError(exceptions.APIException):
    """The body is larger than the server takes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_big"

    def __init__(self) -> None:
        super().__init__(f"The body is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes: send it in parts.")


def describe_problem(status_code: int, detail: str, errors: object = None) -> dict[str, Any]:
    """The members of RFC 9457 section 3.1; `type` is about:blank, so the title is the phrase of the status."""
    problem: dict[str, Any] = {
        "type": _TYPE,
        "title": HTTPStatus(status_code).phrase,
        "status": status_code,
        "detail": " ".join(detail.split()),
    }
    if errors is not None:
        problem["errors"] = errors
    return problem


def answer_problem(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler. What nobody expected is logged with its trace and answered without it."""
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
        problem = describe_problem(known.status_code, _summarise(errors), errors)
    else:
        problem = describe_problem(known.status_code, str(known.detail))
    return Response(problem, status=known.status_code, headers=headers, content_type=CONTENT_TYPE)


def _translate(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, exceptions.APIException):
        return error
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, RequestDataTooBig):
        return TooBigError()
    if isinstance(error, SuspiciousOperation):
        return exceptions.ParseError("The request cannot be understood: it has too many fields or files.")
    return None


def _summarise(errors: object, path: str = "") -> str:
    """The first error as one line that names its field."""
    if isinstance(errors, dict):
        for name, inner in errors.items():
            if inner:
                within = path if name == "non_field_errors" else f"{path}.{name}".lstrip(".")
                return _summarise(inner, within)
    if isinstance(errors, list):
        return next((_summarise(inner, path) for inner in errors if inner), "")
    return f"{path}: {errors}" if path else str(errors)
