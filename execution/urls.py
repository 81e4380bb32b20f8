"""The endpoints of the API, the page of invitations, and where those of each app are included."""

from typing import Any

from django.urls import URLPattern, URLResolver, include, path, re_path

from emails.api.suppression_imports import SuppressionImportViewSet
from emails.api.suppressions import SuppressionChangeViewSet, SuppressionViewSet
from execution.admin.members.joining import show_invitation
from execution.agents.http import McpView
from execution.agents.llms_txt import show_llms_txt
from execution.api.address_verdicts import AddressVerdictViewSet
from execution.api.api_keys import ApiKeyViewSet, SecurityEventViewSet
from execution.api.approvals import ApprovableMessageViewSet
from execution.api.contacts import EngagedContactViewSet, ReleasableAccountViewSet
from execution.api.dead_letters import DeadLetterViewSet
from execution.api.enroll_rules import EnrollRuleViewSet
from execution.api.enrollments import EnrollmentViewSet
from execution.api.events import FeedViewSet
from execution.api.executor import ExecutorViewSet
from execution.api.external_events import ExternalEventViewSet
from execution.api.forecast import ForecastViewSet
from execution.api.idempotency import answer_once
from execution.api.invitations import InvitationViewSet
from execution.api.members import AlertViewSet, ManagedUserViewSet
from execution.api.pools import MailboxPoolViewSet
from execution.api.replies import ReplyViewSet
from execution.api.reports import ReportViewSet
from execution.api.row_actions import (
    CompletableTaskViewSet,
    LoggedSendLimitViewSet,
    OperatedMailboxViewSet,
)
from execution.api.sending_domains import SendingDomainViewSet
from execution.api.sequences import WrittenSequenceViewSet
from execution.api.steps import StepViewSet
from execution.api.time_off import TimeOffViewSet
from execution.api.webhooks import WebhookViewSet
from execution.api.workspaces import WorkspaceSettingsViewSet
from sequences.api.contact_imports import ContactImportViewSet
from sequences.api.snippets import SnippetViewSet
from sequences.api.users import MeViewSet
from sequences.interface.api.base import Router


def _list_api() -> list[Any]:
    router = Router()
    router.register("sequence-executor", ExecutorViewSet, "executor")
    router.register("sequence-enrollments", EnrollmentViewSet, "enrollment")
    router.register("sequences", WrittenSequenceViewSet, "sequence")
    router.register("steps", StepViewSet, "step")
    router.register("accounts", ReleasableAccountViewSet, "account")
    router.register("contact-imports", ContactImportViewSet, "contact-import")
    router.register("contacts", EngagedContactViewSet, "contact")
    router.register("snippets", SnippetViewSet, "snippet")
    router.register("mailboxes", OperatedMailboxViewSet, "mailbox")
    router.register("mailbox-pools", MailboxPoolViewSet, "mailbox-pool")
    router.register("send-limits", LoggedSendLimitViewSet, "send-limit")
    router.register("messages", ApprovableMessageViewSet, "message")
    router.register("suppression-imports", SuppressionImportViewSet, "suppression-import")
    router.register("suppressions", SuppressionViewSet, "suppression")
    router.register("suppression-changes", SuppressionChangeViewSet, "suppression-change")
    router.register("replies", ReplyViewSet, "reply")
    router.register("tasks", CompletableTaskViewSet, "task")
    router.register("webhooks", WebhookViewSet, "webhook")
    router.register("events", FeedViewSet, "event")
    router.register("dead-letters", DeadLetterViewSet, "dead-letter")
    router.register("users", ManagedUserViewSet, "user")
    router.register("invitations", InvitationViewSet, "invitation")
    router.register("api-keys", ApiKeyViewSet, "api-key")
    router.register("security-events", SecurityEventViewSet, "security-event")
    router.register("alerts", AlertViewSet, "alert")
    router.register("reports", ReportViewSet, "report")
    router.register("workspaces", WorkspaceSettingsViewSet, "workspace")
    router.register("enroll-rules", EnrollRuleViewSet, "enroll-rule")
    router.register("address-verdicts", AddressVerdictViewSet, "address-verdict")
    router.register("external-events", ExternalEventViewSet, "external-event")
    router.register("time-off", TimeOffViewSet, "time-off")
    router.register("forecast", ForecastViewSet, "forecast")
    router.register("sending-domains", SendingDomainViewSet, "sending-domain")
    me = re_path(r"^me/?$", MeViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="me")
    patterns: list[Any] = [me, *router.urls]
    for pattern in patterns:
        pattern.callback = answer_once(pattern.callback)
    return patterns


urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", include((_list_api(), "api"))),
    re_path(r"^mcp/?$", McpView.as_view(), name="mcp"),
    path("llms.txt", show_llms_txt),
    re_path(r"^join/(?P<token>[^/]+)/?$", show_invitation, name="join"),
    path("", include("emails.urls")),
]
