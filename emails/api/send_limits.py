"""`/api/send-limits`: caps on sending, read by every member and written by admins."""

from __future__ import annotations

from typing import Any

import django_filters
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from emails.choices import LimitScope, LimitWindow
from emails.models import SendLimit
from emails.sending.send_limits import InvalidLimitError, delete_limit, find_target, save_limit
from sequences.access.roles import require_admin, require_any_admin
from sequences.interface.api.base import IdFilter, ReadViewSet
from sequences.interface.api.parameters import OwnWorkspaceField, only_workspace
from sequences.interface.api.strict import StrictModelSerializer

_LONGEST_KEY = 254
_MOST = 2**31 - 1
_KEY_HELP = (
    "Of what the scope names: the id or address of a `mailbox` or `user`, the `recipient_domain` (null: each domain "
    "separately), null for the `workspace`. Answered as an id or a domain."
)


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}], "nullable": True, "description": _KEY_HELP})
class KeyField(serializers.Field[Any, Any, Any, Any]):
    """The target of a limit: an id, an address or a domain."""

    def get_attribute(self, instance: SendLimit) -> Any:
        return instance

    def to_representation(self, value: SendLimit) -> int | str | None:
        return value.mailbox_id or value.user_id or value.recipient_domain or None

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, bool) or not isinstance(data, int | str) or len(str(data)) > _LONGEST_KEY:
            raise ValidationError("It is an id, an address or a domain.")
        return str(data)


class SendLimitSerializer(StrictModelSerializer[SendLimit]):
    scope = serializers.ChoiceField(choices=LimitScope.choices())
    window = serializers.ChoiceField(choices=LimitWindow.choices(), help_text="Rolling: one hour, or 24 hours.")
    key = KeyField(required=False, allow_null=True)
    maximum = serializers.IntegerField(min_value=0, max_value=_MOST, help_text="Emails in any such window.")

    class Meta:
        model = SendLimit
        fields = [
            "id", "workspace", "scope", "key", "window", "maximum", "first_touch_only", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "workspace", "created_at", "updated_at"]
        # the form of a limit is checked when it is stored
        validators: list[Any] = []


class NewSendLimitSerializer(SendLimitSerializer):
    workspace = OwnWorkspaceField()

    class Meta(SendLimitSerializer.Meta):
        read_only_fields = ["id", "created_at", "updated_at"]


class SendLimitFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    mailbox = IdFilter(field_name="mailbox_id")
    user = IdFilter(field_name="user_id")
    scope = django_filters.ChoiceFilter(choices=LimitScope.choices())
    window = django_filters.ChoiceFilter(choices=LimitWindow.choices())


class SendLimitViewSet(mixins.CreateModelMixin, mixins.UpdateModelMixin, mixins.DestroyModelMixin, ReadViewSet):
    """Caps on sending. Every member reads them; admins write. A change is in force with the next email."""

    queryset = SendLimit.objects.all()
    serializer_class = SendLimitSerializer
    filterset_class = SendLimitFilter
    has_etags = True

    def get_object(self) -> SendLimit:
        row: SendLimit = super().get_object()
        if self.action != "retrieve":
            require_admin(self.request.user, row.workspace_id)
        return row

    @extend_schema(request=NewSendLimitSerializer, responses={201: SendLimitSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """At most `maximum` emails in any `window`. It holds beside all other limits."""
        require_any_admin(request.user)
        form = NewSendLimitSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        self.perform_create(form)
        return Response(SendLimitSerializer(form.instance).data, status=status.HTTP_201_CREATED)

    def perform_create(self, serializer: Any) -> None:
        values = serializer.validated_data
        workspace = values.pop("workspace", None) or only_workspace(self.request)
        require_admin(self.request.user, workspace.pk)
        self._save(serializer, SendLimit(workspace=workspace), values)

    def perform_update(self, serializer: Any) -> None:
        self._save(serializer, serializer.instance, serializer.validated_data)

    def perform_destroy(self, instance: SendLimit) -> None:
        delete_limit(instance, timezone.now())

    def _save(self, serializer: Any, limit: SendLimit, values: dict[str, Any]) -> None:
        """Replaces the key among the values by the columns that it names."""
        scope = values.get("scope", limit.scope)
        key = values.pop("key", None)
        try:
            if scope != limit.scope or key is not None or "key" in serializer.initial_data:
                values.update(find_target(limit.workspace, LimitScope(scope), key or ""))
            save_limit(limit, values, timezone.now())
        except InvalidLimitError as error:
            raise ValidationError({error.field: [str(error)]}) from None
        serializer.instance = limit
