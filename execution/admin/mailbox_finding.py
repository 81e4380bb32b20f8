"""The page "Connect by address": the servers that were found, a password, and a login before anything is stored."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from common.addresses import AddressError, parse_address
from common.user_exchanges import BusyError
from emails.api.saving import InvalidMailboxError
from emails.choices import Security
from emails.mailbox.discovery import Discovered, Found, discover_servers
from emails.transport.oauth_providers import find_app
from execution.control.connecting import LoginRefusedError, connect_by_password
from sequences.interface.admin.base import scope_rows
from sequences.models import Workspace

_BUSY = "The servers were not looked up: {}. Enter them, or load the page again."


class ServersForm(forms.Form):
    """Names of fields are those of the mailbox's columns."""

    password = forms.CharField(
        strip=False,
        max_length=20_000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password", "autofocus": True}, render_value=False),
    )
    smtp_host = forms.CharField(label="SMTP host", max_length=253, widget=UnfoldAdminTextInputWidget)
    smtp_port = forms.IntegerField(
        label="SMTP port", min_value=1, max_value=65_535, initial=587, widget=UnfoldAdminIntegerFieldWidget
    )
    smtp_security = forms.ChoiceField(label="SMTP security", choices=Security.choices(), widget=UnfoldAdminSelectWidget)
    smtp_username = forms.CharField(label="SMTP username", max_length=254, widget=UnfoldAdminTextInputWidget)
    imap_host = forms.CharField(
        label="IMAP host",
        max_length=253,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Leave empty to read no replies.",
    )
    imap_port = forms.IntegerField(
        label="IMAP port", min_value=1, max_value=65_535, initial=993, widget=UnfoldAdminIntegerFieldWidget
    )
    imap_security = forms.ChoiceField(
        label="IMAP security",
        choices=Security.choices(),
        initial=Security.TLS.value,
        widget=UnfoldAdminSelectWidget,
    )
    imap_username = forms.CharField(
        label="IMAP username", max_length=254, required=False, widget=UnfoldAdminTextInputWidget
    )


class FindingPages:
    """Adds the page to the admin of mailboxes."""

    admin_site: Any

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.find_view)
        return [path("connect/by-address/", view, name="emails_mailbox_find"), *super().get_urls()]  # type: ignore[misc]

    def find_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        workspace = _find_workspace(request)
        try:
            address = parse_address(request.GET.get("address", ""))
        except AddressError as error:
            messages.error(request, f"{error}.")
            return redirect("admin:emails_mailbox_connect")
        found: Discovered | None = None
        if request.method == "POST":
            form = ServersForm(request.POST)
            if form.is_valid() and (answer := _connect(request, workspace, address, form)):
                return answer
        else:
            try:
                found = discover_servers(address, workspace.pk)
            except BusyError as error:
                messages.error(request, _BUSY.format(error))
            form = ServersForm(initial=_initial(found, address))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Connect {address}",
            "form": form,
            "found": found,
            "sign_in": _sign_in(found, workspace),
            "back_url": reverse("admin:emails_mailbox_connect"),
        }
        return TemplateResponse(request, "admin/emails/mailbox/found.html", context)


def _connect(request: HttpRequest, workspace: Workspace, address: str, form: ServersForm) -> HttpResponse | None:
    """None: nothing is stored, and the form says why."""
    columns = dict(form.cleaned_data)
    password = columns.pop("password")
    try:
        mailbox = connect_by_password(request.user, workspace, address, columns, password, timezone.now())  # type: ignore[arg-type]
    except InvalidMailboxError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
    except LoginRefusedError as error:
        for name, text in error.reasons.items():
            form.add_error(name, text)
    except BusyError as error:
        form.add_error(None, f"Not connected: {error}.")
    else:
        messages.success(
            request, f"{address} is connected: its logins work. Choose Send a test to see whether its emails arrive."
        )
        return redirect("admin:emails_mailbox_change", mailbox.pk)
    return None


def _initial(found: Discovered | None, address: str) -> dict[str, Any]:
    values: dict[str, Any] = {"smtp_username": address, "imap_username": address}
    for kind, server in (("smtp", found and found.smtp), ("imap", found and found.imap)):
        if isinstance(server, Found):
            values |= {
                f"{kind}_host": server.server.host, f"{kind}_port": server.server.port,
                f"{kind}_security": server.server.security.value, f"{kind}_username": server.server.username,
            }  # fmt: skip
    return values


def _sign_in(found: Discovered | None, workspace: Workspace) -> tuple[str, str] | None:
    """Label and address of the sign-in at the provider, where the operator has set it up."""
    app = find_app(found.auth_method.value) if found else None
    if app is None:
        return None
    url = reverse("admin:emails_mailbox_connect_start", args=[app.provider.name])
    return app.provider.label, f"{url}?workspace={workspace.pk}"


def _find_workspace(request: HttpRequest) -> Workspace:
    pk = request.GET.get("workspace", "")
    own = scope_rows(Workspace.objects.all(), request)
    found: Workspace | None = own.filter(pk=int(pk)).first() if pk.isdecimal() and len(pk) < 19 else None
    if found is None:
        raise Http404
    return found
