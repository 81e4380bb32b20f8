"""The page that enrolls contacts: check first, then enroll. execution.control.enroll applies the rules."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from rest_framework.exceptions import PermissionDenied as NotAllowed
from unfold.widgets import (
    UnfoldAdminSelect2Widget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from common.addresses import normalize_for_search
from emails.choices import MailboxStatus
from emails.models import Mailbox, MailboxPool
from execution.admin.confirm import ReaderTimeField
from execution.admin.enroll_check import (
    ERRORS_SHOWN,
    EnrollReport,
    count_by_mailbox,
    group_missing,
    render_for_check,
)
from execution.control.enroll import EnrollError, EnrollResult, enroll_contacts
from execution.control.enroll_rules import group_skipped
from execution.control.pools import require_right_to_pool
from execution.insight.forecast import forecast_enrollments
from sequences.access.admin_rights import MANAGERS, MEMBERS, is_allowed, manages_any_of
from sequences.access.roles import NOT_YOURS
from sequences.choices import SequenceStatus
from sequences.interface.admin.base import name_actor, scope_rows
from sequences.models import Contact, Enrollment, Sequence

# A user waits for the check of these, and for the one transaction that enrolls them.
MOST_AT_ONCE = 5_000
_IN_BACKGROUND = (
    "Enroll the others afterwards; or let a manager write an auto-enrollment rule, which enrolls in the background."
)
_ENROLLABLE = (SequenceStatus.ACTIVE, SequenceStatus.PAUSED)


class EnrollForm(forms.Form):
    sequence = forms.ModelChoiceField(Sequence.objects.none(), widget=UnfoldAdminSelect2Widget())
    emails = forms.CharField(
        label="Contacts",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text="Email addresses of contacts in the sequence's workspace, one per line.",
    )
    mailbox = forms.ModelChoiceField(
        Mailbox.objects.none(),
        required=False,
        widget=UnfoldAdminSelect2Widget(),
        help_text="The mailbox that sends. Leave empty to take the owner's only mailbox.",
    )
    pool = forms.ModelChoiceField(
        MailboxPool.objects.none(),
        required=False,
        widget=UnfoldAdminSelect2Widget(),
        help_text="Instead of a mailbox: each contact gets one mailbox of the pool, by which its first email leaves "
        "earliest. Leave empty to send from the mailbox above.",
    )
    owner = forms.ModelChoiceField(
        get_user_model().objects.none(),
        required=False,
        widget=UnfoldAdminSelect2Widget(),
        help_text="The user who gets the tasks. Leave empty to take the mailbox's owner.",
    )
    start_at = ReaderTimeField(required=False, note="Leave empty to start now.")
    allow_incomplete = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="Enroll contacts that lack a merge field too. Each is held at the step that needs it.",
    )
    again = forms.CharField(
        label="Enroll again",
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Reason"}),
        help_text="The reason for enrolling contacts that had this sequence, answered or got an email recently, or are "
        "in another sequence. Leave empty to skip them.",
    )

    def __init__(self, request: HttpRequest, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.request = request
        if not manages_any_of(request):
            del self.fields["again"]
        choices: dict[str, Any] = {
            "sequence": Sequence.objects.filter(status__in=_ENROLLABLE).select_related("workspace"),
            "mailbox": Mailbox.objects.all(),
            "pool": MailboxPool.objects.all(),
            "owner": get_user_model().objects.all(),
        }
        for name, queryset in choices.items():
            field: Any = self.fields[name]
            field.queryset = scope_rows(queryset, request)
        if not self.is_bound and (own := find_own_mailbox(request)):
            self.fields["mailbox"].initial = own.pk

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        sequence, text = self.cleaned_data.get("sequence"), self.cleaned_data.get("emails")
        if sequence and text:
            wanted = {normalize_for_search(email) for email in re.split(r"[\s,;]+", text) if email}
            if len(wanted) > MOST_AT_ONCE:
                self.add_error("emails", refuse_many(f"{len(wanted):,} addresses"))
                return cleaned
            rows = Contact.objects.filter(workspace=sequence.workspace_id).annotate(lowered=Lower("email"))
            found = dict(rows.filter(lowered__in=wanted).values_list("lowered", "pk"))
            if missing := sorted(wanted - found.keys()):
                what = missing[0] if len(missing) == 1 else f"{missing[0]} and {len(missing) - 1:,} other addresses"
                verb = "is not a contact" if len(missing) == 1 else "are not contacts"
                self.add_error("emails", f"{what} {verb} of {sequence.workspace}: add or import them first.")
            cleaned["contact_ids"] = list(found.values())
            self._require_own(sequence)
        return cleaned

    def _require_own(self, sequence: Sequence) -> None:
        """Require the rights of the API: members enroll for themselves; managers for every member, and again."""
        if self.cleaned_data.get("again") and not is_allowed(self.request, sequence.workspace_id, None, MANAGERS):
            self.add_error("again", f"Only a manager or an admin of {sequence.workspace} can enroll contacts again.")
        mailbox = self.cleaned_data.get("mailbox")
        pool = self.cleaned_data.get("pool")
        if pool is not None and mailbox is not None:
            self.add_error("pool", "Choose a mailbox or a pool, not both.")
        owner = self.cleaned_data.get("owner") or (mailbox and mailbox.owner) or self.request.user
        for name, owner_id in (("owner", owner.pk), ("mailbox", mailbox.owner_id if mailbox else None)):
            if not is_allowed(self.request, sequence.workspace_id, owner_id, MEMBERS):
                self.add_error(name, NOT_YOURS)
        if pool is not None:
            try:
                require_right_to_pool(self.request.user, pool)
            except NotAllowed as error:
                self.add_error("pool", str(error))


class EnrollPage:
    """Replaces the form for adding an enrollment with the form for enrolling contacts."""

    admin_site: Any
    model: Any

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_enroll(request)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = EnrollForm(request, _with_mailbox(request) if request.method == "POST" else None)
        checked: EnrollReport | None = None
        if form.is_valid():
            is_check = "check" in request.POST
            try:
                report = _enroll(request, form.cleaned_data, is_check=is_check)
            except EnrollError as error:
                form.add_error(None, capfirst(f"{error}."))
            else:
                if not is_check:
                    _announce(request, report)
                    return HttpResponseRedirect(reverse("admin:sequences_enrollment_changelist"))
                checked = report
        return show_enrolling(self.admin_site, request, form, checked)


def refuse_many(what: str) -> str:
    return f"These are {what}, and at most {MOST_AT_ONCE:,} contacts are enrolled at once. {_IN_BACKGROUND}"


def may_enroll(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("sequences.add_enrollment"))


def show_enrolling(
    admin_site: Any, request: HttpRequest, form: EnrollForm, checked: EnrollReport | None = None
) -> HttpResponse:
    """The page with the form, and with the result of a check if there is one."""
    context = {
        **admin_site.each_context(request),
        "title": "Enroll contacts",
        "form": form,
        "checked": checked,
        "errors_shown": ERRORS_SHOWN,
    }
    return TemplateResponse(request, "admin/sequences/enrollment/enroll.html", context)


def find_own_mailbox(request: HttpRequest, workspace_id: int | None = None) -> Mailbox | None:
    """The mailbox that is preselected: the user's own, the oldest of those that can send."""
    own = scope_rows(Mailbox.objects.filter(owner=request.user.pk, status=MailboxStatus.ACTIVE.value), request)
    if workspace_id is not None:
        own = own.filter(workspace=workspace_id)
    found: Mailbox | None = own.order_by("pk").first()
    return found


def _with_mailbox(request: HttpRequest) -> Any:
    """The posted form; where it does not name a mailbox, as the page of a contact, with the preselected one."""
    data: Any = request.POST
    sequence = data.get("sequence", "")
    if "mailbox" in data or data.get("pool") or not sequence.isdecimal():
        return data
    row = scope_rows(Sequence.objects.filter(pk=sequence), request).first()
    mailbox = find_own_mailbox(request, row.workspace_id) if row else None
    if mailbox is not None:
        data = data.copy()
        data["mailbox"] = str(mailbox.pk)
    return data


def _enroll(request: HttpRequest, answers: dict[str, Any], *, is_check: bool) -> EnrollReport:
    """Enroll, and roll the transaction back for a check."""
    now, mailbox, sequence = timezone.now(), answers["mailbox"], answers["sequence"]
    pool = answers["pool"]
    user: Any = request.user
    owner: Any = answers["owner"] or (mailbox and mailbox.owner) or (None if pool else user)
    with transaction.atomic():
        result: EnrollResult = enroll_contacts(
            sequence=sequence,
            contact_ids=answers["contact_ids"],
            mailbox=mailbox,
            owner=owner,
            pool=pool,
            stand_in=user,
            actor=name_actor(request),
            now=now,
            start_at=answers["start_at"],
            again=answers.get("again", ""),
            allow_incomplete=answers["allow_incomplete"],
        )
        forecast = forecast_enrollments(result.enrolled, now)
        enrolled = list(Enrollment.objects.filter(pk__in=result.enrolled).order_by("pk")) if is_check else []
        transaction.set_rollback(is_check)
    report = EnrollReport(len(result.enrolled), result.skipped, group_skipped(result.skipped), forecast)
    if not is_check:
        return report
    rendered = render_for_check(sequence, enrolled, now)
    spread = count_by_mailbox(enrolled) if pool else ()
    return replace(report, missing=group_missing(result.skipped, sequence), rendered=rendered, spread=spread)


def _announce(request: HttpRequest, report: EnrollReport) -> None:
    messages.add_message(request, messages.SUCCESS if report.enrolled else messages.WARNING, str(report))
    if report.forecast is not None:
        is_late = report.forecast.on_time < report.forecast.people
        level = messages.WARNING if is_late else messages.INFO
        messages.add_message(request, level, f"{capfirst(str(report.forecast))}.")
