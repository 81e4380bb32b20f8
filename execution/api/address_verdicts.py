"""`/api/address-verdicts`: what verification providers say of contacts' addresses."""

from __future__ import annotations

from typing import Any

import django_filters
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from emails.choices import AddressState
from emails.facts.addresses import VERDICT_DAYS, VerdictError, record_verdict
from emails.models import AddressVerdict
from execution.api.external_events import find_named_contact
from sequences.access.roles import name_actor
from sequences.interface.api.base import BIGGEST_ID, IdFilter, InstantField, WorkspaceViewSet
from sequences.interface.api.parameters import OwnWorkspaceField
from sequences.interface.api.strict import StrictModelSerializer, StrictSerializer


class NewAddressVerdictSerializer(StrictSerializer):
    """Name the contact by its id or its address."""

    contact = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST_ID)
    email = serializers.CharField(required=False, max_length=254)
    state = serializers.ChoiceField(
        choices=AddressState.choices(),
        help_text="`bad` holds the first email, `good` lets it leave whatever DNS says, `unknown` leaves it to DNS.",
    )
    detail = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=150, help_text="Why, in words for the users."
    )
    provider = serializers.CharField(required=False, default="", allow_blank=True, max_length=64)
    checked_at = InstantField(
        required=False, help_text=f"It counts for {VERDICT_DAYS} days from then. Not in the future. Default: now."
    )
    workspace = OwnWorkspaceField(help_text="Needed where several of your workspaces have a contact of this address.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("contact" in attrs) == ("email" in attrs):
            raise serializers.ValidationError({"contact": "Name the contact either by `contact` or by `email`."})
        return attrs


class AddressVerdictSerializer(StrictModelSerializer[AddressVerdict]):
    class Meta:
        model = AddressVerdict
        fields = [
            "workspace",
            "contact",
            "email",
            "state",
            "detail",
            "provider",
            "checked_at",
            "valid_until",
            "recorded_at",
            "actor",
        ]
        read_only_fields = fields


class AddressVerdictFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    contact = IdFilter(field_name="contact_id")
    state = django_filters.ChoiceFilter(choices=AddressState.choices())


class AddressVerdictViewSet(mixins.ListModelMixin, WorkspaceViewSet):
    """One verdict of each contact, the newest first. Every member reads and reports them, as they write contacts."""

    queryset = AddressVerdict.objects.all()
    serializer_class = AddressVerdictSerializer
    filterset_class = AddressVerdictFilter

    @extend_schema(request=NewAddressVerdictSerializer, responses={201: AddressVerdictSerializer})
    def create(self, request: Request) -> Response:
        """Store a verdict in place of the contact's last one; it counts at once. The answer is what is stored.

        One that is older than the stored one changes nothing.
        """
        form = NewAddressVerdictSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        values = form.validated_data
        try:
            verdict = record_verdict(
                find_named_contact(request, values),
                state=AddressState(values["state"]),
                detail=values["detail"],
                provider=values["provider"],
                checked_at=values.get("checked_at"),
                actor=name_actor(request.user),
                now=timezone.now(),
            )
        except VerdictError as error:
            raise ValidationError({error.field: [str(error)]}) from None
        return Response(AddressVerdictSerializer(verdict).data, status=status.HTTP_201_CREATED)
