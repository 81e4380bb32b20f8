"""The form of every list and detail: tenancy, cursor paging, ordering, and ids in filters. No addresses of its own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError
from django.db.models import QuerySet
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import mixins, serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.permissions import SAFE_METHODS
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from sequences.time.timing import FIRST_YEAR, LAST_YEAR, is_plannable

BIGGEST_ID = 2**63 - 1
_LONGEST_NUMBER = 9
_LONGEST_NAME = 50
_YES = frozenset({"1", "true", "yes"})
_NO = frozenset({"0", "false", "no"})


class Router(SimpleRouter):
    """Paths without a trailing slash; one is accepted too."""

    def __init__(self) -> None:
        super().__init__()
        self.trailing_slash = "/?"


class CursorPages(CursorPagination):
    """`{"next", "previous", "results"}`, at most 200 a page. Ordered by the id last, so that no row shows twice."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering: Any = "-id"

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        ordering = tuple(super().get_ordering(request, queryset, view))
        return ordering if ordering[-1].lstrip("-") == "id" else (*ordering, "-id" if ordering[0][0] == "-" else "id")

    def get_page_size(self, request: Request) -> int:
        asked = request.query_params.get(self.page_size_query_param, str(self.page_size))
        if not asked.isdecimal() or len(asked) > _LONGEST_NUMBER or int(asked) < 1:
            raise ValidationError({"page_size": [f"A whole number from 1 to {self.max_page_size}."]})
        return min(int(asked), self.max_page_size)

    def decode_cursor(self, request: Request) -> Cursor | None:
        try:
            return super().decode_cursor(request)
        except NotFound:
            raise _bad_cursor() from None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, DataError, DjangoValidationError):
            # a forged cursor names a position that its column cannot hold
            raise _bad_cursor() from None

    def _get_position_from_instance(self, instance: Any, ordering: Any) -> str:
        value = instance
        for name in ordering[0].lstrip("-").split("__"):
            value = getattr(value, name)
        return str(value)


def _bad_cursor() -> ValidationError:
    return ValidationError({"cursor": ["It is not a cursor of this list: follow the links `next` and `previous`."]})


class StrictOrdering(OrderingFilter):
    """`?ordering=`, which refuses what it does not know."""

    def remove_invalid_fields(
        self, queryset: QuerySet[Any], fields: Iterable[str], view: Any, request: Request
    ) -> list[str]:
        known = [name for name, _ in self.get_valid_fields(queryset, view, {"request": request})]
        wanted = list(fields)
        for field in wanted:
            if field.removeprefix("-") not in known:
                raise ValidationError({"ordering": [f"{field!r} is not one of: {', '.join(known)}."]})
        return wanted


class IdFilter(django_filters.NumberFilter):
    """The id of a related row."""

    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=1, max_value=BIGGEST_ID, **kwargs)

    def get_max_validator(self) -> None:
        return None


class _YesNoField(forms.CharField):
    def clean(self, value: Any) -> bool | None:
        return read_yes_no(super().clean(value))


class YesNoFilter(django_filters.BooleanFilter):
    """`true` or `false`; what is neither is refused."""

    field_class = _YesNoField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, widget=forms.TextInput, **kwargs)


def read_yes_no(text: str) -> bool | None:
    """None: nothing is said. Raises Django's `ValidationError`."""
    if not text:
        return None
    if text.lower() not in {*_YES, *_NO}:
        raise DjangoValidationError("It is true or false.", code="invalid")
    return text.lower() in _YES


class _TimeField(IsoDateTimeField):
    def to_python(self, value: object) -> datetime | None:
        at: datetime | None = super().to_python(value)
        try:
            # PostgreSQL takes no offset beyond 16 hours, and Python hours up to 24
            return at.astimezone(UTC) if at else None
        except OverflowError:
            raise DjangoValidationError(self.error_messages["invalid"], code="invalid") from None


class TimeFilter(django_filters.IsoDateTimeFilter):
    """An instant in ISO 8601."""

    field_class = _TimeField


class InstantField(serializers.DateTimeField):
    """An instant that something is planned from."""

    def to_internal_value(self, value: Any) -> datetime:
        at = super().to_internal_value(value)
        if not is_plannable(at):
            raise ValidationError(f"It must lie in the years {FIRST_YEAR} to {LAST_YEAR}.")
        return at


class CsvRenderer(JSONRenderer):
    """For answers that are CSV already; what is refused is still a problem in JSON."""

    media_type = "text/csv"
    format = "csv"


def _names_of(backend: Any, view: Any) -> Iterable[str]:
    if issubclass(backend, DjangoFilterBackend):
        filters = getattr(view, "filterset_class", None)
        return filters.base_filters if filters else ()
    return [backend.search_param if issubclass(backend, SearchFilter) else backend.ordering_param]


CSV_OR_PROBLEM = [JSONRenderer, CsvRenderer]


class StrictQuery(ViewSetMixin, APIView):
    """Refuses parameters that it does not know: a misspelt filter would answer everybody, a misspelt dry run act."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        known = self.query_names(request)
        for name in request.query_params:
            if name not in known:
                said = f"Known here: {', '.join(sorted(known))}." if known else "Nothing is asked here."
                raise ValidationError({name[:_LONGEST_NAME]: [f"No such parameter. {said}"]})

    def query_names(self, request: Request) -> set[str]:
        """What the action says that it asks (`asks` of sequences.interface.api.parameters)."""
        return set(getattr(getattr(self, self.action or "", None), "query_names", ()))


class WorkspaceViewSet(StrictQuery, GenericViewSet[Any]):
    """Serves rows of the reader's own workspaces only; another workspace's row does not exist for them.

    `asks_outside`: an action that talks to a server and changes nothing; no transaction may be open around it.
    """

    pagination_class = CursorPages
    filter_backends = [DjangoFilterBackend, StrictOrdering]
    lookup_value_regex = "[0-9]{1,18}"
    ordering: Any = ("-id",)
    ordering_fields: Any = ("id",)
    asks_outside = False

    def query_names(self, request: Request) -> set[str]:
        names = super().query_names(request)
        if request.method in SAFE_METHODS and not self.detail:
            for backend in self.filter_backends:
                names.update(_names_of(backend, self))
        if self.action == "list" and isinstance(self.paginator, CursorPages):
            names |= {self.paginator.cursor_query_param, self.paginator.page_size_query_param}
        return names

    def get_queryset(self) -> QuerySet[Any]:
        rows: Any = super().get_queryset()
        mine: QuerySet[Any] = rows.for_user(self.request.user)
        return mine

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Filters are for lists: one row is named by its id alone."""
        return queryset if self.detail else super().filter_queryset(queryset)


class ReadViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceViewSet):
    """List and detail."""
