"""The pages "Connect a mailbox": to the provider with state, PKCE and nonce in the session, and back.

Every user connects mailboxes of their own: the user who agrees at the provider owns the new mailbox. Its owner or a
manager connects it again, with the account of its address.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from unfold.decorators import action

from common.user_exchanges import BusyError, user_exchange
from emails.choices import MailboxStatus
from emails.models import Mailbox
from emails.transport.oauth_consent import ConsentError, finish_consent, start_consent
from emails.transport.oauth_providers import PROVIDERS, App, find_app
from execution.control.connecting import store_consent
from sequences.access.roles import NOT_YOURS
from sequences.interface.admin.base import scope_rows
from sequences.models import Workspace

_UNDER_WAY = "connect_mailbox"
# attempts in several tabs; older ones are forgotten
_MOST_UNDER_WAY = 5
_STALE = "This sign-in is out of date or was started in another browser. Connect the mailbox again."


def show_connect(self: Any, request: HttpRequest) -> HttpResponse:
    return redirect("admin:emails_mailbox_connect")


def reconnect(self: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    mailbox = self.find_row(request, object_id)
    query = urlencode({"workspace": mailbox.workspace_id, "mailbox": mailbox.pk})
    return redirect(f"{reverse('admin:emails_mailbox_connect_start', args=[mailbox.auth_method])}?{query}")


class ConnectPages:
    """Adds the pages to the admin of mailboxes."""

    admin_site: Any

    show_connect = action(description="Connect a mailbox", url_path="to-connect", permissions=["add"], icon="add_link")(
        show_connect
    )
    reconnect = action(description="Connect again", url_path="reconnect", permissions=["operate"], icon="sync_lock")(
        reconnect
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("connect/", view(self.connect_view), name="emails_mailbox_connect"),
            path("connect/<slug:provider>/", view(never_cache(self.start_view)), name="emails_mailbox_connect_start"),
            path("connected/<slug:provider>/", view(never_cache(self.finish_view)), name="emails_mailbox_connected"),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]

    def connect_view(self, request: HttpRequest) -> HttpResponse:
        self._require_add(request)
        apps = [app for name in PROVIDERS if (app := find_app(name))]
        workspaces = [
            (workspace, [(app.provider.label, _start_url(app, workspace)) for app in apps])
            for workspace in scope_rows(Workspace.objects.order_by("name"), request)
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": "Connect a mailbox",
            "workspaces": workspaces,
            "not_set_up": [found.label for name, found in PROVIDERS.items() if find_app(name) is None],
        }
        return TemplateResponse(request, "admin/emails/mailbox/connect.html", context)

    def start_view(self, request: HttpRequest, provider: str) -> HttpResponse:
        app = _find_app(provider)
        workspace = _find_one(scope_rows(Workspace.objects.all(), request), request.GET.get("workspace", ""))
        mailbox = None
        if named := request.GET.get("mailbox"):
            mailbox = _find_one(scope_rows(Mailbox.objects.filter(workspace=workspace), request), named)
            if not self.has_operate_permission(request, mailbox):  # type: ignore[attr-defined]
                raise PermissionDenied(NOT_YOURS)
        else:
            self._require_add(request)
        started = start_consent(app, _callback_url(request, provider), mailbox.address if mailbox else "")
        earlier = list(request.session.get(_UNDER_WAY, {}).items())[-(_MOST_UNDER_WAY - 1) :]
        request.session[_UNDER_WAY] = {
            **dict(earlier),
            started.state: {
                "provider": provider, "user": request.user.pk, "workspace": workspace.pk,
                "mailbox": mailbox.pk if mailbox else None, "verifier": started.verifier, "nonce": started.nonce,
            },
        }  # fmt: skip
        return redirect(started.url)

    def finish_view(self, request: HttpRequest, provider: str) -> HttpResponse:
        app = _find_app(provider)
        under_way = dict(request.session.get(_UNDER_WAY, {}))
        begun = under_way.pop(request.GET.get("state", ""), None)
        request.session[_UNDER_WAY] = under_way
        if begun is None or (begun["provider"], begun["user"]) != (provider, request.user.pk):
            return _refuse(request, _STALE)
        workspace = scope_rows(Workspace.objects.filter(pk=begun["workspace"]), request).first()
        expected = Mailbox.objects.filter(pk=begun["mailbox"]).first() if begun["mailbox"] else None
        if workspace is None or (expected is None) != (begun["mailbox"] is None):
            return _refuse(request, _STALE)
        try:
            with user_exchange(workspace.pk):
                consent = finish_consent(
                    app, _callback_url(request, provider), request.GET.dict(), begun["verifier"], begun["nonce"]
                )
            user: Any = request.user
            mailbox, is_new = store_consent(user, workspace, app.provider, consent, timezone.now(), expected=expected)
        except (ConsentError, BusyError) as error:
            return _refuse(request, f"{str(error)[:1].upper()}{str(error)[1:].rstrip('.')}.")
        paused = " It is paused: resume it to send." if mailbox.status == MailboxStatus.PAUSED else ""
        text = f"{mailbox.address} is connected{'' if is_new else ' again'} with {app.provider.label}.{paused}"
        messages.success(request, f"{text} Choose Send a test to see whether its emails arrive.")
        return redirect("admin:emails_mailbox_change", mailbox.pk)

    def _require_add(self, request: HttpRequest) -> None:
        if not self.has_add_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied


def can_reconnect(mailbox: Mailbox | None) -> bool:
    """Whether the mailbox logs in by a provider that the operator has set up."""
    return mailbox is not None and mailbox.auth_method in PROVIDERS and find_app(mailbox.auth_method) is not None


def _find_app(provider: str) -> App:
    app = find_app(provider) if provider in PROVIDERS else None
    if app is None:
        raise Http404
    return app


def _find_one(rows: Any, pk: str) -> Any:
    found = rows.filter(pk=int(pk)).first() if pk.isdecimal() and len(pk) < 19 else None
    if found is None:
        raise Http404
    return found


def _start_url(app: App, workspace: Workspace) -> str:
    return f"{reverse('admin:emails_mailbox_connect_start', args=[app.provider.name])}?workspace={workspace.pk}"


def _callback_url(request: HttpRequest, provider: str) -> str:
    return request.build_absolute_uri(reverse("admin:emails_mailbox_connected", args=[provider]))


def _refuse(request: HttpRequest, text: str) -> HttpResponse:
    messages.error(request, text)
    return redirect("admin:emails_mailbox_connect")
