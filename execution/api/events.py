"""`/api/events`: the feed of facts and log entries, followed by `next`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core import signing
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from execution.webhooks_out.events import FEED_TYPES
from execution.webhooks_out.feed import START, Filters, LostPositionError, Position, read_feed
from sequences.access.roles import workspace_ids_of
from sequences.interface.api.base import BIGGEST_ID, InstantField, StrictView
from sequences.interface.api.exports import EXPORT_FORMAT, EXPORT_RENDERERS, read_format, stream_rows
from sequences.interface.api.named import LONGEST_NAME, match_column, read_named
from sequences.interface.api.paging import CursorPages
from sequences.interface.api.parameters import takes_parameters
from sequences.interface.api.strict import StrictSerializer
from sequences.models import Contact, Sequence

_SALT = "execution.api.events"
_LONGEST_CURSOR = 2_000
_SIZES = CursorPages()
_PARAMETERS = (
    OpenApiParameter("after", str, description="What `next` answered; left out: from the beginning."),
    OpenApiParameter("page_size", int, description="At most 200; 50 by default."),
    OpenApiParameter("type", str, description="Names of types, with commas between them."),
    OpenApiParameter("contact", str, description="Its id or address."),
    OpenApiParameter("sequence", str, description="Its id or name."),
    OpenApiParameter("since", OpenApiTypes.DATETIME, description="What was recorded from this time on."),
)


class FeedEventSerializer(StrictSerializer):
    id = serializers.CharField(help_text="Where it is stored, and its id there: `log-981`. It stays the same.")
    type = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()
    workspace = serializers.IntegerField(allow_null=True, help_text="Null: of the executor.")
    message = serializers.IntegerField(allow_null=True)
    mailbox = serializers.IntegerField(allow_null=True)
    enrollment = serializers.IntegerField(allow_null=True)
    step = serializers.IntegerField(allow_null=True)
    contact = serializers.IntegerField(allow_null=True)
    sequence = serializers.IntegerField(allow_null=True)
    actor = serializers.CharField(allow_blank=True)
    details = serializers.DictField()


@extend_schema_serializer(many=False)
class FeedSerializer(StrictSerializer):
    next = serializers.URLField(help_text="Always there: read on here, also later.")
    previous = serializers.URLField(allow_null=True, help_text="Always null: the feed goes one way.")
    has_more = serializers.BooleanField(help_text="Whether to read on at once. A page with filters may be empty.")
    results = FeedEventSerializer(many=True)


class FeedViewSet(StrictView):
    """The facts and log entries of one's workspaces."""

    renderer_classes = EXPORT_RENDERERS

    @takes_parameters(*_PARAMETERS, EXPORT_FORMAT)
    @extend_schema(responses={(200, "application/json"): FeedSerializer})
    def list(self, request: Request) -> Any:
        """In the order in which they were stored. Following `next` misses nothing and repeats nothing."""
        given = request.query_params
        form = read_format(request)
        after = _read_cursor(given["after"]) if "after" in given else START
        filters = Filters(
            types=_read_types(given["type"]) if given.get("type") else None,
            contacts=_find(request, Contact, "contact"),
            sequences=_find(request, Sequence, "sequence"),
            since=_read_time(given["since"]) if "since" in given else None,
        )
        workspaces = sorted(workspace_ids_of(request.user))
        if form:
            columns = list(FeedEventSerializer().fields)
            return stream_rows("events", form, columns, _read_all(workspaces, filters))
        try:
            page = read_feed(workspaces, after, filters, _SIZES.get_page_size(request))
        except LostPositionError:
            raise ValidationError(
                {"after": ["The database was restored since: leave it out, and ask for what is new by `since`."]}
            ) from None
        cursor = signing.dumps(list(page.end), salt=_SALT)
        answer = {
            "next": replace_query_param(request.build_absolute_uri(), "after", cursor),
            "previous": None,
            "has_more": page.has_more,
            "results": page.rows,
        }
        return Response(FeedSerializer(answer).data)


def _read_all(workspaces: list[int], filters: Filters) -> Iterator[Any]:
    position, has_more = START, True
    while has_more:
        page = read_feed(workspaces, position, filters, _SIZES.max_page_size)
        yield from FeedEventSerializer(page.rows, many=True).data
        position, has_more = page.end, page.has_more


def _read_cursor(text: str) -> Position:
    """The cursor, or the whole link that holds it. Raises `ValidationError`."""
    if text.startswith(("http://", "https://")):
        text = parse_qs(urlsplit(text).query).get("after", [""])[0]
    try:
        values = signing.loads(text[:_LONGEST_CURSOR], salt=_SALT)
        return Position(*(int(value) for value in values))
    except (signing.BadSignature, ValueError, TypeError):
        raise ValidationError({"after": ["It is not a cursor of this feed: follow the link `next`."]}) from None


def _read_types(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in FEED_TYPES:
            raise ValidationError({"type": [f"{name[:100]!r} is not a type of the feed: see the list of events."]})
    return names


def _read_time(text: str) -> Any:
    try:
        return InstantField().run_validation(text)
    except ValidationError as error:
        raise ValidationError({"since": error.detail}) from None


def _find(request: Request, model: Any, kind: str) -> list[int] | None:
    """The ids of the rows that are named so; an id is taken as it is. Raises `ValidationError`."""
    text = request.query_params.get(kind)
    if not text:
        return None
    named = read_named(text)
    if isinstance(named, int):
        if not 0 < named <= BIGGEST_ID:
            raise ValidationError({kind: ["It must be an id or a name."]})
        return [named]
    if len(named) > LONGEST_NAME or "\x00" in named:
        raise ValidationError({kind: ["It must be an id or a name."]})
    found = list(model.objects.for_user(request.user).filter(match_column(kind, named)).values_list("pk", flat=True))
    if not found:
        raise ValidationError({kind: [f"There is no {kind} named {named!r}."]})
    return found
