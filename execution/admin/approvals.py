"""The page "Approvals": emails that wait for an approval, each read beside the list. Presents execution.control."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from emails.facts.approvals import APPROVAL_DAYS, is_awaiting
from emails.models import EmailMessage
from emails.rendering.render import without_pixel
from emails.sending.approvals import render_held
from emails.tracking.links import lead_straight
from execution.control.approvals import Rejection, approve_emails, edit_email, filter_decidable, reject_emails
from execution.control.enrollments import Report
from execution.control.switches import NotPossibleError
from sequences.access.roles import workspace_ids_of
from sequences.interface.admin.base import name_actor
from sequences.models import Sequence

_SHOWN = 50
COUNTED_AT_MOST = 1_000
_LONGEST_BODY = 100_000


def show_to_approve(request: HttpRequest) -> str:
    """The number beside the menu's item; empty when nothing waits."""
    sequences = Sequence.objects.filter(workspace__in=list(workspace_ids_of(request.user)), requires_approval=True)
    if not (held_ids := list(sequences.values_list("pk", flat=True))):
        return ""
    number = _own(request).filter(enrollment__sequence__in=held_ids)[: COUNTED_AT_MOST + 1].count()
    return f"{COUNTED_AT_MOST}+" if number > COUNTED_AT_MOST else str(number or "")


def _own(request: HttpRequest) -> QuerySet[EmailMessage]:
    """What waits for this user, the oldest first."""
    seen = EmailMessage.objects.filter(is_awaiting(timezone.now()), workspace__in=list(workspace_ids_of(request.user)))
    return filter_decidable(seen, request.user).order_by("queued_at", "pk")


class OwnTextForm(forms.Form):
    subject = forms.CharField(
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Liquid. Leave empty to reply in the same thread.",
    )
    body = forms.CharField(
        max_length=_LONGEST_BODY,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10}),
        help_text="Liquid, in the format of the step. Changes this email only.",
    )


class ApprovalsPage:
    """Adds the page to the admin of email messages."""

    admin_site: Any

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.approvals_view)
        return [path("approvals/", view, name="emails_approvals"), *super().get_urls()]  # type: ignore[misc]

    def approvals_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        waiting = list(_own(request).select_related("contact", "enrollment__sequence", "step", "approval")[:_SHOWN])
        form = None
        if request.method == "POST":
            form = _act(request)
            if form is None:
                return HttpResponseRedirect(reverse("admin:emails_approvals"))
        now = timezone.now()
        held = render_held([message.pk for message in waiting], now)
        rows = [(message, held[message.pk]) for message in waiting if message.pk in held]
        wanted = request.POST.get("edited") or request.GET.get("email", "")
        position = next((index for index, (row, _) in enumerate(rows) if str(row.pk) == wanted), 0)
        current, email = rows[position] if rows else (None, None)
        context = {
            **self.admin_site.each_context(request),
            "title": "Approvals",
            "rows": rows,
            "current": current,
            "email": email,
            "shown": lead_straight(without_pixel(email.html)) if email else "",
            "before": rows[position - 1][0].pk if position else None,
            "after": rows[position + 1][0].pk if position + 1 < len(rows) else None,
            "form": form or (OwnTextForm(initial=_read_text(current)) if current else None),
            "is_editing": form is not None,
            "days": APPROVAL_DAYS,
        }
        return TemplateResponse(request, "admin/emails/emailmessage/approvals.html", context)


def _read_text(message: EmailMessage) -> dict[str, str]:
    approval = getattr(message, "approval", None)
    source = approval if approval is not None and approval.edited_at else message.step
    return {"subject": source.subject, "body": source.body} if source else {}


def _act(request: HttpRequest) -> OwnTextForm | None:
    """Do what the button says. The form to show again when its text cannot be sent."""
    now, actor, wanted = timezone.now(), name_actor(request), request.POST.get("do", "")
    if wanted == "edit":
        return _edit(request)
    hashes = _read_chosen(request)
    if not hashes:
        messages.warning(request, "No email was chosen.")
    elif wanted == "approve":
        _tell(request, approve_emails(hashes, actor=actor, now=now), "Approved")
    elif wanted in {"skip", "exit"}:
        reason = " ".join(request.POST.get("reason", "").split())[:450]
        if not reason:
            messages.error(request, "Say why the email is rejected.")
        else:
            then: Rejection = "exit" if wanted == "exit" else "skip"
            done = reject_emails(hashes, then=then, actor=actor, now=now, reason=reason)
            _tell(request, done, "Rejected")
    return None


def _edit(request: HttpRequest) -> OwnTextForm | None:
    form = OwnTextForm(request.POST)
    key = request.POST.get("edited", "")
    message = _own(request).filter(pk=int(key)).first() if key.isascii() and key.isdigit() and len(key) < 19 else None
    if message is None:
        messages.error(request, "The email does not wait for an approval any more.")
        return None
    if not form.is_valid():
        return form
    text = form.cleaned_data
    try:
        edit_email(message, text["subject"], text["body"], actor=name_actor(request), now=timezone.now())
    except NotPossibleError as error:
        messages.error(request, f"Not possible: {error}.")
    except ValueError as error:
        form.add_error("body", f"{str(error)[0].upper()}{str(error)[1:]}.")
        return form
    else:
        messages.success(request, "The text of this email is changed. Read it again, then approve it.")
    return None


def _read_chosen(request: HttpRequest) -> dict[int, str]:
    """The chosen emails of the user's own, with the hash of what was shown."""
    given: dict[int, str] = {}
    for value in request.POST.getlist("emails")[:_SHOWN]:
        key, _, digest = value.partition(":")
        if key.isascii() and key.isdigit() and len(key) < 19 and digest:
            given[int(key)] = digest[:64]
    own = filter_decidable(
        EmailMessage.objects.filter(pk__in=given, workspace__in=list(workspace_ids_of(request.user))), request.user
    )
    return {pk: given[pk] for pk in own.values_list("pk", flat=True)}


def _tell(request: HttpRequest, report: Report, done: str) -> None:
    if report.changed:
        messages.success(request, f"{done}: {len(report.changed)}.")
    for reason in sorted(set(report.refused.values())):
        number = list(report.refused.values()).count(reason)
        messages.error(request, f"Not possible for {number}: {reason}.")
