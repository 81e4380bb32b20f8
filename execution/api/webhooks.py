"""`/api/webhooks`: subscriptions to events, and the deliveries of each."""

from __future__ import annotations

from typing import Any

import django_filters
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from common.text import instant_text
from execution.choices import DeliveryState
from execution.models import WebhookDelivery, WebhookSubscription
from execution.webhooks_out.events import ALL, EVENTS
from execution.webhooks_out.operations import (
    InvalidWebhookError,
    SwitchedOffError,
    change_subscription,
    ping,
    redeliver,
    replay,
    rotate_secret,
    subscribe,
    unsubscribe,
)
from execution.webhooks_out.signing import ROTATION
from sequences.access.roles import name_actor, require_admin, require_any_admin
from sequences.interface.api.base import IdFilter, InstantField, ReadViewSet, YesNoFilter
from sequences.interface.api.dry_run import is_dry_run
from sequences.interface.api.parameters import PAGES, OwnWorkspaceField, only_workspace, takes_no_body, takes_parameters
from sequences.interface.api.problems import ConflictError
from sequences.interface.api.strict import StrictModelSerializer, StrictSerializer

_STATE = OpenApiParameter("state", str, enum=[word.value for word in DeliveryState])


class WebhookSerializer(StrictModelSerializer[WebhookSubscription]):
    events = serializers.ListField(child=serializers.CharField(), help_text=f"`{ALL}`, or of: {', '.join(EVENTS)}.")

    class Meta:
        model = WebhookSubscription
        fields = [
            "id", "workspace", "url", "events", "is_active", "failing_since", "disabled_at", "disabled_reason",
            "created_by", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class WebhookFormSerializer(StrictSerializer):
    url = serializers.URLField(max_length=500)
    events = serializers.ListField(child=serializers.CharField(max_length=40), max_length=len(EVENTS) + 1)
    secret = serializers.CharField(
        required=False, max_length=200, write_only=True,
        help_text="`whsec_` and the Base64 of 24 to 64 bytes. Leave it out to have one created.",
    )  # fmt: skip
    is_active = serializers.BooleanField(required=False)


class NewWebhookSerializer(WebhookFormSerializer):
    workspace = OwnWorkspaceField()


class CreatedWebhookSerializer(WebhookSerializer):
    secret = serializers.CharField(help_text="Shown this once.")

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class RotatedSecretSerializer(StrictSerializer):
    secret = serializers.CharField(allow_null=True, help_text="Shown this once; null in a dry run.")
    previous_until = serializers.DateTimeField(help_text="Until then the secret before it signs too.")


class ReplayFormSerializer(StrictSerializer):
    since = InstantField(help_text="What was recorded from this time on.")
    until = InstantField(required=False, help_text="And up to this time; now by default.")
    events = serializers.ListField(
        child=serializers.ChoiceField(EVENTS), required=False, max_length=len(EVENTS),
        help_text="Of those that it receives; all by default.",
    )  # fmt: skip


class ReplaySerializer(StrictSerializer):
    queued = serializers.IntegerField(help_text="How many deliveries.")
    by_event = serializers.DictField(child=serializers.IntegerField())


class DeliverySerializer(StrictModelSerializer[WebhookDelivery]):
    payload = serializers.DictField()

    class Meta:
        model = WebhookDelivery
        fields = [
            "id", "event", "payload", "state", "attempts", "next_attempt_at", "give_up_at", "status_code", "response",
            "created_at", "delivered_at",
        ]  # fmt: skip
        read_only_fields = fields


class WebhookFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    is_active = YesNoFilter()


class WebhookViewSet(ReadViewSet):
    """Subscriptions to events. Every member reads them; admins write."""

    queryset = WebhookSubscription.objects.all()
    serializer_class = WebhookSerializer
    filterset_class = WebhookFilter
    # answers that are kept for an Idempotency-Key are encrypted
    answers_secret = True

    def blank_new(self, data: dict[str, Any]) -> dict[str, Any]:
        # a secret that will not sign anything
        return {**super().blank_new(data), **({"secret": None} if "secret" in data else {})}

    @extend_schema(request=NewWebhookSerializer, responses={201: CreatedWebhookSerializer})
    def create(self, request: Request) -> Response:
        """It receives events from now on. The secret that signs its calls is answered this once."""
        require_any_admin(request.user)
        form = NewWebhookSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        values = form.validated_data
        workspace = values.pop("workspace", None) or only_workspace(request)
        require_admin(request.user, workspace.pk)
        try:
            row = subscribe(workspace, values, actor=name_actor(request.user), now=timezone.now())
        except InvalidWebhookError as error:
            raise ValidationError({error.field: [str(error)]}) from None
        shown = {**WebhookSerializer(row).data, "secret": row.secret["secret"]}
        return Response(shown, status=status.HTTP_201_CREATED)

    @extend_schema(request=WebhookFormSerializer, responses=WebhookSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is given; another secret signs from the next call on."""
        row = self._find_own()
        form = WebhookFormSerializer(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        try:
            changed = change_subscription(row, form.validated_data, actor=name_actor(request.user), now=timezone.now())
        except InvalidWebhookError as error:
            raise ValidationError({error.field: [str(error)]}) from None
        return Response(WebhookSerializer(changed).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """It receives nothing more; its deliveries are deleted too."""
        unsubscribe(self._find_own(), actor=name_actor(request.user), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @takes_no_body
    @extend_schema(request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Send it a `ping`, within seconds; its outcome is under `deliveries`."""
        answer = self._accept(ping(self._find_own(), timezone.now()))
        if is_dry_run(request):
            answer.data = self.blank_new(answer.data)
        return answer

    @takes_no_body
    @extend_schema(request=None, responses=RotatedSecretSerializer)
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """A new secret, answered this once. The one before it signs too for 24 hours: each call has two signatures."""
        now = timezone.now()
        secret = rotate_secret(self._find_own(), actor=name_actor(request.user), now=now)
        shown = None if is_dry_run(request) else secret
        return Response({"secret": shown, "previous_until": instant_text(now + ROTATION)})

    @extend_schema(request=ReplayFormSerializer, responses={202: ReplaySerializer})
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str) -> Response:
        """Deliver what happened in a period again, also what was delivered or given up. 409 when it is switched off."""
        row = self._find_own()
        form = ReplayFormSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        try:
            queued = replay(row, given["since"], given.get("until"), given.get("events"), timezone.now())
        except InvalidWebhookError as error:
            raise ValidationError({error.field: [str(error)]}) from None
        except SwitchedOffError:
            raise ConflictError("The webhook is switched off: switch it on, then replay.") from None
        answer = {"queued": queued.total(), "by_event": dict(sorted(queued.items()))}
        return Response(answer, status=status.HTTP_202_ACCEPTED)

    @takes_parameters(_STATE, *PAGES)
    @extend_schema(responses=DeliverySerializer(many=True))
    @action(detail=True, methods=["get"], filter_backends=[])
    def deliveries(self, request: Request, pk: str) -> Response:
        """What was sent to it, newest first, and what it answered."""
        rows = WebhookDelivery.objects.filter(subscription=self.get_object()).order_by("-id")
        if state := request.query_params.get("state"):
            if state not in list(DeliveryState):
                raise ValidationError({"state": [f"One of: {', '.join(DeliveryState)}."]})
            rows = rows.filter(state=state)
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(DeliverySerializer(page or [], many=True).data)

    @takes_no_body
    @extend_schema(
        request=None,
        parameters=[OpenApiParameter("delivery", int, OpenApiParameter.PATH)],
        responses={202: DeliverySerializer},
    )
    @action(detail=True, methods=["post"], url_path="deliveries/(?P<delivery>[0-9]{1,18})/redeliver")
    def redeliver(self, request: Request, pk: str, delivery: str) -> Response:
        """Deliver it again, at once and for another 24 hours, whatever its state."""
        row = WebhookDelivery.objects.filter(subscription=self._find_own(), pk=delivery).first()
        if row is None:
            raise NotFound
        redeliver([row.pk], timezone.now())
        row.refresh_from_db()
        return self._accept(row)

    def _find_own(self) -> WebhookSubscription:
        row: WebhookSubscription = self.get_object()
        require_admin(self.request.user, row.workspace_id)
        return row

    def _accept(self, row: WebhookDelivery) -> Response:
        return Response(DeliverySerializer(row).data, status=status.HTTP_202_ACCEPTED)
