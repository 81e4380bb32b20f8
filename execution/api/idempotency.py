"""`Idempotency-Key` on POST: who repeats a request within 24 hours gets the first answer and changes nothing again.

The key is stored in the transaction of what it guards, so that of two requests at once the second waits for the first
and a request that dies leaves neither. https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
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
from execution.models import IdempotencyKey
from sequences.interface.api.problems import CONTENT_TYPE, ConflictError

_LONGEST_KEY = 255
_KEPT = timedelta(hours=24)
_NOT_KEPT = {401, 403, 429}

View = Callable[..., HttpResponseBase]

# Takes the key unless somebody holds it; a holder that has not committed yet is waited for, an expired one replaced.
_TAKE = """
INSERT INTO execution_idempotencykey AS k (user_id, key, path, body_hash, status_code, response, created_at)
VALUES (%(user)s, %(key)s, %(path)s, %(body_hash)s, NULL, NULL, %(now)s)
ON CONFLICT (user_id, key) DO UPDATE
SET path = excluded.path, body_hash = excluded.body_hash, status_code = NULL, response = NULL,
    created_at = excluded.created_at
WHERE k.created_at <= %(expired)s
RETURNING id
"""

# A few at a time, and none that another request is at: keys need no other housekeeping.
_FORGET = """
DELETE FROM execution_idempotencykey WHERE id IN (
    SELECT id FROM execution_idempotencykey WHERE created_at <= %(expired)s LIMIT 10 FOR UPDATE SKIP LOCKED)
"""


def answer_once(view: View) -> View:
    """Wrap the view of a DRF class."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = request.headers.get("Idempotency-Key")
        if request.method != "POST" or key is None:
            return view(request, *args, **kwargs)
        return _Guard(view, key).answer(request, *args, **kwargs)

    return guarded


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
            said = f"It has 1 to {_LONGEST_KEY} characters."
            return self._refuse(request, ValidationError({"Idempotency-Key": [said]}))
        try:
            body_hash = _hash_body(request)
        except RequestDataTooBig as error:
            return self._refuse(request, error)
        asked = {
            "user": user_id,
            "key": self._key,
            "path": request.get_full_path().rstrip("/"),
            "body_hash": body_hash,
        }
        now = timezone.now()
        if self._talks_outside():
            return self._answer_outside(request, asked, now, *args, **kwargs)
        with transaction.atomic():
            if not _take(asked, now):
                return self._replay(request, asked)
            response = self._view(request, *args, **kwargs)
            if _is_kept(response):
                _keep(asked, response)
            else:
                transaction.set_rollback(True)
        return response

    def _answer_outside(
        self, request: HttpRequest, asked: dict[str, Any], now: datetime, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        # No transaction is open while a server is talked to; asking twice at once does no harm.
        if _is_held(asked, now):
            return self._replay(request, asked)
        response = self._view(request, *args, **kwargs)
        if _is_kept(response):
            with transaction.atomic():
                if _take(asked, now):
                    _keep(asked, response)
        return response

    def _talks_outside(self) -> bool:
        return bool(self._view.initkwargs.get("asks_outside"))  # type: ignore[attr-defined]

    def _authenticate(self, request: HttpRequest) -> int | None:
        """Whose request it is; None: the view itself says what is wrong with the credentials."""
        visitor = getattr(request, "user", None)
        try:
            user = self._instance().initialize_request(request).user
        except APIException:
            return None
        finally:
            # DRF writes its finding into Django's request, where the view's own look would meet it
            if visitor is not None:
                request.user = visitor
        return user.pk if user.is_authenticated else None

    def _replay(self, request: HttpRequest, asked: dict[str, Any]) -> HttpResponseBase:
        kept = IdempotencyKey.objects.get(user_id=asked["user"], key=asked["key"])
        if (kept.path, kept.body_hash) != (asked["path"], asked["body_hash"]):
            said = "This Idempotency-Key was used for another request: take a new key."
            return self._refuse(request, ConflictError(said))
        content_type = CONTENT_TYPE if (kept.status_code or 0) >= 400 else None
        return self._finish(request, Response(kept.response, status=kept.status_code, content_type=content_type))

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


def _hash_body(request: HttpRequest) -> str:
    body = request.body
    if request.content_type == "multipart/form-data":
        # clients mark the parts of a form anew each time
        body = body.replace((request.content_params or {}).get("boundary", "").encode(), b"")
    return hashlib.sha256(body).hexdigest()


def _take(asked: dict[str, Any], now: datetime) -> bool:
    execute(_FORGET, {"expired": now - _KEPT})
    return bool(fetch_all(_TAKE, {**asked, "now": now, "expired": now - _KEPT}))


def _is_held(asked: dict[str, Any], now: datetime) -> bool:
    return IdempotencyKey.objects.filter(user_id=asked["user"], key=asked["key"], created_at__gt=now - _KEPT).exists()


def _is_kept(response: HttpResponseBase) -> bool:
    """What says that the request was understood; not that it was refused at the door, or failed on our side."""
    return isinstance(response, Response) and response.status_code < 500 and response.status_code not in _NOT_KEPT


def _keep(asked: dict[str, Any], response: HttpResponseBase) -> None:
    data = json.loads(JSONRenderer().render(getattr(response, "data", None)) or "null")
    IdempotencyKey.objects.filter(user_id=asked["user"], key=asked["key"]).update(
        status_code=response.status_code, response=data
    )
