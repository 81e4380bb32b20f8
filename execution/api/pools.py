"""`/api/mailbox-pools`: named sets of mailboxes to enroll into, read by every member and written by managers."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.text import capfirst
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from emails.models import Mailbox, MailboxPool
from execution.api.enrollment_forms import BulkAnswerSerializer, present_bulk
from execution.api.serializers import ReasonSerializer
from execution.control.pools import InvalidPoolError, delete_pool, save_pool
from execution.control.rehome import RehomeError, rehome
from sequences.access.roles import name_actor, require_manager, require_manager_of
from sequences.interface.api.base import IdFilter, ReadViewSet
from sequences.interface.api.dry_run import is_dry_run
from sequences.interface.api.named import NamedRowField, find_named
from sequences.interface.api.parameters import OwnWorkspaceField, only_workspace
from sequences.interface.api.strict import StrictModelSerializer, StrictSerializer

_MOST_MAILBOXES = 1_000


class MailboxPoolSerializer(StrictModelSerializer[MailboxPool]):
    """`mailboxes` are answered as ids in ascending order."""

    name = serializers.CharField(max_length=100)
    mailboxes = serializers.ListField(
        child=NamedRowField(),
        required=False,
        max_length=_MOST_MAILBOXES,
        help_text="Ids or addresses of mailboxes of the workspace.",
    )

    class Meta:
        model = MailboxPool
        fields = ["id", "workspace", "name", "mailboxes", "created_at", "updated_at"]
        read_only_fields = ["id", "workspace", "created_at", "updated_at"]
        # the name is checked when it is stored
        validators: list[Any] = []

    def to_representation(self, instance: MailboxPool) -> dict[str, Any]:
        mailboxes = sorted(mailbox.pk for mailbox in instance.mailboxes.all())
        shown = {field.field_name: field for field in self._readable_fields}
        del shown["mailboxes"]
        data = {name: field.to_representation(field.get_attribute(instance)) for name, field in shown.items()}
        return {name: mailboxes if name == "mailboxes" else data[name] for name in self.fields}


class NewMailboxPoolSerializer(MailboxPoolSerializer):
    workspace = OwnWorkspaceField()

    class Meta(MailboxPoolSerializer.Meta):
        read_only_fields = ["id", "created_at", "updated_at"]


class RehomeSerializer(ReasonSerializer):
    """`from`: the mailbox whose enrollments move, by id or address."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is a word of Python's own
        return {"from": NamedRowField(), **super().get_fields()}


class _RehomedToSerializer(StrictSerializer):
    mailbox = serializers.IntegerField()
    address = serializers.CharField()
    count = serializers.IntegerField()


class RehomedSerializer(BulkAnswerSerializer):
    """`changed` have another mailbox; `refused` stay, by reason: in a thread, or with an email that may have left."""

    to = _RehomedToSerializer(many=True, help_text="How many each mailbox got.")


class MailboxPoolFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    mailbox = IdFilter(field_name="mailboxes", label="Pools that have this mailbox.")
    name = django_filters.CharFilter(field_name="name", lookup_expr="iexact")


class MailboxPoolViewSet(mixins.CreateModelMixin, mixins.UpdateModelMixin, mixins.DestroyModelMixin, ReadViewSet):
    """Sets of mailboxes. Every member reads them; managers and admins write.

    Enrolling with a `pool` gives each enrollment one of its mailboxes for life. Changing or deleting a pool leaves the
    mailboxes of enrollments as they are.
    """

    queryset = MailboxPool.objects.prefetch_related("mailboxes")
    serializer_class = MailboxPoolSerializer
    filterset_class = MailboxPoolFilter
    ordering_fields = ("id", "name", "updated_at")
    has_etags = True

    def get_object(self) -> MailboxPool:
        row: MailboxPool = super().get_object()
        if self.action != "retrieve":
            require_manager_of(self.request.user, row.workspace_id)
        return row

    @extend_schema(request=NewMailboxPoolSerializer, responses={201: MailboxPoolSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A pool may begin empty: nothing can be enrolled into it until it has a mailbox that can send."""
        require_manager(request.user)
        form = NewMailboxPoolSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        self.perform_create(form)
        return Response(MailboxPoolSerializer(form.instance).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=RehomeSerializer, responses=RehomedSerializer)
    @action(detail=True, methods=["post"], filter_backends=[])
    def rehome(self, request: Request, pk: str) -> Response:
        """Give those of a mailbox who have had nothing yet other mailboxes of the pool, chosen as when enrolling.

        Each that has had an email stays. Those that another pool enrolled are left alone.
        """
        pool = self.get_object()
        form = RehomeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        mailbox = find_named(Mailbox.objects.filter(workspace_id=pool.workspace_id), "mailbox", values["from"])
        if mailbox is None:
            raise ValidationError({"from": ["The workspace has no such mailbox."]})
        try:
            done = rehome(
                pool, mailbox, actor=name_actor(request.user), now=timezone.now(), reason=values.get("reason", "")
            )
        except RehomeError as error:
            raise ValidationError({"from": [f"{capfirst(str(error))}."]}) from None
        to = [{"mailbox": one.pk, "address": one.address, "count": count} for one, count in done.to]
        answer = {**present_bulk(done.report, is_dry_run=is_dry_run(request)), "to": to}
        return Response(RehomedSerializer(answer).data)

    def perform_create(self, serializer: Any) -> None:
        workspace = serializer.validated_data.pop("workspace", None) or only_workspace(self.request)
        require_manager_of(self.request.user, workspace.pk)
        self._save(serializer, MailboxPool(workspace=workspace))

    def perform_update(self, serializer: Any) -> None:
        self._save(serializer, serializer.instance)

    def perform_destroy(self, instance: MailboxPool) -> None:
        delete_pool(instance, actor=name_actor(self.request.user), now=timezone.now())

    def _save(self, serializer: Any, pool: MailboxPool) -> None:
        values = dict(serializer.validated_data)
        if "mailboxes" in values:
            values["mailboxes"] = _find_mailboxes(pool.workspace_id, values["mailboxes"])
        try:
            save_pool(pool, values, actor=name_actor(self.request.user), now=timezone.now())
        except InvalidPoolError as error:
            raise ValidationError({error.field: [str(error)]}) from None
        serializer.instance = MailboxPool.objects.prefetch_related("mailboxes").get(pk=pool.pk)


def _find_mailboxes(workspace_id: int, named: list[int | str]) -> list[Mailbox]:
    """Two statements, whatever their number. Raises `ValidationError` for the first that the workspace has not."""
    rows = Mailbox.objects.filter(workspace_id=workspace_id)
    by_id = rows.in_bulk([name for name in named if isinstance(name, int)])
    wanted = {name.lower() for name in named if isinstance(name, str)}
    by_address = {
        row.address.lower(): row for row in rows.annotate(lowered=Lower("address")).filter(lowered__in=wanted)
    }
    found: dict[int, Mailbox] = {}
    for name in named:
        mailbox = by_id.get(name) if isinstance(name, int) else by_address.get(name.lower())
        if mailbox is None:
            raise ValidationError({"mailboxes": [f"The workspace has no such mailbox: {name}."]})
        found[mailbox.pk] = mailbox
    return list(found.values())
