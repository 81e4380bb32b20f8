"""What several requests name in the same way: the workspace a new row belongs to, and a dry run."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any, TypeVar

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from sequences.interface.api.base import read_yes_no
from sequences.models import Workspace

_Action = TypeVar("_Action", bound=Callable[..., Any])

DRY_RUN = OpenApiParameter("dry_run", bool, description="Only answer what would happen.")
# Of what one row has; a list of rows knows them by itself.
PAGES = (
    OpenApiParameter("cursor", str, description="From the links `next` and `previous`."),
    OpenApiParameter("page_size", int, description="At most 200; 50 by default."),
)


def asks(*parameters: OpenApiParameter | type[serializers.Serializer[Any]]) -> Callable[[_Action], _Action]:
    """What an action reads from its query, by name or as the fields of a form: in the reference, and not refused."""

    def declare(action: _Action) -> _Action:
        names = [[each.name] if isinstance(each, OpenApiParameter) else each().fields for each in parameters]
        action.query_names = frozenset(chain.from_iterable(names))  # type: ignore[attr-defined]
        return extend_schema(parameters=list(parameters))(action)

    return declare


class OwnWorkspaceField(serializers.PrimaryKeyRelatedField[Workspace]):
    """One of the reader's own; may be left out by who belongs to one only (`only_workspace`)."""

    queryset = Workspace.objects.none()

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("help_text", "May be left out by who belongs to one only.")
        super().__init__(**kwargs)

    def get_queryset(self) -> Any:
        return Workspace.objects.for_user(self.context["request"].user)


def only_workspace(request: Request) -> Workspace:
    """The one that the person belongs to. Raises `ValidationError` when there are several, or none."""
    own = list(Workspace.objects.for_user(request.user)[:2])
    if len(own) != 1:
        raise ValidationError({"workspace": ["Name one of your workspaces."]})
    return own[0]


def is_dry_run(request: Request) -> bool:
    """Raises `ValidationError` for what is neither yes nor no: nothing is done that was perhaps not meant."""
    try:
        return read_yes_no(request.query_params.get("dry_run", "")) is True
    except DjangoValidationError as error:
        raise ValidationError({"dry_run": error.messages}) from None
