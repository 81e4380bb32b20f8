"""The form that puts contacts into a sequence. It finds the contacts and calls execution.control.enroll."""

from __future__ import annotations

import re
from collections import Counter
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
from unfold.widgets import UnfoldAdminSelect2Widget, UnfoldAdminTextareaWidget

from common.addresses import normalize_for_search
from emails.models import Mailbox
from execution.admin.asking import ReaderTimeField
from execution.control.enroll import EnrollError, EnrollResult, enroll_contacts
from execution.insight.forecast import forecast_first_touches
from sequences.access.admin_rights import EVERYBODY, is_allowed
from sequences.access.roles import NOT_YOURS
from sequences.choices import SequenceStatus
from sequences.interface.admin.base import name_actor, scope_rows
from sequences.models import Contact, Sequence

# As many addresses as a form holds with ease.
MOST_AT_ONCE = 5_000
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
        help_text="Empty: the owner's only mailbox.",
    )
    owner = forms.ModelChoiceField(
        get_user_model().objects.none(),
        required=False,
        widget=UnfoldAdminSelect2Widget(),
        help_text="Empty: the owner of the mailbox.",
    )
    start_at = ReaderTimeField(required=False, said="Empty: now.")

    def __init__(self, request: HttpRequest, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.request = request
        choices: dict[str, Any] = {
            "sequence": Sequence.objects.filter(status__in=_ENROLLABLE).select_related("workspace"),
            "mailbox": Mailbox.objects.all(),
            "owner": get_user_model().objects.all(),
        }
        for name, queryset in choices.items():
            field: Any = self.fields[name]
            field.queryset = scope_rows(queryset, request)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        sequence, text = self.cleaned_data.get("sequence"), self.cleaned_data.get("emails")
        if sequence and text:
            wanted = {normalize_for_search(email) for email in re.split(r"[\s,;]+", text) if email}
            rows = Contact.objects.filter(workspace=sequence.workspace_id).annotate(lowered=Lower("email"))
            found = dict(rows.filter(lowered__in=wanted).values_list("lowered", "pk"))
            if missing := sorted(wanted - found.keys()):
                said = f"{missing[0]}: add or import it first."
                if len(missing) > 1:
                    said = f"{missing[0]} or {len(missing) - 1:,} more of these: add or import them first."
                self.add_error("emails", f"No contact of {sequence.workspace} has {said}")
            cleaned["contact_ids"] = list(found.values())
            self._require_own(sequence)
        return cleaned

    def _require_own(self, sequence: Sequence) -> None:
        """As by API: for oneself, or as a manager for anybody."""
        mailbox = self.cleaned_data.get("mailbox")
        owner = self.cleaned_data.get("owner") or (mailbox and mailbox.owner) or self.request.user
        for name, owner_id in (("owner", owner.pk), ("mailbox", mailbox.owner_id if mailbox else None)):
            if not is_allowed(self.request, sequence.workspace_id, owner_id, EVERYBODY):
                self.add_error(name, NOT_YOURS)


class EnrollPage:
    """Puts the form where the admin adds rows."""

    admin_site: Any
    model: Any

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_enroll(request)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = EnrollForm(request, request.POST if request.method == "POST" else None)
        if form.is_valid():
            is_check = "check" in request.POST
            try:
                _enroll(request, form.cleaned_data, is_check=is_check)
            except EnrollError as error:
                form.add_error(None, str(error))
            else:
                if not is_check:
                    return HttpResponseRedirect(reverse("admin:sequences_enrollment_changelist"))
        return show_enrolling(self.admin_site, request, form)


def may_enroll(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("sequences.add_enrollment"))


def show_enrolling(admin_site: Any, request: HttpRequest, form: EnrollForm) -> HttpResponse:
    """The page with the form, which is always answered where enrollments are added."""
    context = {**admin_site.each_context(request), "title": "Enroll contacts", "form": form}
    return TemplateResponse(request, "admin/sequences/enrollment/enroll.html", context)


def _enroll(request: HttpRequest, answers: dict[str, Any], *, is_check: bool) -> None:
    now = timezone.now()
    with transaction.atomic():
        result = enroll_contacts(
            sequence=answers["sequence"],
            contact_ids=answers["contact_ids"],
            mailbox=answers["mailbox"],
            owner=answers["owner"],
            actor=name_actor(request),
            now=now,
            start_at=answers["start_at"],
        )
        forecast = forecast_first_touches(result.enrolled, now)
        transaction.set_rollback(is_check)
    _tell(request, result, is_check=is_check)
    if forecast is not None:
        is_late = forecast.on_time < forecast.people
        messages.add_message(request, messages.WARNING if is_late else messages.INFO, f"{capfirst(str(forecast))}.")


def _tell(request: HttpRequest, result: EnrollResult, *, is_check: bool) -> None:
    said = f"{'Would enroll' if is_check else 'Enrolled'} {len(result.enrolled):,}"
    for reason, count in Counter(left.reason for left in result.skipped).most_common():
        said += f"; skipped {count:,}: {reason}"
    level = messages.SUCCESS if result.enrolled else messages.WARNING
    messages.add_message(request, level, f"{said}.")
