"""`/api/mailboxes/discover`: the mail servers of an address, each with where it was found."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from emails.choices import AuthMethod, Security
from emails.mailbox.discovery import Source, discover_servers
from sequences.access.roles import workspace_ids_of
from sequences.interface.api.addresses import AddressField
from sequences.interface.api.parameters import refuses_dry_run
from sequences.interface.api.strict import StrictSerializer


class DiscoverFormSerializer(StrictSerializer):
    address = AddressField()


class _FoundServerSerializer(StrictSerializer):
    host = serializers.CharField(source="server.host")
    port = serializers.IntegerField(source="server.port")
    security = serializers.ChoiceField(choices=Security.choices(), source="server.security")
    username = serializers.CharField(source="server.username")
    source = serializers.ChoiceField(choices=[each.value for each in Source])  # type: ignore[assignment]
    found_at = serializers.CharField(source="detail", help_text="The domain, the DNS record or the file.")


class _TriedSerializer(StrictSerializer):
    source = serializers.ChoiceField(choices=[each.value for each in Source])  # type: ignore[assignment]
    detail = serializers.CharField()


class DiscoveredSerializer(StrictSerializer):
    """`smtp` and `imap` are null where nothing was found; `tried` says what was asked and what came of it."""

    address = serializers.EmailField()
    provider = serializers.CharField(help_text="Empty: none that is known.")
    auth_method = serializers.ChoiceField(
        choices=AuthMethod.choices(), help_text="`google`, `microsoft`: connect it in the desk by signing in there."
    )
    smtp = _FoundServerSerializer(allow_null=True)
    imap = _FoundServerSerializer(allow_null=True)
    note = serializers.CharField(help_text="What the provider asks for before a login works.")
    tried = _TriedSerializer(many=True)


class DiscoveryAction:
    """Adds the action to the view set of mailboxes."""

    @refuses_dry_run("This call stores nothing: leave dry_run out.")
    @extend_schema(request=DiscoverFormSerializer, responses=DiscoveredSerializer)
    @action(detail=False, methods=["post"], calls_server=True)
    def discover(self, request: Request) -> Response:
        """Find the servers of an address: known providers, MX, autoconfig, SRV. Stores nothing, logs in nowhere."""
        form = DiscoverFormSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        workspaces = workspace_ids_of(request.user)
        if not workspaces:
            raise PermissionDenied("You are not a member of a workspace yet: ask an admin to invite you.")
        return Response(DiscoveredSerializer(discover_servers(form.validated_data["address"], workspaces[0])).data)
