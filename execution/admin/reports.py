"""The page "Reports": engagement by sequence, step, mailbox, owner or week, as table, chart and CSV.

Presents `execution.insight.reports`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextInputWidget

from execution.insight.reports import LONGEST_DAYS, Group, Report, report_engagement
from sequences.access.roles import workspace_ids_of
from sequences.contacts.csv_reader import write_line
from sequences.interface.admin.quick_filters import Link

_DAYS = 28
_GROUPS = (Group.SEQUENCE, Group.STEP, Group.VARIANT, Group.MAILBOX, Group.OWNER, Group.WEEK)
# A step is named within its sequence, and so is a text of it.
_OF_STEPS = frozenset({Group.STEP, Group.VARIANT})
_GROUPED_BY = {group: (Group.SEQUENCE, group) if group in _OF_STEPS else (group,) for group in _GROUPS}
_PAGES = {
    Group.SEQUENCE: ("admin:sequences_sequence_change", "sequence"),
    Group.STEP: ("admin:sequences_sequence_change", "sequence"),
    Group.VARIANT: ("admin:sequences_sequence_change", "sequence"),
    Group.MAILBOX: ("admin:emails_mailbox_change", "mailbox"),
}
_CHARTED = 20


class PeriodForm(forms.Form):
    """`to` is included. Named as the API names them."""

    by = forms.ChoiceField(choices=[(group.value, group.label) for group in _GROUPS], widget=forms.HiddenInput())
    to = forms.DateField(widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first = forms.DateField(label="From", widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}))
        self.fields = {"by": self.fields["by"], "from": first, "to": self.fields["to"]}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        start, end = cleaned.get("from"), cleaned.get("to")
        if start and end and start > end:
            self.add_error("from", "This day is after the last one. Choose an earlier day.")
        elif start and end and (end - start).days >= LONGEST_DAYS:
            self.add_error("from", f"A report covers at most {LONGEST_DAYS} days. Choose a later day.")
        return cleaned


class ReportPage:
    """Adds the page to an admin, for all who can view its model."""

    admin_site: Any

    def get_urls(self) -> list[URLPattern]:
        own = path("reports/", self.admin_site.admin_view(self.report_view), name="emails_reports")
        return [own, *super().get_urls()]  # type: ignore[misc]

    def report_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        if not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        today = timezone.localdate()
        start = today - timedelta(days=_DAYS - 1)
        first = {"by": Group.SEQUENCE.value, "from": start.isoformat(), "to": today.isoformat()}
        form = PeriodForm({**first, **{name: request.GET[name] for name in first if request.GET.get(name)}})
        context = {**self.admin_site.each_context(request), "title": "Reports", "form": form}
        if not form.is_valid():
            return TemplateResponse(request, "admin/reports.html", context)
        group, start, end = Group(form.cleaned_data["by"]), form.cleaned_data["from"], form.cleaned_data["to"]
        report = report_engagement(workspace_ids_of(request.user), _GROUPED_BY[group], start, end)
        if request.GET.get("format") == "csv":
            name = f"engagement-by-{group}-{start}-{end}.csv"
            return StreamingHttpResponse(
                _write(report),
                content_type="text/csv; charset=utf-8",
                headers={"Content-Disposition": f'attachment; filename="{name}"'},
            )
        # what was sent without variants is in the other reports
        rows = [row for row in report.rows if group is not Group.VARIANT or row["variant"]]
        context |= {
            "links": [Link(f"By {each.label.lower()}", _link(each, start, end), each is group) for each in _GROUPS],
            "csv_url": f"{_link(group, start, end)}&format=csv",
            "by": group.label,
            "rows": [_present(row, group) for row in rows],
            "totals": report.totals,
            "bars": _bars(rows, group),
        }
        return TemplateResponse(request, "admin/reports.html", context)


def _link(group: Group, start: date, end: date) -> str:
    return f"?by={group}&from={start}&to={end}"


def _write(report: Report) -> Iterator[str]:
    yield write_line(report.columns)
    for row in report.rows:
        yield write_line("" if row[column] is None else str(row[column]) for column in report.columns)


def _present(row: dict[str, Any], group: Group) -> dict[str, Any]:
    page, key = _PAGES.get(group, ("", ""))
    return {**row, "name": _name(row, group), "link": reverse(page, args=[row[key]]) if page and row[key] else ""}


def _name(row: dict[str, Any], group: Group) -> str:
    match group:
        case Group.STEP | Group.VARIANT:
            step = f"{row['step_number']}. {row['step_name'] or 'Email'}" if row["step_number"] else "A removed step"
            text = f", {row['variant']}" if group is Group.VARIANT else ""
            return f"{row['sequence_name']}: {step}{text}"
        case Group.MAILBOX:
            return str(row["mailbox_address"])
        case Group.OWNER:
            return row["owner_email"] or "No owner"
        case Group.WEEK:
            return f"Week of {row['week']:%d %b %Y}"
        case _:
            return str(row["sequence_name"])


def _bars(found: Sequence[dict[str, Any]], group: Group) -> list[dict[str, Any]]:
    """Replies in percent of delivered emails, as lengths of the longest; of the rows with the most emails."""
    rows = sorted(found, key=lambda row: -row["sent"])[:_CHARTED] if group is not Group.WEEK else found
    longest = max((row["reply_rate"] or 0 for row in rows), default=0)
    return [
        {
            "name": _name(row, group),
            "rate": row["reply_rate"],
            "percent": round(100 * (row["reply_rate"] or 0) / longest) if longest else 0,
        }
        for row in rows
    ]
