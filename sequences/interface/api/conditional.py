"""`ETag`, `If-Match` and `If-None-Match` (RFC 9110 section 13) of rows that users edit.

An ETag is of what users write; figures that the product itself changes all the time, as scores, do not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.db import models, transaction
from django.utils.http import parse_etags
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

IF_MATCH = "If-Match"
IF_NONE_MATCH = "If-None-Match"


class StaleError(APIException):
    """The row is not the one that `If-Match` names."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = "precondition_failed"
    default_detail = "It was changed since you read it: read it again, then repeat the change with its new ETag."


def make_etag(data: Mapping[str, Any], volatile: Collection[str]) -> str:
    """The ETag, with its quotes, of the answer `data` without the volatile keys."""
    kept = {name: value for name, value in data.items() if name not in volatile}
    text = json.dumps(json.loads(JSONRenderer().render(kept)), sort_keys=True)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def read_etags(request: Request, header: str) -> list[str]:
    """What the header names, `*` included; proxies that compress mark ETags as weak, which is no difference here.

    Empty without the header. Raises `ValidationError`.
    """
    text = request.headers.get(header, "")
    etags = [etag.removeprefix("W/") for etag in parse_etags(text)]
    if text.strip() and not etags:
        raise ValidationError({header: ['Give the ETag as it was answered, with its quotes: "…".']})
    return etags


def require_match(
    handler: Callable[..., Response], etags: Collection[str], lock: Callable[[], models.Model], read: Callable[[], str]
) -> Callable[..., Response]:
    """A handler that raises `StaleError` unless the row is as one of `etags` names it, and stays so until it is done.

    `lock` answers the row that writers of it lock; `read` its ETag as it is now.
    """

    def guarded(request: Request, *args: Any, **kwargs: Any) -> Response:
        with transaction.atomic():
            row = lock()
            type(row)._default_manager.select_for_update(of=("self",), no_key=True).filter(pk=row.pk).first()
            if "*" not in etags and read() not in etags:
                raise StaleError
            return handler(request, *args, **kwargs)

    return guarded
