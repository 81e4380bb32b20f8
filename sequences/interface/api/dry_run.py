"""Dry runs of every call that changes data: read from the query or the body, executed and rolled back, marked.

The action runs as always inside a transaction that is then rolled back: nothing is stored, no engine is notified. Calls
that talk to other servers are not rolled back; each says for itself what its dry run does (`calls_server`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import transaction
from rest_framework import status
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from sequences.interface.api.flags import read_yes_no
from sequences.interface.api.strict import DRY_RUN_KEY

Handler = Callable[..., Response]


def is_dry_run(request: Request) -> bool:
    """Whether the query or the body asks for it. Raises `ValidationError` for what is neither yes nor no, and for both.

    Nothing is done that was perhaps not meant.
    """
    answers = {
        _read(source[DRY_RUN_KEY]) for source in (request.query_params, _body_of(request)) if DRY_RUN_KEY in source
    }
    if len(answers) > 1:
        raise _invalid("The query says one thing and the body another: say it once.")
    return True in answers


def rehearse(handler: Handler, blank_new: Callable[[dict[str, Any]], dict[str, Any]]) -> Handler:
    """The handler of a dry run. `blank_new` takes from an answer the ids of rows that the rollback has removed."""

    def rehearsed(request: Request, *args: Any, **kwargs: Any) -> Response:
        with transaction.atomic():
            response = handler(request, *args, **kwargs)
            transaction.set_rollback(True)
        return mark_dry_run(response, blank_new)

    return rehearsed


def mark_dry_run(response: Response, blank_new: Callable[[dict[str, Any]], dict[str, Any]]) -> Response:
    """The answer with `is_dry_run`; always 200, since nothing was created or deleted."""
    data = dict(response.data) if isinstance(response.data, Mapping) else {}
    if response.status_code == status.HTTP_201_CREATED:
        data = blank_new(data)
    return Response({"is_dry_run": True, **data}, status=status.HTTP_200_OK)


def _body_of(request: Request) -> Mapping[str, Any]:
    return request.data if isinstance(request.data, Mapping) else {}


def _read(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    try:
        read = read_yes_no(value) if isinstance(value, str) else None
    except DjangoValidationError:
        read = None
    if read is None:
        raise _invalid("It is true or false.")
    return read


def _invalid(detail: str) -> ValidationError:
    return ValidationError({DRY_RUN_KEY: [ErrorDetail(detail, code="invalid")]})
