"""The menu of the desk: which pages it lists, in which order, and who sees them. Read by the settings."""

from __future__ import annotations

from typing import Any

from django.urls import reverse_lazy


def _page(title: str, icon: str, name: str, permission: str, **more: Any) -> dict[str, Any]:
    """A link in the admin's side bar, for users with the permission."""
    return {
        **more,
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{name}"),
        "permission": lambda request: request.user.has_perm(permission),
    }


def _is_report(request: Any) -> bool:
    return bool(request.path.endswith("/reports/"))


def _is_approvals(request: Any) -> bool:
    return bool(request.path.endswith("/approvals/"))


def _is_lane(request: Any) -> bool:
    return "/lane" in request.path


def _is_mailbox(request: Any) -> bool:
    return "/emails/mailbox/" in request.path and not _is_lane(request) and "/forecast" not in request.path


def list_own_links(request: Any) -> list[dict[str, Any]]:
    """The links of the menu under the user's own name."""
    own = [("Change password", "admin:password_change"), ("Second factor", "second_factor")]
    if request.user.has_perm("sequences.view_timeoff"):
        own.insert(0, ("Time off", "admin:sequences_timeoff_changelist"))
    return [{"title": title, "link": reverse_lazy(name)} for title, name in own]


NAVIGATION: list[dict[str, Any]] = [
    {
        "title": "Work",
        "items": [
            {"title": "Home", "icon": "home", "link": reverse_lazy("admin:index")},
            _page(
                "Replies",
                "forum",
                "emails_reply_changelist",
                "emails.view_reply",
                badge="execution.admin.replies.show_to_answer",
            ),
            _page(
                "Approvals",
                "approval",
                "emails_approvals",
                "emails.view_emailmessage",
                badge="execution.admin.approvals.show_to_approve",
                active=_is_approvals,
            ),
            _page("Execution queue", "group", "sequences_enrollment_changelist", "sequences.view_enrollment"),
            _page("Sequences", "account_tree", "sequences_sequence_changelist", "sequences.view_sequence"),
            _page("Auto-enrollment", "group_add", "sequences_enrollrule_changelist", "sequences.view_enrollrule"),
            _page("Templates and snippets", "article", "sequences_snippet_changelist", "sequences.view_snippet"),
            _page("Tasks", "task_alt", "tasks_app_task_changelist", "tasks_app.view_task"),
            _page("Needs review", "report", "execution_deadletter_changelist", "execution.view_deadletter"),
            _page("Reports", "monitoring", "emails_reports", "emails.view_emailmessage"),
        ],
    },
    {
        "title": "Sending",
        "separator": True,
        "items": [
            _page("Sending queues", "view_stream", "emails_mailbox_lanes", "emails.view_mailbox", active=_is_lane),
            _page("Mailboxes", "inbox", "emails_mailbox_changelist", "emails.view_mailbox", active=_is_mailbox),
            _page("Mailbox pools", "workspaces", "emails_mailboxpool_changelist", "emails.view_mailboxpool"),
            _page("Time off", "beach_access", "sequences_timeoff_changelist", "sequences.view_timeoff"),
            _page("Forecast", "calendar_month", "emails_mailbox_forecast", "emails.view_mailbox"),
            _page(
                "Email messages",
                "mail",
                "emails_emailmessage_changelist",
                "emails.view_emailmessage",
                active=lambda request: (
                    "/emails/emailmessage/" in request.path and not _is_report(request) and not _is_approvals(request)
                ),
            ),
            _page("Email events", "bolt", "emails_emailevent_changelist", "emails.view_emailevent"),
            _page("Send limits", "speed", "emails_sendlimit_changelist", "emails.view_sendlimit"),
            _page("Suppressions", "block", "emails_suppression_changelist", "emails.view_suppression"),
        ],
    },
    {
        "title": "Contacts",
        "separator": True,
        "items": [
            _page("Contacts", "contacts", "sequences_contact_changelist", "sequences.view_contact"),
            _page("External events", "event_available", "emails_externalevent_changelist", "emails.view_externalevent"),
            _page("Accounts", "domain", "sequences_account_changelist", "sequences.view_account"),
            _page("Imports", "upload", "sequences_contactimport_changelist", "sequences.view_contactimport"),
        ],
    },
    {
        "title": "Administration",
        "separator": True,
        "items": [
            _page("Workspaces", "workspaces", "sequences_workspace_changelist", "sequences.view_workspace"),
            _page("Members", "badge", "sequences_membership_changelist", "sequences.view_membership"),
            _page("Invitations", "person_add", "sequences_invitation_changelist", "sequences.add_invitation"),
            _page("Users", "person", "auth_user_changelist", "auth.view_user"),
            _page("Groups", "shield_person", "auth_group_changelist", "auth.view_group"),
            _page("API keys", "key", "execution_apikey_changelist", "execution.view_apikey"),
            _page(
                "Security events",
                "policy",
                "sequences_securityevent_changelist",
                "sequences.view_securityevent",
            ),
        ],
    },
    {
        "title": "System",
        "separator": True,
        "items": [
            _page("Executor", "power", "emails_executorstate_changelist", "emails.view_executorstate"),
            _page("Workers", "memory", "execution_worker_changelist", "execution.view_worker"),
            _page("Alerts", "notifications", "execution_alert_changelist", "execution.view_alert"),
            _page("Execution logs", "history", "execution_executionlog_changelist", "execution.view_executionlog"),
            _page("Control logs", "tune", "execution_controllog_changelist", "execution.view_controllog"),
            _page(
                "Webhooks",
                "webhook",
                "execution_webhooksubscription_changelist",
                "execution.view_webhooksubscription",
            ),
            _page("Schedules", "schedule", "django_q_schedule_changelist", "django_q.view_schedule"),
            _page("Failed jobs", "error", "django_q_failure_changelist", "django_q.view_failure"),
        ],
    },
]
