"""The page "Send a test": an email through the mailbox to an own address, then what became of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget

from common.addresses import AddressError
from common.user_exchanges import BusyError
from emails.inbound.read_back import ReadBack, ReadState, read_back
from emails.mailbox.records import Status
from emails.models import Mailbox
from emails.sending.mailbox_test import (
    MailboxTest,
    StaleTestError,
    list_own_addresses,
    load_mailbox_test,
    send_mailbox_test,
)
from emails.transport.send_result import Refused, Unknown
from sequences.access.roles import NOT_YOURS, name_actor

MARKS = {Status.OK: "✓", Status.WARNING: "!", Status.FAILED: "✕", Status.UNKNOWN: "?"}
_SENT = "mailbox_tests"
_MOST_KEPT = 5
_SEND_TEST = action(description="Send a test", url_path="send-test", permissions=["operate"], icon="outgoing_mail")


class AddressForm(forms.Form):
    to = forms.ChoiceField(
        label="Send it to",
        widget=UnfoldAdminSelectWidget,
        help_text="A mailbox at another provider shows best what others see: some check nothing of their own.",
    )

    def __init__(self, *args: Any, addresses: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = [(each, each) for each in addresses]  # type: ignore[attr-defined]


class MailboxTestPages:
    """Adds the button and its page to the admin of mailboxes."""

    admin_site: Any

    def _send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        mailbox: Mailbox = self.find_row(request, object_id)  # type: ignore[attr-defined]
        if not self.has_operate_permission(request, mailbox):  # type: ignore[attr-defined]
            raise PermissionDenied(NOT_YOURS)
        addresses = list_own_addresses(mailbox, request.user)
        form = AddressForm(request.POST or None, addresses=list(addresses))
        if form.is_valid():
            self._send(request, mailbox, form.cleaned_data["to"], addresses[form.cleaned_data["to"]])
            return redirect(request.path)
        test, found = self._read_back(request, mailbox, set(addresses))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Test of {mailbox}",
            "form": form,
            "test": test,
            "is_waiting": found is None or found.state is ReadState.WAITING,
            "checks": [(check, MARKS[check.status]) for check in found.checks] if found else [],
            "back_url": reverse("admin:emails_mailbox_change", args=[mailbox.pk]),
        }
        return TemplateResponse(request, "admin/emails/mailbox/test.html", context)

    def _send(self, request: HttpRequest, mailbox: Mailbox, address: str, reader_id: int | None) -> None:
        try:
            result, token = send_mailbox_test(mailbox, address, reader_id, name_actor(request.user), timezone.now())
        except (AddressError, BusyError) as error:
            messages.error(request, f"The test was not sent: {error}.")
            return
        others = {key: kept for key, kept in request.session.get(_SENT, {}).items() if key != str(mailbox.pk)}
        kept = dict(list(others.items())[-(_MOST_KEPT - 1) :])
        request.session[_SENT] = {**kept, str(mailbox.pk): token} if token else kept
        if isinstance(result, Refused):
            messages.error(request, f"The test was not sent: the mail server answered {result.error}")
        elif isinstance(result, Unknown):
            messages.warning(request, f"The mail server did not confirm the test; it may arrive: {result.error}")
        elif token:
            messages.success(request, f"Sent a test to {address}.")
        else:
            messages.success(request, f"Sent a test to {address}. Look for it there: this inbox is not connected.")

    def _read_back(
        self, request: HttpRequest, mailbox: Mailbox, addresses: set[str]
    ) -> tuple[MailboxTest | None, ReadBack | None]:
        """The last test of this session, and what became of it; None: not looked up this time."""
        token = request.session.get(_SENT, {}).get(str(mailbox.pk), "")
        if not token:
            return None, None
        try:
            test = load_mailbox_test(mailbox, token)
        except StaleTestError:
            return None, None
        reader = Mailbox.objects.filter(pk=test.reader_id, workspace_id=mailbox.workspace_id).first()
        if reader is None or test.to_address not in addresses:
            return None, None
        try:
            return test, read_back(test, reader, timezone.now())
        except BusyError:
            return test, None

    send_test = _SEND_TEST(_send_test)
