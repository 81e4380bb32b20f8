"""How actions declare what they take; and the workspace that a new row belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from sequences.interface.api.schema import REFUSES_DRY_RUN
from sequences.models import Workspace

_Action = TypeVar("_Action", bound=Callable[..., Any])

# Of lists that belong to one row; a list of rows knows them by itself.
PAGES = (
    OpenApiParameter("cursor", str, description="From the links `next` and `previous`."),
    OpenApiParameter("page_size", int, description="At most 200; 50 by default."),
)


def takes_parameters(*parameters: OpenApiParameter | type[serializers.Serializer[Any]]) -> Callable[[_Action], _Action]:
    """Declare what an action reads from its query, by name or as the fields of a form."""

    def declare(action: _Action) -> _Action:
        names = [[each.name] if isinstance(each, OpenApiParameter) else each().fields for each in parameters]
        action.query_names = frozenset(chain.from_iterable(names))  # type: ignore[attr-defined]
        return extend_schema(parameters=list(parameters))(action)

    return declare


def takes_no_body(action: _Action) -> _Action:
    """Declare that a POST reads no body: every key but `dry_run` is refused."""
    action.takes_body = False  # type: ignore[attr-defined]
    return action


def takes_body(action: _Action) -> _Action:
    """Declare that a DELETE reads a body."""
    action.takes_body = True  # type: ignore[attr-defined]
    return action


def refuses_dry_run(detail: str) -> Callable[[_Action], _Action]:
    """Declare that a dry run of this action makes no sense; `detail` says why, and what to do."""

    def declare(action: _Action) -> _Action:
        action.dry_run_refusal = detail  # type: ignore[attr-defined]
        return extend_schema(extensions={REFUSES_DRY_RUN: True})(action)

    return declare


def read_query_and_body(request: Request) -> dict[str, Any]:
    """For a DELETE, whose body some clients cannot send: what its query and its body say; the body wins."""
    body = request.data if isinstance(request.data, Mapping) else {}
    return {**request.query_params.dict(), **{name: body[name] for name in body}}


class OwnWorkspaceField(serializers.PrimaryKeyRelatedField[Workspace]):
    """One of the user's own; optional for members of a single workspace (`only_workspace`)."""

    queryset = Workspace.objects.none()

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("help_text", "Optional when you belong to one workspace only.")
        super().__init__(**kwargs)

    def get_queryset(self) -> Any:
        return Workspace.objects.for_user(self.context["request"].user)


def only_workspace(request: Request) -> Workspace:
    """The only one that the user belongs to. Raises `ValidationError` when there are several, or none."""
    own = list(Workspace.objects.for_user(request.user)[:2])
    if len(own) != 1:
        raise ValidationError({"workspace": ["Name one of your workspaces."]})
    return own[0]
