"""The base of every view, list and detail: tenancy, ordering, filters, dry runs. No endpoints of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import QuerySet
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.permissions import SAFE_METHODS
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from sequences.interface.api.conditional import IF_MATCH, IF_NONE_MATCH, make_etag, read_etags, require_match
from sequences.interface.api.dry_run import Handler, is_dry_run, rehearse
from sequences.interface.api.flags import read_yes_no
from sequences.interface.api.paging import CursorPages
from sequences.interface.api.strict import (
    DRY_RUN_KEY,
    StrictSerializer,
    explain_unknown,
    shorten_name,
)
from sequences.interface.limits import MOST_SEARCH_WORDS
from sequences.time.timing import FIRST_YEAR, LAST_YEAR, is_plannable

BIGGEST_ID = 2**63 - 1
_SHOWS_ROW = frozenset({"create", "retrieve", "update", "partial_update", "upsert"})


class Router(SimpleRouter):
    """Paths without a trailing slash; one is accepted too. PUT of a list is the view's `upsert`, if it has one."""

    def __init__(self) -> None:
        super().__init__()
        of_list: Any = self.routes[0]
        self.routes = [of_list._replace(mapping={**of_list.mapping, "put": "upsert"}), *self.routes[1:]]
        self.trailing_slash = "/?"


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


@extend_schema_field(OpenApiTypes.INT64)
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


class UpdatedFilter(django_filters.FilterSet):
    """Of lists of what changes: `?updated_after=` with `?ordering=updated_at` reads what is new since the last time."""

    updated_after = TimeFilter(field_name="updated_at", lookup_expr="gt")


class BoundedSearch(SearchFilter):
    """A part of each word; every word is looked for in every column."""

    def get_search_terms(self, request: Request) -> list[str]:
        terms: list[str] = super().get_search_terms(request)
        if len(terms) > MOST_SEARCH_WORDS:
            raise ValidationError({self.search_param: [f"At most {MOST_SEARCH_WORDS} words are searched for."]})
        return terms


class CsvRenderer(JSONRenderer):
    """For answers that are CSV already; errors are still problems in JSON."""

    media_type = "text/csv"
    format = "csv"


def _names_of(backend: Any, view: Any) -> Iterable[str]:
    if issubclass(backend, DjangoFilterBackend):
        filters = getattr(view, "filterset_class", None)
        return filters.base_filters if filters else ()
    return [backend.search_param if issubclass(backend, SearchFilter) else backend.ordering_param]


CSV_OR_PROBLEM = [JSONRenderer, CsvRenderer]


class StrictView(ViewSetMixin, APIView):
    """The base of every view: refuses what it does not know, and offers a dry run of every call that changes data.

    `calls_server`: an action that talks to another server and changes nothing here. No transaction may be open around
    it, so that it says itself what its dry run does (`refuses_dry_run`, or `is_dry_run` in its code).
    """

    calls_server = False
    rehearses_itself = False
    """An action that stores something also in a dry run, and undoes the rest in its code."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self._refuse_parameters(request)
        if request.method in SAFE_METHODS or self._action is None:
            return
        if not getattr(self._action, "takes_body", request.method != "DELETE"):
            StrictSerializer(data=request.data).is_valid(raise_exception=True)
        self.require_match(request)
        if is_dry_run(request):
            self._prepare_dry_run(request)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        finished: Response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in getattr(request._request, "rate_limit", {}).items():
            finished.headers[name] = value
        return finished

    def require_match(self, request: Request) -> None:
        if request.headers.get(IF_MATCH):
            raise ValidationError({IF_MATCH: ["This call has no ETag to compare with: leave the header out."]})

    def _wrap(self, wrap: Callable[[Handler], Handler]) -> None:
        method = str(self.request.method).lower()
        setattr(self, method, wrap(getattr(self, method)))

    @property
    def _action(self) -> Any:
        return getattr(self, self.action or "", None)

    def _refuse_parameters(self, request: Request) -> None:
        known = self.query_names(request)
        for name, values in request.query_params.lists():
            if name not in known:
                raise ValidationError({shorten_name(name): [explain_unknown(name, known, "parameter")]})
            if len(values) > 1:
                raise ValidationError({shorten_name(name): ["It is given more than once: give it once."]})

    def query_names(self, request: Request) -> set[str]:
        """The parameters that the action declares (`takes_parameters` of sequences.interface.api.parameters)."""
        names = set(getattr(self._action, "query_names", ()))
        if request.method not in SAFE_METHODS and not getattr(self._action, "dry_run_refusal", ""):
            names.add(DRY_RUN_KEY)
        return names

    def _prepare_dry_run(self, request: Request) -> None:
        if refusal := getattr(self._action, "dry_run_refusal", ""):
            raise ValidationError({DRY_RUN_KEY: [refusal]})
        if not self.calls_server and not self.rehearses_itself:
            self._wrap(lambda handler: rehearse(handler, self.blank_new))

    def blank_new(self, data: dict[str, Any]) -> dict[str, Any]:
        """The answer of a dry run without the ids of what it would have created."""
        return {**data, "id": None} if "id" in data else data


class WorkspaceViewSet(StrictView, GenericViewSet[Any]):
    """Serves rows of the user's own workspaces only; another workspace's row does not exist for them."""

    pagination_class = CursorPages
    filter_backends = [DjangoFilterBackend, StrictOrdering]
    lookup_value_regex = "[0-9]{1,18}"
    ordering: Any = ("-id",)
    ordering_fields: Any = ("id",)
    has_etags = False
    volatile: frozenset[str] = frozenset({"engagement_score", "updated_at", "is_dry_run", "impact"})
    """What an ETag leaves out of the answer."""

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

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        shows = self.has_etags and self.action in _SHOWS_ROW and response.status_code in {200, 201}
        shown = self.find_shown(response.data) if shows else None
        if shown and shown.get("id"):
            etag = make_etag(shown, self.volatile)
            if request.method in SAFE_METHODS and {etag, "*"} & set(read_etags(request, IF_NONE_MATCH)):
                response = Response(status=status.HTTP_304_NOT_MODIFIED)
            response.headers["ETag"] = etag
        return super().finalize_response(request, response, *args, **kwargs)

    def find_shown(self, data: Any) -> Mapping[str, Any] | None:
        """The row in an answer of this view, as its serializer shows it."""
        return data if isinstance(data, Mapping) else None

    def find_locked(self, row: Any) -> Any:
        """The row that writers of this one lock."""
        return row

    def require_match(self, request: Request) -> None:
        if not self.has_etags or not self.detail or self.calls_server:
            return super().require_match(request)
        if etags := read_etags(request, IF_MATCH):
            self._wrap(lambda handler: require_match(handler, etags, self._lock, self._read_etag))
        return None

    def _lock(self) -> Any:
        return self.find_locked(self.get_object())

    def _read_etag(self) -> str:
        serializer: Any = type(self).serializer_class
        shown = serializer(self.get_object(), context=self.get_serializer_context()).data
        return make_etag(shown, self.volatile)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Filters are for lists: one row is named by its id alone."""
        return queryset if self.detail else super().filter_queryset(queryset)


class ReadViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceViewSet):
    """List and detail."""
