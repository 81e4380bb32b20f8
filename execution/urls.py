"""Where the addresses of the product meet; each app lists its own."""

from typing import Any

from django.urls import URLPattern, URLResolver, include, path

from emails.api.suppressions import SuppressionChangeViewSet, SuppressionViewSet
from execution.api.acting import (
    CompletableTaskViewSet,
    DeadLetterViewSet,
    OperatedMailboxViewSet,
    ResolvableMessageViewSet,
)
from execution.api.enrollments import EnrollmentViewSet
from execution.api.executor import ExecutorViewSet
from execution.api.idempotency import answer_once
from execution.api.people import AccountViewSet, EngagedContactViewSet
from sequences.api.base import Router
from sequences.api.views import SequenceViewSet


def _list_api() -> list[Any]:
    router = Router()
    router.register("sequence-executor", ExecutorViewSet, "executor")
    router.register("sequence-enrollments", EnrollmentViewSet, "enrollment")
    router.register("sequences", SequenceViewSet, "sequence")
    router.register("accounts", AccountViewSet, "account")
    router.register("contacts", EngagedContactViewSet, "contact")
    router.register("mailboxes", OperatedMailboxViewSet, "mailbox")
    router.register("messages", ResolvableMessageViewSet, "message")
    router.register("suppressions", SuppressionViewSet, "suppression")
    router.register("suppression-changes", SuppressionChangeViewSet, "suppression-change")
    router.register("tasks", CompletableTaskViewSet, "task")
    router.register("dead-letters", DeadLetterViewSet, "dead-letter")
    patterns: list[Any] = router.urls
    for pattern in patterns:
        pattern.callback = answer_once(pattern.callback)
    return patterns


urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", include((_list_api(), "api"))),
    path("", include("emails.urls")),
]
