"""The settings that `decide` depends on, read once where a command or a job starts."""

from __future__ import annotations

from django.conf import settings

from execution.engine.backoff import Policy


def engine_policy() -> Policy:
    return Policy(retry_minutes=tuple(settings.RETRY_MINUTES))
