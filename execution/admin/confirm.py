"""The confirmation page of every action in the admin: what the action does, which rows it changes, and its options.

Shared by all actions; must not depend on any one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import helpers
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.decorators import action as unfold_action
from unfold.widgets import UnfoldAdminSplitDateTimeWidget, UnfoldAdminTextInputWidget

from execution.control.enrollments import Report
from execution.insight.queue import COUNTED_AT_MOST
from sequences.access.roles import NOT_YOURS
from sequences.time.timing import FIRST_YEAR, LAST_YEAR, is_plannable

SUBJECTS_SHOWN = 10


class ReaderTimeField(forms.SplitDateTimeField):
    """A time in the time zone of the user's browser. The help text names the zone."""

    def __init__(self, *, note: str = "", **kwargs: Any) -> None:
        help_text = lazy(lambda: f"Time zone: {timezone.get_current_timezone_name()}. {note}".strip(), str)()
        super().__init__(widget=UnfoldAdminSplitDateTimeWidget(), help_text=help_text, **kwargs)

    def clean(self, value: Any) -> datetime | None:
        at: datetime | None = super().clean(value)
        if at is not None and not is_plannable(at):
            raise forms.ValidationError(f"Choose a time in the years {FIRST_YEAR} to {LAST_YEAR}.")
        return at


class ActionForm(forms.Form):
    """The options of an action."""

    def scope(self, request: HttpRequest) -> None:
        """Limit choices to the rows that the user can see. Called before the form is validated or shown."""


class ReasonForm(ActionForm):
    """A reason for the log."""

    reason = forms.CharField(
        required=False, max_length=500, widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True, "class": "w-full"})
    )


class RequiredReasonForm(ReasonForm):
    """A reason that is required."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = True


class EmptyForm(ActionForm):
    """No options."""


class PauseForm(ReasonForm):
    resume_at = ReaderTimeField(required=False, note="Leave empty to pause until resumed by a user.")

    def clean_resume_at(self) -> datetime | None:
        at: datetime | None = self.cleaned_data["resume_at"]
        if at is not None and at <= timezone.now():
            raise forms.ValidationError("This time has passed: choose a later one, or leave it empty.")
        return at


class SnoozeForm(ReasonForm):
    until = ReaderTimeField()

    def clean_until(self) -> datetime:
        at: datetime = self.cleaned_data["until"]
        if at <= timezone.now():
            raise forms.ValidationError("This time has passed: choose a later one.")
        return at


@dataclass(frozen=True, slots=True)
class Action:
    """One action: its words, its form and the function that runs it.

    `run(ids, answers, request)` takes primary keys and the cleaned data of `form`, and reports by primary key.
    `counted`: what the report counts, in singular and plural, where that is not the rows of the admin's model.
    """

    name: str
    label: str
    past: str
    icon: str
    explanation: str
    run: Callable[[Sequence[Any], dict[str, Any], HttpRequest], Report]
    form: type[ActionForm] = ReasonForm
    is_danger: bool = False
    counted: tuple[str, str] | None = None


class ConfirmsActions:
    """For admins with actions: `on_selected` makes a list action, `on_one` a button on the page of a row."""

    admin_site: Any
    model: Any

    def name_subjects(self, queryset: QuerySet[Any]) -> Iterable[str]:
        """The names of the first rows, for the confirmation page."""
        return [str(row) for row in queryset[:SUBJECTS_SHOWN]]

    def describe_effects(self, queryset: QuerySet[Any], action: Action) -> str:
        """What else the action changes; empty for nothing."""
        return ""

    def do_selected(self, request: HttpRequest, queryset: QuerySet[Any], action: Action) -> HttpResponse | None:
        form = _build_form(action, request, is_answered="apply" in request.POST)
        if form.is_valid():
            refused = self.find_refused(request, queryset)  # type: ignore[attr-defined]
            chosen = [pk for pk in queryset.values_list("pk", flat=True) if pk not in refused]
            report = action.run(chosen, form.cleaned_data, request) if chosen else Report()
            report.refused.update(refused)
            show_report(request, action, report, self.model._meta)
            return None
        is_all = request.POST.get("select_across") == "1"
        selected = request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)
        hidden = [("action", f"{action.name}_selected"), ("select_across", "1" if is_all else "0"), ("apply", "1")]
        hidden += [(helpers.ACTION_CHECKBOX_NAME, pk) for pk in (selected[:1] if is_all else selected)]
        return self._show_confirmation(request, queryset, action, form, hidden, request.get_full_path())

    def do_one(self, request: HttpRequest, object_id: str, action: Action) -> HttpResponse:
        row = self.find_row(request, object_id)  # type: ignore[attr-defined]
        if not self.has_operate_permission(request, row):  # type: ignore[attr-defined]
            raise PermissionDenied(NOT_YOURS)
        opts = self.model._meta
        back_url = _read_next(request) or reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
        queryset = self.get_queryset(request).filter(pk=row.pk)  # type: ignore[attr-defined]
        form = _build_form(action, request, is_answered=request.method == "POST")
        if form.is_valid():
            show_report(request, action, action.run([row.pk], form.cleaned_data, request), opts)
            listing = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
            return HttpResponseRedirect(back_url if _read_next(request) or queryset.exists() else listing)
        return self._show_confirmation(request, queryset, action, form, [], back_url)

    def _show_confirmation(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        action: Action,
        form: forms.Form,
        hidden: list[tuple[str, str]],
        back_url: str,
    ) -> HttpResponse:
        opts = self.model._meta
        # bounded: an exact count would scan a large table
        count = queryset.order_by()[: COUNTED_AT_MOST + 1].count()
        many = f"more than {COUNTED_AT_MOST:,}" if count > COUNTED_AT_MOST else f"{count:,}"
        names = list(self.name_subjects(queryset))
        subject = f": {names[0]}" if count == 1 else f" {many} {opts.verbose_name_plural}"
        context = {
            **self.admin_site.each_context(request),
            "title": f"{action.label}{subject}",
            "action": action,
            "form": form,
            "hidden": hidden,
            "back_url": back_url,
            "names": names if count > 1 else [],
            "not_named": count - len(names),
            "effects": self.describe_effects(queryset, action),
        }
        return TemplateResponse(request, "admin/confirm.html", context)


def _read_next(request: HttpRequest) -> str:
    """The page of this desk that the action was chosen on and returns to; empty for the page of the row."""
    url = request.GET.get("next", "")
    is_ours = url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)
    return url if is_ours else ""


def _build_form(action: Action, request: HttpRequest, *, is_answered: bool) -> ActionForm:
    form = action.form(request.POST if is_answered else None)
    form.scope(request)
    return form


def on_selected(action: Action) -> Any:
    """A list action."""

    def run(self: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self.do_selected(request, queryset, action)  # type: ignore[no-any-return]

    run.__name__ = f"{action.name}_selected"
    return unfold_action(description=action.label, permissions=["operate"], icon=action.icon)(run)


def on_one(action: Action) -> Any:
    """A button on the page of one row."""

    def run(self: Any, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.do_one(request, object_id, action)  # type: ignore[no-any-return]

    run.__name__ = f"{action.name}_one"
    return unfold_action(description=action.label, url_path=action.name, permissions=["operate"], icon=action.icon)(run)


def show_report(request: HttpRequest, action: Action, report: Report, opts: Any) -> None:
    """Show how many rows changed, were already in that state, or were refused, with the first reason."""
    one, many = action.counted or (opts.verbose_name, opts.verbose_name_plural)
    changed = len(report.changed)
    parts = [f"{action.past} {changed:,} {one if changed == 1 else many}"]
    if report.unchanged:
        parts.append(f"{len(report.unchanged):,} unchanged")
    if report.refused:
        reason = next(iter(report.refused.values())).removesuffix(".")
        first = reason if len(report.refused) == 1 else f"the first because {reason}"
        parts.append(f"{len(report.refused):,} refused: {first}")
        if len(report.refused) == 1 and not report.changed and not report.unchanged:
            parts = [f"{action.label} failed: {reason}"]
    level = messages.SUCCESS if report.changed and not report.refused else messages.WARNING
    messages.add_message(request, level, f"{'; '.join(parts)}.")
