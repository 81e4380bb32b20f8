"""What several requests name in the same way: the workspace a new row belongs to, and a dry run."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from sequences.api.base import read_yes_no
from sequences.models import Workspace

DRY_RUN = OpenApiParameter("dry_run", bool, description="Only answer what would happen.")


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
