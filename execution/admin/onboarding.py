"""The list "Getting started" on the first page: what is left to set up, until it is done or dismissed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from execution.insight.onboarding import SetupStep, read_onboarding
from sequences.access.admin_rights import manages_any_of
from sequences.access.roles import administered_workspaces, workspace_ids_of
from sequences.models import UserSettings

# The title, what it is for, and the page to do it on.
_TEXTS = {
    SetupStep.MAILBOX: ("Connect a mailbox", "Emails leave through it.", "admin:emails_mailbox_connect"),
    SetupStep.REPLIES: (
        "Receive replies",
        "Set up IMAP at the mailbox: who answers gets no more emails. Ticked once the inbox has been read.",
        "admin:emails_mailbox_changelist",
    ),
    SetupStep.FOOTER: (
        "Enter the postal address",
        "It stands below every email, as CAN-SPAM and similar laws ask for.",
        "admin:sequences_workspace_changelist",
    ),
    SetupStep.CONTACTS: ("Import contacts", "From a CSV file of your CRM.", "admin:sequences_contact_import_file"),
    SetupStep.SEQUENCE: ("Write a sequence", "Its emails, tasks and delays.", "admin:sequences_sequence_changelist"),
    SetupStep.ENROLLMENT: (
        "Enroll contacts",
        "Check shows every email before one is sent.",
        "admin:sequences_enrollment_add",
    ),
    SetupStep.COLLEAGUE: ("Invite a colleague", "By email, with a role.", "admin:sequences_invitation_add"),
}


@dataclass(frozen=True, slots=True)
class ListedStep:
    title: str
    hint: str
    url: str
    is_done: bool


def list_onboarding(request: HttpRequest) -> list[ListedStep]:
    """The steps of the reader's role; none once all are done, or the reader has dismissed the list."""
    user: Any = request.user
    ids = workspace_ids_of(user)
    if not ids or UserSettings.objects.filter(user=user, onboarding_dismissed_at__isnull=False).exists():
        return []
    administered = list(administered_workspaces(user).filter(pk__in=ids).values_list("pk", flat=True))
    items = read_onboarding(user.pk, ids, administered, is_managing=manages_any_of(request))
    if all(item.is_done for item in items):
        return []
    return [ListedStep(*_present(item.step), item.is_done) for item in items]


@require_POST
def dismiss_onboarding(request: HttpRequest) -> HttpResponse:
    """For good, for this user."""
    user: Any = request.user
    UserSettings.objects.update_or_create(user=user, defaults={"onboarding_dismissed_at": timezone.now()})
    messages.success(request, "The list is dismissed. Everything on it stays in the menu.")
    return redirect("admin:index")


def _present(step: SetupStep) -> tuple[str, str, str]:
    title, hint, name = _TEXTS[step]
    return title, hint, reverse(name)
