"""`/api/mailboxes/1/test-send` and `/read-back`: an email through the mailbox, and what its receiver says of it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from common.addresses import AddressError
from emails.api.serializers import SetupCheckSerializer
from emails.inbound.read_back import ReadState, read_back
from emails.models import Mailbox
from emails.sending.mailbox_test import (
    StaleTestError,
    find_own_address,
    list_own_addresses,
    load_mailbox_test,
    send_mailbox_test,
)
from emails.transport.send_result import Refused, Sent
from sequences.access.roles import NOT_YOURS, name_actor, require_right
from sequences.interface.api.addresses import AddressField
from sequences.interface.api.dry_run import is_dry_run
from sequences.interface.api.parameters import refuses_dry_run
from sequences.interface.api.problems import ConflictError
from sequences.interface.api.strict import StrictSerializer

_LONGEST_TOKEN = 2_000


class MailboxTestSendSerializer(StrictSerializer):
    to = AddressField(
        required=False,
        help_text="The address of a mailbox of yours in the workspace, or your own. Default: the mailbox itself.",
    )


class MailboxTestSentSerializer(StrictSerializer):
    sent_to = serializers.CharField()
    is_confirmed = serializers.BooleanField(help_text="False: the mail server did not answer in time; it may arrive.")
    detail = serializers.CharField(help_text="The answer of the mail server.")
    test = serializers.CharField(help_text="To read it back with, for a day. Empty: no inbox of the workspace has it.")


class ReadBackFormSerializer(StrictSerializer):
    test = serializers.CharField(max_length=_LONGEST_TOKEN, help_text="From `test-send`.")


class ReadBackSerializer(StrictSerializer):
    """`waiting`: it may still come, ask again in five seconds; `missing` after three minutes."""

    state = serializers.ChoiceField(choices=[each.value for each in ReadState])
    checks = SetupCheckSerializer(
        many=True, help_text="received, spf, dkim, dmarc, or authentication where the server says nothing; signed."
    )


class MailboxTestActions:
    """Adds the two actions to the view set of mailboxes."""

    @extend_schema(request=MailboxTestSendSerializer, responses=MailboxTestSentSerializer)
    @action(detail=True, methods=["post"], url_path="test-send", calls_server=True)
    def test_send(self, request: Request, pk: str) -> Response:
        """Send a test through it to an own address; `read-back` tells whether it arrived. Counts against no limit.

        A dry run sends nothing. 409: the mail server did not take it, and why.
        """
        mailbox = self._find(request)
        form = MailboxTestSendSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        addresses = list_own_addresses(mailbox, request.user)
        address = find_own_address(addresses, form.validated_data.get("to", mailbox.address))
        if address is None:
            raise ValidationError(
                {"to": ["A test is sent to an own address: of a mailbox of yours, or of your login."]}
            )
        if is_dry_run(request):
            answer = {"sent_to": address, "is_confirmed": False, "detail": "", "test": "", "is_dry_run": True}
            return Response(answer)
        try:
            result, token = send_mailbox_test(
                mailbox, address, addresses[address], name_actor(request.user), timezone.now()
            )
        except AddressError as error:
            raise ValidationError([str(error)]) from None
        if isinstance(result, Refused):
            raise ConflictError(f"The mail server did not take it: {result.error}")
        is_sent = isinstance(result, Sent)
        detail = result.response if isinstance(result, Sent) else result.error
        shown = {"sent_to": address, "is_confirmed": is_sent, "detail": detail, "test": token}
        return Response(MailboxTestSentSerializer(shown).data)

    @refuses_dry_run("This call sends and changes nothing: leave dry_run out.")
    @extend_schema(request=ReadBackFormSerializer, responses=ReadBackSerializer)
    @action(detail=True, methods=["post"], url_path="read-back", calls_server=True)
    def read_back(self, request: Request, pk: str) -> Response:
        """Look for the test in the inbox, then in the spam folder: did it arrive, and did SPF, DKIM and DMARC pass?"""
        mailbox = self._find(request)
        form = ReadBackFormSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            test = load_mailbox_test(mailbox, form.validated_data["test"])
        except StaleTestError as error:
            raise ValidationError({"test": [f"{error}."]}) from None
        reader = Mailbox.objects.filter(pk=test.reader_id).first()
        if reader is None or test.to_address not in list_own_addresses(mailbox, request.user):
            raise PermissionDenied(NOT_YOURS)
        return Response(ReadBackSerializer(read_back(test, reader, timezone.now())).data)

    def _find(self, request: Request) -> Mailbox:
        mailbox: Any = self.get_object()  # type: ignore[attr-defined]
        require_right(request.user, mailbox.workspace_id, mailbox.owner_id, is_shared_without_owner=False)
        return mailbox  # type: ignore[no-any-return]
