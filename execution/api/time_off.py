"""`/api/time-off`: the time off of members, their own; that of all members by managers."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib.auth import get_user_model
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from execution.control.time_off import Impact, TimeOffError, delete_time_off, save_time_off
from sequences.access.roles import is_manager, name_actor
from sequences.api.contacts import WorkspaceRowSerializer
from sequences.interface.api.base import IdFilter, ReadViewSet
from sequences.interface.api.dry_run import is_dry_run
from sequences.interface.api.parameters import only_workspace
from sequences.interface.api.strict import StrictSerializer
from sequences.models import Membership, TimeOff

_NAMES = {"starts_on": "from", "ends_on": "to"}
_NOT_YOURS = "Only a manager or an admin of the workspace enters the time off of others."


class _MemberField(serializers.PrimaryKeyRelatedField[Any]):
    """A user who shares a workspace with the caller."""

    def get_queryset(self) -> Any:
        members = Membership.objects.for_user(self.context["request"].user).order_by().values("user")
        return get_user_model()._default_manager.filter(pk__in=members)


class TimeOffImpactSerializer(StrictSerializer):
    enrollments = serializers.IntegerField(help_text="Enrollments that got another due time.")
    emails = serializers.IntegerField(help_text="Queued emails of these days.")


class TimeOffSerializer(WorkspaceRowSerializer):
    owner = _MemberField(required=False, help_text="Who is away. You, if left out.")
    to = serializers.DateField(source="ends_on", help_text="The last day.")
    cover = _MemberField(
        required=False, allow_null=True, help_text="Gets new tasks, reply notices and alerts on these days."
    )

    class Meta:
        model = TimeOff
        fields = ["id", "workspace", "owner", "to", "cover", "created_at"]
        read_only_fields = ["id", "created_at"]
        validators: list[Any] = []

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        fields["owner"].read_only = self.instance is not None
        # a word of Python, so that it cannot be declared above
        first = serializers.DateField(
            source="starts_on", help_text="The first day, in the time zone of the workspace. Both days are included."
        )
        order = ("id", "workspace", "owner", "from", "to", "cover", "created_at")
        fields["from"] = first
        return {name: fields[name] for name in order}


class ChangedTimeOffSerializer(TimeOffSerializer):
    """The answer of a change."""

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "impact": TimeOffImpactSerializer(read_only=True)}


class TimeOffFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    owner = IdFilter(field_name="owner_id")
    cover = IdFilter(field_name="cover_id")


class TimeOffViewSet(mixins.CreateModelMixin, mixins.UpdateModelMixin, mixins.DestroyModelMixin, ReadViewSet):
    """Time off, on whole days in the time zone of the workspace. Members write their own, managers that of all.

    No email of a sequence leaves the owner's mailboxes on these days: what is due waits, and what is queued is held.
    `impact` in the answer of a change says how many enrollments got another due time, and how many queued emails are
    of these days.
    """

    queryset = TimeOff.objects.all()
    serializer_class = TimeOffSerializer
    filterset_class = TimeOffFilter
    ordering_fields = ("id", "starts_on")

    @extend_schema(request=TimeOffSerializer, responses={201: ChangedTimeOffSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = dict(form.validated_data)
        workspace = values.pop("workspace", None) or only_workspace(request)
        row = TimeOff(workspace=workspace, owner=values.pop("owner", request.user))
        self._require_right(row)
        return self._save(row, values, status.HTTP_201_CREATED)

    @extend_schema(request=TimeOffSerializer, responses=ChangedTimeOffSerializer)
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        row = self.get_object()
        self._require_right(row)
        form = self.get_serializer(row, data=request.data, partial=kwargs.get("partial", False))
        form.is_valid(raise_exception=True)
        return self._save(row, form.validated_data, status.HTTP_200_OK)

    @extend_schema(request=TimeOffSerializer, responses=ChangedTimeOffSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.update(request, *args, **{**kwargs, "partial": True})

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What waited for its end is planned again. A dry run answers its `impact`."""
        row = self.get_object()
        self._require_right(row)
        impact = delete_time_off(row, actor=name_actor(request.user), now=timezone.now())
        if is_dry_run(request):
            return Response({"impact": impact.as_dict()})
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _require_right(self, row: TimeOff) -> None:
        user = self.request.user
        if row.owner_id != user.pk and not is_manager(user, row.workspace_id):
            raise PermissionDenied(_NOT_YOURS)

    def _save(self, row: TimeOff, values: dict[str, Any], code: int) -> Response:
        try:
            impact: Impact = save_time_off(row, values, actor=name_actor(self.request.user), now=timezone.now())
        except TimeOffError as error:
            raise ValidationError({_NAMES.get(error.field, error.field): [str(error)]}) from None
        shown = TimeOffSerializer(row, context=self.get_serializer_context()).data
        return Response({**shown, "impact": impact.as_dict()}, status=code)
