"""The filters of the list of contacts: score, account, owner, sequences, replies, when added, and any merge field.

Each is a condition of one statement; none counts, and none takes a statement per row.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter, TextFilter
from unfold.widgets import UnfoldAdminTextInputWidget

from emails.choices import EventType
from emails.models import EmailEvent
from sequences.choices import LIVE_STATUSES
from sequences.contacts.merge_field_search import having_merge_field
from sequences.interface.admin.base import ScopedFilter, scope_rows
from sequences.models import Account, Enrollment, Sequence


def _enrolled(**conditions: Any) -> Exists:
    return Exists(Enrollment.objects.filter(contact=OuterRef("pk"), **conditions))


class ParticipationFilter(DropdownFilter):
    title = "activity"
    parameter_name = "in_sequence"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("now", "In a sequence now"), ("not", "In no sequence now"), ("never", "Never enrolled")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "now":
                return queryset.filter(_enrolled(status__in=LIVE_STATUSES))
            case "not":
                return queryset.exclude(_enrolled(status__in=LIVE_STATUSES))
            case "never":
                return queryset.exclude(_enrolled())
            case _:
                return queryset


class EnrolledInFilter(ScopedFilter):
    """Contacts that are or were in one sequence."""

    title = "sequence"
    parameter_name = "sequence"
    related = Sequence
    order_by = "name"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(_enrolled(sequence=int(value))) if value and value.isdecimal() else queryset


class EnrolledByFilter(ScopedFilter):
    """Contacts with an enrollment of one owner."""

    title = "owner"
    parameter_name = "owner"
    order_by = "email"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(_enrolled(owner=int(value))) if value and value.isdecimal() else queryset


class AccountFilter(TextFilter):
    """By a part of the account's name, or its domain."""

    title = "account"
    parameter_name = "account"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = str(self.value() or "").strip().replace("\0", "")
        if not wanted:
            return queryset
        found = scope_rows(Account.objects.all(), request).filter(Q(name__icontains=wanted) | Q(domain=wanted.lower()))
        return queryset.filter(account__in=found.order_by())


class RepliedFilter(DropdownFilter):
    title = "reply"
    parameter_name = "replied"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Has replied"), ("no", "Has not replied")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        replied = Exists(EmailEvent.objects.filter(contact=OuterRef("pk"), type=EventType.REPLIED.value))
        match self.value():
            case "yes":
                return queryset.filter(replied)
            case "no":
                return queryset.exclude(replied)
            case _:
                return queryset


class AddedFilter(RangeDateFilter):
    """By whole days in the time zone of the reader, both included."""

    title = "day added"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # the base class takes the name of the column
        self.title = type(self).title

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first, last = (self._read_day(end) for end in ("from", "to"))
        if first is not None:
            queryset = queryset.filter(created_at__gte=first)
        return queryset if last is None else queryset.filter(created_at__lt=last + timedelta(days=1))

    def _read_day(self, end: str) -> datetime | None:
        """The beginning of the day; None for a text that is no date."""
        text = str(self.used_parameters.get(f"{self.parameter_name}_{end}") or "")
        try:
            day = parse_date(text)
        except ValueError:
            return None
        return timezone.make_aware(datetime.combine(day, time())) if day else None


class _MergeFieldForm(forms.Form):
    def __init__(self, name: str, data: dict[str, str]) -> None:
        super().__init__(data)
        for part, text in (("name", "Name"), ("value", "Contains")):
            attrs = {"placeholder": text, "aria-label": f"Merge field: {text.lower()}"}
            self.fields[f"{name}_{part}"] = forms.CharField(
                required=False, widget=UnfoldAdminTextInputWidget(attrs=attrs)
            )


class MergeFieldFilter(admin.ListFilter):
    """A merge field, by its name and a part of its value; without a value, contacts that have the field."""

    title = "merge field"
    parameter_name = "merge_field"
    template = "unfold/filters/filters_numeric_range.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for parameter in self.expected_parameters():
            if parameter is not None and parameter in params:
                value = params.pop(parameter)
                self.used_parameters[parameter] = value[-1] if isinstance(value, list) else value

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [f"{self.parameter_name}_name", f"{self.parameter_name}_value"]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        given = [str(self.used_parameters.get(str(each)) or "") for each in self.expected_parameters()]
        return having_merge_field(queryset, *given)

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        values = {str(each): str(self.used_parameters.get(str(each)) or "") for each in self.expected_parameters()}
        yield {"form": _MergeFieldForm(self.parameter_name, values)}
