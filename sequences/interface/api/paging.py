"""Keyset paging of every list: a page continues after the ordered values and the id of a row, never after a count.

So that a page costs the same wherever it is in the list, however many rows share a value, and nothing is shown twice or
left out while rows are added. Null values are where PostgreSQL sorts them: last ascending, first descending.

A cursor is opaque: the values of the row before it, signed, so that a forged one is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.core import signing
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import BooleanField, F, Field, Func, Q, QuerySet, Value
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

_SALT = "sequences.interface.api.paging"
_LONGEST_NUMBER = 9
#: What a list with an `export_name` is answered as.
FORMAT = "format"
FORMATS = ("json", "csv", "jsonl")


@dataclass(frozen=True, slots=True)
class Column:
    """One field that a list is ordered by."""

    name: str
    descends: bool
    field: Field[Any, Any]
    is_nullable: bool

    @property
    def path(self) -> str:
        """As an attribute of a row."""
        return self.name.replace("__", ".")

    def order(self, *, is_reversed: bool) -> str:
        return f"-{self.name}" if self.descends != is_reversed else self.name


@dataclass(frozen=True, slots=True)
class _Position:
    """Between two rows: behind one of these values, or, reversed, before it."""

    values: tuple[Any, ...]
    is_reversed: bool


class _RowAfter(Func):
    """PostgreSQL's comparison of rows, `(a, id) > (1, 2)`, which can follow an index."""

    output_field = BooleanField()

    def __init__(self, columns: Sequence[Column], values: Sequence[Any], operator: str) -> None:
        sides = [*(F(column.name) for column in columns)]
        given = [Value(value, output_field=column.field) for column, value in zip(columns, values, strict=True)]
        super().__init__(*sides, *given, operator=operator)

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> Any:
        parts = [compiler.compile(each) for each in self.get_source_expressions()]
        half = len(parts) // 2
        left, right = (", ".join(sql for sql, _ in side) for side in (parts[:half], parts[half:]))
        values = [value for _, given in parts for value in given]
        return f"({left}) {self.extra['operator']} ({right})", values


class CursorPages(BasePagination):
    """`{"next", "previous", "results"}`, 50 rows a page or `page_size`, at most 200."""

    page_size = 50
    page_size_query_param = "page_size"
    cursor_query_param = "cursor"
    max_page_size = 200
    ordering: Any = ("-id",)

    _url: str
    _next: str | None
    _previous: str | None

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        """The fields as `?ordering=` or else the view has them; `paginate_queryset` adds the id."""
        for backend in getattr(view, "filter_backends", ()):
            if hasattr(backend, "get_ordering"):
                chosen = backend().get_ordering(request, queryset, view)
                if chosen:
                    return tuple(chosen)
        return tuple([self.ordering] if isinstance(self.ordering, str) else self.ordering)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        columns = _read_columns(queryset, _end_with_id(self.get_ordering(request, queryset, view)))
        size = self.get_page_size(request)
        position = self._read_position(request, columns)
        is_reversed = position is not None and position.is_reversed
        rows = queryset.order_by(*(column.order(is_reversed=is_reversed) for column in columns))
        if position is not None:
            rows = _continue_after(rows, columns, position)
        found = list(rows[: size + 1])
        has_more = len(found) > size
        page = found[:size]
        if is_reversed:
            page.reverse()
        self._url = request.build_absolute_uri()
        has_next, has_previous = (True, has_more) if is_reversed else (has_more, position is not None)
        self._next = self._link(columns, page[-1:], is_reversed=False) if has_next else None
        self._previous = self._link(columns, page[:1], is_reversed=True) if has_previous else None
        if is_reversed and not page:
            # everything before it is gone: the list begins here
            self._next = remove_query_param(self._url, self.cursor_query_param)
        return page

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get(self.page_size_query_param, str(self.page_size))
        if not text.isdecimal() or len(text) > _LONGEST_NUMBER or int(text) < 1:
            raise ValidationError({"page_size": [f"A whole number from 1 to {self.max_page_size}."]})
        return min(int(text), self.max_page_size)

    def get_next_link(self) -> str | None:
        return self._next

    def get_previous_link(self) -> str | None:
        return self._previous

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self._next, "previous": self._previous, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "nullable": True, "format": "uri"}
        return {
            "type": "object",
            "required": ["results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        number = {"type": "integer", "minimum": 1, "default": self.page_size}
        of_exports = {
            "name": FORMAT,
            "in": "query",
            "required": False,
            "description": "`csv` or `jsonl` (JSON Lines): every row, by id, without pages. Also by `Accept`.",
            "schema": {"type": "string", "enum": list(FORMATS), "default": FORMATS[0]},
        }
        return [
            *([of_exports] if getattr(view, "export_name", "") else []),
            {
                "name": self.cursor_query_param,
                "in": "query",
                "required": False,
                "description": "From the links `next` and `previous`.",
                "schema": {"type": "string"},
            },
            {
                "name": self.page_size_query_param,
                "in": "query",
                "required": False,
                "description": f"Rows per page, at most {self.max_page_size}.",
                "schema": number,
            },
        ]

    def _read_position(self, request: Request, columns: Sequence[Column]) -> _Position | None:
        text = request.query_params.get(self.cursor_query_param)
        if text is None:
            return None
        try:
            names, values, is_reversed = signing.loads(text, salt=_SALT)
            if names != _name(columns):
                raise _bad_cursor()
            read = [_read_value(column, value) for column, value in zip(columns, values, strict=True)]
        except (signing.BadSignature, ValueError, DjangoValidationError):
            raise _bad_cursor() from None
        return _Position(tuple(read), is_reversed)

    def _link(self, columns: Sequence[Column], rows: Sequence[Any], *, is_reversed: bool) -> str | None:
        if not rows:
            return None
        values = [_write_value(attrgetter(column.path)(rows[0])) for column in columns]
        cursor = signing.dumps([_name(columns), values, is_reversed], salt=_SALT)
        return replace_query_param(self._url, self.cursor_query_param, cursor)


def _continue_after(rows: QuerySet[Any], columns: Sequence[Column], position: _Position) -> QuerySet[Any]:
    """The rows behind the position, in the order that they have."""
    ways = {column.descends for column in columns}
    if len(ways) == 1 and not any(column.is_nullable for column in columns):
        operator = "<" if ways.pop() != position.is_reversed else ">"
        return rows.filter(_RowAfter(columns, position.values, operator))
    behind, equal = Q(pk__in=()), Q()
    for column, value in zip(columns, position.values, strict=True):
        descends = column.descends != position.is_reversed
        behind |= equal & _behind(column, value, descends=descends)
        equal &= Q(**{f"{column.name}__isnull": True}) if value is None else Q(**{column.name: value})
    return rows.filter(behind)


def _behind(column: Column, value: Any, *, descends: bool) -> Q:
    if value is None:
        return Q(**{f"{column.name}__isnull": False}) if descends else Q(pk__in=())
    if descends:
        return Q(**{f"{column.name}__lt": value})
    greater = Q(**{f"{column.name}__gt": value})
    return greater | Q(**{f"{column.name}__isnull": True}) if column.is_nullable else greater


def _end_with_id(ordering: Sequence[str]) -> list[str]:
    """What follows the id orders nothing. Without an id the last field's direction is its own."""
    fields = list(ordering) or ["-id"]
    for place, field in enumerate(fields, 1):
        if field.lstrip("-") in {"id", "pk"}:
            return fields[:place]
    return [*fields, "-id" if fields[-1].startswith("-") else "id"]


def _read_columns(queryset: QuerySet[Any], ordering: Sequence[str]) -> list[Column]:
    columns = []
    for field in ordering:
        name = field.lstrip("-")
        found, is_nullable = _find_field(queryset, name)
        columns.append(Column(name, field.startswith("-"), found, is_nullable))
    return columns


def _find_field(queryset: QuerySet[Any], name: str) -> tuple[Any, bool]:
    if name in queryset.query.annotations:
        return queryset.query.annotations[name].output_field, True
    model: Any = queryset.model
    is_nullable = False
    found: Any = None
    for part in name.split("__"):
        found = model._meta.get_field(part)
        is_nullable = is_nullable or found.null
        model = found.related_model
    return found, is_nullable


def _name(columns: Sequence[Column]) -> list[str]:
    return [column.order(is_reversed=False) for column in columns]


def _write_value(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if isinstance(value, UUID | Decimal) else value


def _read_value(column: Column, value: Any) -> Any:
    return None if value is None else column.field.to_python(value)


def _bad_cursor() -> ValidationError:
    return ValidationError({"cursor": ["It is not a cursor of this list: follow the links `next` and `previous`."]})
