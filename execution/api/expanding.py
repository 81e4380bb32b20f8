"""`?expand=contact,sequence`: related rows beside those of an answer, one statement for each name.

The rows of an answer are of the reader's own workspaces, and so is what they refer to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from emails.models import EmailMessage, Mailbox
from sequences.interface.api.expanded import ExpandedSerializer
from sequences.interface.api.strict import explain_unknown
from sequences.models import Account, Contact, Enrollment, Step
from sequences.models import Sequence as SequenceModel

EXPAND = "expand"
_LONGEST = 500
_EXPAND_PARAMETER = OpenApiParameter(
    EXPAND, str, description="Related rows to answer in `expanded`, with commas between their names."
)
_USER = ("email", "first_name", "last_name")
_MODELS: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "contact": (
        Contact,
        (
            "email", "external_id", "first_name", "last_name", "title", "phone", "timezone", "account_id", "fields",
            "engagement_score",
        ),
    ),
    "account": (Account, ("name", "domain", "timezone")),
    "sequence": (SequenceModel, ("name", "status")),
    "step": (Step, ("number", "type", "name")),
    "mailbox": (Mailbox, ("address", "display_name", "status")),
    "owner": (get_user_model(), _USER),
    "assignee": (get_user_model(), _USER),
    "enrollment": (Enrollment, ("sequence_id", "status", "next_step_at", "auto_exit_reason")),
    "message": (EmailMessage, ("subject", "status", "sent_at")),
}  # fmt: skip


class Expands:
    """Before the base of a view: `list` and `retrieve` take `?expand=` with some of `expandable`.

    `expandable`: each name with the key of a row that holds the id, or `contact.account` or `enrollment.sequence`
    where the id is the related row's.
    """

    expandable: Mapping[str, str]
    action: Any
    request: Any

    def query_names(self, request: Request) -> set[str]:
        names: set[str] = super().query_names(request)  # type: ignore[misc]
        return names | {EXPAND} if self.action in {"list", "retrieve"} else names

    @extend_schema(parameters=[_EXPAND_PARAMETER])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        names = self._read_names(request)
        response: Response = super().list(request, *args, **kwargs)  # type: ignore[misc]
        if names:
            self._expand(response.data["results"], names)
        return response

    @extend_schema(parameters=[_EXPAND_PARAMETER])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        names = self._read_names(request)
        response: Response = super().retrieve(request, *args, **kwargs)  # type: ignore[misc]
        if names:
            self._expand([response.data], names)
        return response

    def _read_names(self, request: Request) -> tuple[str, ...]:
        """Raises `ValidationError`."""
        text = request.query_params.get(EXPAND)
        if text is None:
            return ()
        names = tuple(dict.fromkeys(name.strip() for name in text[:_LONGEST].split(",") if name.strip()))
        for name in names:
            if name not in self.expandable:
                raise ValidationError({EXPAND: [explain_unknown(name, self.expandable, "name")]})
        if not names:
            raise ValidationError({EXPAND: [f"Name some of: {', '.join(self.expandable)}."]})
        return names

    def _expand(self, rows: Sequence[dict[str, Any]], names: Sequence[str]) -> None:
        read: dict[str, dict[int, Any]] = {}
        shown: list[dict[str, Any]] = [{} for _ in rows]
        for name in names:
            ids = _find_ids(rows, self.expandable[name], read)
            found = read.setdefault(name, {}) | _read(name, {each for each in ids if each} - set(read[name]))
            read[name] = found
            for each, pk in zip(shown, ids, strict=True):
                each[name] = found.get(pk) if pk else None
        for row, each in zip(rows, shown, strict=True):
            presented = ExpandedSerializer(each).data
            row["expanded"] = {name: presented[name] for name in each}


def _find_ids(rows: Sequence[dict[str, Any]], path: str, read: dict[str, dict[int, Any]]) -> list[int | None]:
    """The id of each row's related one; `read` gets what was read on the way."""
    key, _, further = path.partition(".")
    ids = [_id_of(row.get(key)) for row in rows]
    if not further:
        return ids
    known = read.setdefault(key, {})
    known |= _read(key, {pk for pk in ids if pk} - set(known))
    return [known[pk][f"{further}_id"] if pk in known else None for pk in ids]


def _id_of(value: Any) -> int | None:
    found: int | None = value.get("id") if isinstance(value, Mapping) else value
    return found


def _read(name: str, ids: Iterable[int]) -> dict[int, Any]:
    model, columns = _MODELS[name]
    wanted = sorted(ids)
    found = model._default_manager.filter(pk__in=wanted).values("id", *columns) if wanted else ()
    return {row["id"]: row for row in found}
