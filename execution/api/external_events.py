"""`/api/external-events`: what other systems report about contacts."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import django_filters
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from common.addresses import normalize_for_search
from emails.facts.external_events import EventError, OtherEventError, record_external_event
from emails.models import ExternalEvent
from sequences.access.roles import name_actor
from sequences.authoring.goals import EVENT_TYPE_FORM
from sequences.choices import LIVE_STATUSES
from sequences.interface.api.base import BIGGEST_ID, IdFilter, InstantField, TimeFilter, WorkspaceViewSet
from sequences.interface.api.parameters import OwnWorkspaceField
from sequences.interface.api.problems import ConflictError
from sequences.interface.api.strict import StrictModelSerializer, StrictSerializer
from sequences.models import Contact, Enrollment


class NewExternalEventSerializer(StrictSerializer):
    """Name the contact by its id or its address."""

    id = serializers.CharField(
        required=False,
        max_length=200,
        help_text="Your own id of the event: sent again, it changes nothing. Default: a new one.",
    )
    type = serializers.RegexField(
        rf"^{EVENT_TYPE_FORM}\Z",
        max_length=64,
        help_text="Such as meeting_booked or stage_changed: lower-case letters, digits and _.",
        error_messages={"invalid": "Write a word such as meeting_booked: lower-case letters, digits and _."},
    )
    contact = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST_ID)
    email = serializers.CharField(required=False, max_length=254)
    occurred_at = InstantField(required=False, help_text="Not in the future. Default: now.")
    workspace = OwnWorkspaceField(help_text="Needed where several of your workspaces have a contact of this address.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("contact" in attrs) == ("email" in attrs):
            raise serializers.ValidationError({"contact": "Name the contact either by `contact` or by `email`."})
        return attrs


class ExternalEventSerializer(StrictModelSerializer[ExternalEvent]):
    id = serializers.CharField(source="event_key", read_only=True, help_text="The sender's own id of the event.")
    email = serializers.CharField(source="contact.email", read_only=True)

    class Meta:
        model = ExternalEvent
        fields = ["id", "workspace", "type", "contact", "email", "occurred_at", "recorded_at", "actor"]
        read_only_fields = fields


class RecordedEventSerializer(ExternalEventSerializer):
    """The answer of a report."""

    enrollments = serializers.SerializerMethodField(
        help_text="The contact's live enrollments whose goal names this type: they end unless the goal needs more."
    )

    class Meta(ExternalEventSerializer.Meta):
        fields = [*ExternalEventSerializer.Meta.fields, "enrollments"]
        read_only_fields = fields

    def get_enrollments(self, event: ExternalEvent) -> list[int]:
        live = Enrollment.objects.filter(
            contact=event.contact_id,
            status__in=[status.value for status in LIVE_STATUSES],
            sequence__goal__event=event.type,
        )
        return list(live.order_by("pk").values_list("pk", flat=True))


class ExternalEventFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    contact = IdFilter(field_name="contact_id")
    id = django_filters.CharFilter(field_name="event_key", label="The sender's own id.")
    type = django_filters.CharFilter(field_name="type")
    occurred_after = TimeFilter(field_name="occurred_at", lookup_expr="gt")


class ExternalEventViewSet(mixins.ListModelMixin, WorkspaceViewSet):
    """Facts from other systems, newest first. Every member reads and reports them, as they write contacts."""

    queryset = ExternalEvent.objects.select_related("contact")
    serializer_class = ExternalEventSerializer
    filterset_class = ExternalEventFilter

    @extend_schema(
        request=NewExternalEventSerializer,
        responses={200: RecordedEventSerializer, 201: RecordedEventSerializer},
    )
    def create(self, request: Request) -> Response:
        """Store an event and evaluate the goals of the contact's enrollments: 201, or 200 where the id is known.

        An id that belongs to an event of another contact, type or time: 409.
        """
        form = NewExternalEventSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        values, now = form.validated_data, timezone.now()
        try:
            event, is_new = record_external_event(
                find_named_contact(request, values),
                event_key=values.get("id") or str(uuid4()),
                event_type=values["type"],
                occurred_at=values.get("occurred_at"),
                actor=name_actor(request.user),
                now=now,
            )
        except OtherEventError as error:
            raise ConflictError(str(error)) from None
        except EventError as error:
            raise ValidationError({error.field: [str(error)]}) from None
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(RecordedEventSerializer(event).data, status=code)

    def blank_new(self, data: dict[str, Any]) -> dict[str, Any]:
        # the id is the sender's; a new one would be another when it is stored
        return data if "id" in self.request.data else {**data, "id": None}


def find_named_contact(request: Request, values: dict[str, Any]) -> Contact:
    """The contact that `contact` or `email` names among those of the user. Raises `ValidationError`."""
    rows = Contact.objects.for_user(request.user)
    if "workspace" in values:
        rows = rows.filter(workspace=values["workspace"])
    if "contact" in values:
        name, found = "contact", list(rows.filter(pk=values["contact"]))
    else:
        name, found = "email", list(rows.filter(email__iexact=normalize_for_search(values["email"]))[:2])
    if not found:
        raise ValidationError({name: ["There is no such contact: create it first (POST /api/contacts)."]})
    if len(found) > 1:
        raise ValidationError({"workspace": ["Several of your workspaces have this contact: name one."]})
    contact: Contact = found[0]
    return contact
