"""Whole lists as CSV or JSON Lines: every row that the filters find, by id, in flat memory.

Rows look as in the list. A cell of CSV that is an object or a list is JSON, and none is a formula.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from sequences.contacts.csv_reader import write_line
from sequences.interface.api.base import CsvRenderer
from sequences.interface.api.paging import FORMAT, FORMATS

Row = Mapping[str, Any]
_BATCH = 500
# An export has all rows, in one order.
_OF_PAGES = ("cursor", "after", "page_size", "ordering", "expand")
_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


class JsonLinesRenderer(JSONRenderer):
    """For answers that are JSON Lines already; errors are still problems in JSON."""

    media_type = "application/jsonl"
    format = "jsonl"


EXPORT_FORMAT = OpenApiParameter(
    FORMAT, str, enum=FORMATS, description="`csv` or `jsonl` (JSON Lines): every row, without pages. Also by `Accept`."
)
EXPORT_RENDERERS = (JSONRenderer, CsvRenderer, JsonLinesRenderer)


def read_format(request: Request) -> str | None:
    """`csv` or `jsonl` where `?format=` or else `Accept` asks for it; None for JSON. Raises `ValidationError`."""
    accepted = getattr(request, "accepted_renderer", None)
    wanted = request.query_params.get(FORMAT, getattr(accepted, "format", "json"))
    if wanted not in FORMATS:
        raise ValidationError({FORMAT: [f"{wanted[:50]!r} is not one of: {', '.join(FORMATS)}."]})
    if wanted == "json":
        return None
    for name in _OF_PAGES:
        if name in request.query_params:
            raise ValidationError({name: ["An export has all rows, in the order of their ids: leave it out."]})
    return str(wanted)


def stream_rows(name: str, form: str, columns: Sequence[str], rows: Iterable[Row]) -> StreamingHttpResponse:
    """The answer with these rows as a file; `rows` is read while it is sent."""
    lines = _write_csv(columns, rows) if form == "csv" else (_write_json(columns, row) for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return StreamingHttpResponse(lines, content_type=_TYPES[form], headers=headers)


def read_batches(rows: QuerySet[Any], present: Callable[[list[Any]], Iterable[Row]]) -> Iterator[Row]:
    """Every row once, by id, `_BATCH` at a time; a row that is added behind the last one comes too."""
    last = 0
    while batch := list(rows.order_by("pk").filter(pk__gt=last)[:_BATCH]):
        yield from present(batch)
        last = batch[-1].pk


class Exports:
    """Before the base of a view whose list is exported too. `export_name`: of the file."""

    export_name = ""
    action: Any

    def get_renderers(self) -> list[Any]:
        if self.action == "list" and not getattr(self, "swagger_fake_view", False):
            return [renderer() for renderer in EXPORT_RENDERERS]
        found: list[Any] = super().get_renderers()  # type: ignore[misc]
        return found

    def query_names(self, request: Request) -> set[str]:
        names: set[str] = super().query_names(request)  # type: ignore[misc]
        return names | {FORMAT} if self.action == "list" else names

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        form = read_format(request)
        if form is None:
            return super().list(request, *args, **kwargs)  # type: ignore[misc]
        view: Any = self
        rows = view.filter_queryset(view.get_queryset())
        columns = [name for name in view.get_serializer_class()().fields if name != "expanded"]
        return stream_rows(self.export_name, form, columns, read_batches(rows, self.present_rows))

    def present_rows(self, rows: Sequence[Any]) -> Iterable[Row]:
        """As the list shows them."""
        view: Any = self
        found: Iterable[Row] = view.get_serializer(rows, many=True).data
        return found


def _write_csv(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    yield write_line(columns)
    for row in rows:
        yield write_line(_write_cell(row.get(column)) for column in columns)


def _write_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(json.loads(JSONRenderer().render(value)), ensure_ascii=False)
    return str(value)


def _write_json(columns: Sequence[str], row: Row) -> bytes:
    rendered: bytes = JSONRenderer().render({column: row.get(column) for column in columns})
    return rendered + b"\n"
