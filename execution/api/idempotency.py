"""`Idempotency-Key` on POST and upserts: a repeated request gets the first answer for 24 hours, changing nothing.

The key is stored in the transaction of what it guards, so that of two requests at once the second waits for the first
and a request that dies leaves neither. What must not happen in a transaction, such as an email, is done after it
(`follow_up`). https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import wraps
from io import BytesIO
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from common.db import execute, fetch_all
from common.encryption import get_cipher
from execution.models import IdempotencyKey
from sequences.interface.api.parsers import TooBigError
from sequences.interface.api.problems import CONTENT_TYPE, ConflictError

_LONGEST_KEY = 255
_LONGEST_PATH = 500
_KEPT = timedelta(hours=24)
_SEALED = "encrypted"
_NOT_KEPT = {401, 403, 429}

View = Callable[..., HttpResponseBase]
FollowUp = Callable[[], Mapping[str, Any]]
_FOLLOW_UP = "follow_up"

# Takes the key unless another request holds it; one that has not committed yet is waited for, an expired one replaced.
_TAKE = """
INSERT INTO execution_idempotencykey AS k (user_id, key, path, body_hash, status_code, response, created_at)
VALUES (%(user)s, %(key)s, %(path)s, %(body_hash)s, NULL, NULL, %(now)s)
ON CONFLICT (user_id, key) DO UPDATE
SET path = excluded.path, body_hash = excluded.body_hash, status_code = NULL, response = NULL,
    created_at = excluded.created_at
WHERE k.created_at <= %(expired)s
RETURNING id
"""

# A few at a time, and none that another request has locked: keys need no other maintenance.
_DELETE_EXPIRED = """
DELETE FROM execution_idempotencykey WHERE id IN (
    SELECT id FROM execution_idempotencykey WHERE created_at <= %(expired)s LIMIT 10 FOR UPDATE SKIP LOCKED)
"""


def answer_once(view: View) -> View:
    """Wrap the view of a DRF class."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = request.headers.get("Idempotency-Key")
        if key is None or not (request.method == "POST" or _is_upsert(request, view)):
            response = view(request, *args, **kwargs)
            _follow_up(response)
            return response
        return _Guard(view, key).answer(request, *args, **kwargs)

    return guarded


def follow_up(response: Response, finish: FollowUp) -> Response:
    """Have `finish` run once the changes of the request are committed; what it returns replaces parts of the answer.

    A repeated request gets the answer as it was last, and nothing runs again.
    """
    setattr(response, _FOLLOW_UP, finish)
    return response


def _follow_up(response: HttpResponseBase) -> bool:
    """Whether there was something to do."""
    finish: FollowUp | None = getattr(response, _FOLLOW_UP, None)
    if finish is None or not isinstance(response, Response):
        return False
    delattr(response, _FOLLOW_UP)
    response.data = {**response.data, **finish()}
    return True


def _is_upsert(request: HttpRequest, view: View) -> bool:
    return request.method == "PUT" and getattr(view, "actions", {}).get("put") == "upsert"


class _Guard:
    """One guarded request."""

    def __init__(self, view: View, key: str) -> None:
        self._view = view
        self._key = key

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user_id = self._authenticate(request)
        if user_id is None:
            return self._view(request, *args, **kwargs)
        if not self._key.strip() or len(self._key) > _LONGEST_KEY or "\x00" in self._key:
            message = f"It has 1 to {_LONGEST_KEY} characters."
            return self._refuse(request, ValidationError({"Idempotency-Key": [message]}))
        try:
            identity = _identify(request, user_id, self._key)
        except (TooBigError, RequestDataTooBig) as error:
            return self._refuse(request, error)
        now = timezone.now()
        if self._calls_server():
            return self._answer_calling(request, identity, now, *args, **kwargs)
        with transaction.atomic():
            if not _take(identity, now):
                return self._replay(request, identity)
            response = self._view(request, *args, **kwargs)
            if _is_kept(response):
                _keep(identity, self._sealed(response))
            else:
                transaction.set_rollback(True)
        if _follow_up(response):
            _keep(identity, self._sealed(response))
        return response

    def _answer_calling(
        self, request: HttpRequest, identity: dict[str, Any], now: datetime, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        # No transaction is open while talking to a server; two such requests at once do no harm.
        if _is_held(identity, now):
            return self._replay(request, identity)
        response = self._view(request, *args, **kwargs)
        if _is_kept(response):
            with transaction.atomic():
                if _take(identity, now):
                    _keep(identity, self._sealed(response))
        return response

    def _calls_server(self) -> bool:
        return bool(self._view.initkwargs.get("calls_server"))  # type: ignore[attr-defined]

    def _sealed(self, response: HttpResponseBase) -> HttpResponseBase:
        """What is stored: encrypted where the answer holds a secret."""
        is_secret = getattr(self._view.cls, "answers_secret", False)  # type: ignore[attr-defined]
        return _seal(response) if is_secret else response

    def _authenticate(self, request: HttpRequest) -> int | None:
        """The user's id; None when the credentials are bad, which the view itself answers."""
        user_before = getattr(request, "user", None)
        try:
            user = self._instance().initialize_request(request).user
        except APIException:
            return None
        finally:
            # DRF stores the user in Django's request, where the view's own authentication would find it
            if user_before is not None:
                request.user = user_before
        return user.pk if user.is_authenticated else None

    def _replay(self, request: HttpRequest, identity: dict[str, Any]) -> HttpResponseBase:
        kept = IdempotencyKey.objects.get(user_id=identity["user"], key=identity["key"])
        if (kept.path, kept.body_hash) != (identity["path"], identity["body_hash"]):
            message = "This Idempotency-Key was used for another request: take a new key."
            return self._refuse(request, ConflictError(message))
        content_type = CONTENT_TYPE if (kept.status_code or 0) >= 400 else None
        return self._finish(
            request, Response(_unseal(kept.response), status=kept.status_code, content_type=content_type)
        )

    def _refuse(self, request: HttpRequest, error: Exception) -> HttpResponseBase:
        view = self._instance()
        view.request = view.initialize_request(request)
        return self._finish(request, view.handle_exception(error))

    def _finish(self, request: HttpRequest, response: Response) -> HttpResponseBase:
        view = self._instance()
        view.headers = view.default_response_headers
        finished: HttpResponseBase = view.finalize_response(view.initialize_request(request), response)
        return finished

    def _instance(self) -> Any:
        made = self._view.cls(**self._view.initkwargs)  # type: ignore[attr-defined]
        made.action_map = getattr(self._view, "actions", {})
        made.args, made.kwargs = (), {}
        return made


def _identify(request: HttpRequest, user_id: int, key: str) -> dict[str, Any]:
    """The key, and what must be the same when it is used again. The path is shortened; the hash covers all of it."""
    path = request.get_full_path().rstrip("/")
    named = path if request.method == "POST" else f"{request.method} {path}"
    digest = hashlib.sha256(named.encode() + b"\n")
    for part in _read_parts(request):
        digest.update(part)
    return {"user": user_id, "key": key, "path": path[:_LONGEST_PATH], "body_hash": digest.hexdigest()}


def _read_parts(request: HttpRequest) -> Iterator[memoryview]:
    """The body without the boundary of a form, which each call of a client chooses. An upload is not copied."""
    boundary = b""
    if request.content_type == "multipart/form-data":
        # as `request.body` reads it, whose limit is that of forms without files
        if not hasattr(request, "_body"):
            request._body = request.read()
            request._stream = BytesIO(request._body)
        boundary = (request.content_params or {}).get("boundary", "").encode()
    body, start = request.body, 0
    view = memoryview(body)
    while boundary and (found := body.find(boundary, start)) >= 0:
        yield view[start:found]
        start = found + len(boundary)
    yield view[start:]


def _take(identity: dict[str, Any], now: datetime) -> bool:
    execute(_DELETE_EXPIRED, {"expired": now - _KEPT})
    return bool(fetch_all(_TAKE, {**identity, "now": now, "expired": now - _KEPT}))


def _is_held(identity: dict[str, Any], now: datetime) -> bool:
    return IdempotencyKey.objects.filter(
        user_id=identity["user"], key=identity["key"], created_at__gt=now - _KEPT
    ).exists()


def _is_kept(response: HttpResponseBase) -> bool:
    """Every answer to a request that was let in and did not fail on our side."""
    return isinstance(response, Response) and response.status_code < 500 and response.status_code not in _NOT_KEPT


def _keep(identity: dict[str, Any], response: HttpResponseBase) -> None:
    data = json.loads(_render(response))
    IdempotencyKey.objects.filter(user_id=identity["user"], key=identity["key"]).update(
        status_code=response.status_code, response=data
    )


def _render(response: HttpResponseBase) -> bytes:
    return JSONRenderer().render(getattr(response, "data", None)) or b"null"


def _seal(response: HttpResponseBase) -> Response:
    """The answer as it is stored when it holds a secret."""
    return Response({_SEALED: get_cipher().encrypt(_render(response)).decode()}, status=response.status_code)


def _unseal(stored: Any) -> Any:
    is_sealed = isinstance(stored, dict) and set(stored) == {_SEALED}
    return json.loads(get_cipher().decrypt(stored[_SEALED].encode())) if is_sealed else stored
