"""`/api/sending-domains`: what leaves by domain, over all mailboxes, and how many complain."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from execution.insight.sending_domains import read_sending_domains
from sequences.access.roles import workspace_ids_of
from sequences.interface.api.base import StrictView
from sequences.interface.api.strict import StrictSerializer


class SendingDomainSerializer(StrictSerializer):
    domain = serializers.CharField(help_text="With the domains below it that send too.")
    mailboxes = serializers.IntegerField()
    last_24_hours = serializers.IntegerField(help_text="Emails sent, answers to replies included.")
    last_24_hours_to_google = serializers.IntegerField(help_text="Those to gmail.com and googlemail.com.")
    sent = serializers.IntegerField(help_text="In 30 days.")
    complaints = serializers.IntegerField(help_text="Of those, reported as spam, as far as providers tell.")
    complaint_rate = serializers.FloatField(
        allow_null=True, help_text="From 0 to 1; null: no provider tells, or fewer than 500 emails."
    )
    warnings = serializers.ListField(child=serializers.CharField())


@extend_schema_serializer(many=False)
class SendingDomainsSerializer(StrictSerializer):
    domains = SendingDomainSerializer(many=True)


class SendingDomainViewSet(StrictView):
    """The domains of the mailboxes of your workspaces, as receivers see them."""

    @extend_schema(responses=SendingDomainsSerializer)
    def list(self, request: Request) -> Response:
        """Volume and complaints of each domain over all its mailboxes. Nothing is held because of them."""
        found = read_sending_domains(workspace_ids_of(request.user), timezone.now())
        return Response(SendingDomainsSerializer({"domains": found}).data)
