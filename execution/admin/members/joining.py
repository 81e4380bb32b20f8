"""The page that the link of an invitation opens: set a password, or confirm as a user who is logged in.

Existing users log in at the login page of the desk first, with all that it asks for, and come back here.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate, login
from django.contrib.auth.password_validation import get_default_password_validators, password_validators_help_texts
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from execution.control.invitations import NOT_YOUR_ADDRESS, NotInvitableError, accept, accept_as_new, is_for
from execution.control.keys import PasswordEndsKeys
from sequences.access.invitations import InvitationLinkError, open_link, users_with
from sequences.access.second_factor import requiring_workspaces
from sequences.access.security_log import record_event
from sequences.choices import Role, SecurityEventKind
from sequences.models import Invitation

# a new user has no keys yet
_RULES = [rule for rule in get_default_password_validators() if not isinstance(rule, PasswordEndsKeys)]
_NEW_PASSWORD = forms.PasswordInput({"autocomplete": "new-password"})


class PasswordForm(forms.Form):
    """The login of a new user, whose name is the invited address."""

    first_name = forms.CharField(max_length=150, required=False)
    last_name = forms.CharField(max_length=150, required=False)
    password = forms.CharField(
        strip=False, max_length=4096, widget=_NEW_PASSWORD, help_text=" ".join(password_validators_help_texts(_RULES))
    )
    repeated = forms.CharField(label="Password again", strip=False, max_length=4096, widget=_NEW_PASSWORD)

    def clean_repeated(self) -> str:
        repeated = str(self.cleaned_data["repeated"])
        if repeated != self.cleaned_data.get("password", repeated):
            raise forms.ValidationError("The two passwords differ: enter the same one twice.")
        return repeated


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """A GET asks, a POST joins."""
    try:
        invitation = open_link(token, timezone.now())
        if request.user.is_authenticated:
            return _confirm(request, token, invitation)
        if users_with(invitation.email).exists():
            return _ask_to_log_in(request, invitation)
        return _set_password(request, token, invitation)
    except InvitationLinkError as error:
        return _show_notice(request, str(error), 410 if error.is_known else 404)


def _confirm(request: HttpRequest, token: str, invitation: Invitation) -> HttpResponse:
    user: Any = request.user
    if not is_for(invitation, user):
        text = f"{NOT_YOUR_ADDRESS} You are logged in as {user}: log out, then open the link again."
        return _show_notice(request, text, 403)
    if request.method == "POST":
        member = accept(token, user, now=timezone.now())
        return _enter(request, member.workspace.name)
    return _show(request, invitation)


def _ask_to_log_in(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    back = urlencode({"next": request.get_full_path()})
    return _show(request, invitation, login_url=f"{reverse('admin:login')}?{back}")


def _set_password(request: HttpRequest, token: str, invitation: Invitation) -> HttpResponse:
    form = PasswordForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _show(request, invitation, form=form, status=400 if form.is_bound else 200)
    values = form.cleaned_data
    try:
        user = accept_as_new(token, values["password"], values["first_name"], values["last_name"], now=timezone.now())
    except ValidationError as error:
        form.add_error("password", error)
        return _show(request, invitation, form=form, status=400)
    except NotInvitableError:
        return _ask_to_log_in(request, invitation)
    known = authenticate(request, username=user.get_username(), password=values["password"])
    if known is None:
        return HttpResponseRedirect(reverse("admin:login"))
    if requiring_workspaces(known):
        # the login page has what is needed to set one up
        messages.success(request, f"You are now a member of {invitation.workspace.name}. Log in.")
        return HttpResponseRedirect(reverse("admin:login"))
    login(request, known)
    record_event(
        SecurityEventKind.LOGIN, timezone.now(), user=known, request=request, detail="a new user, by an invitation"
    )
    return _enter(request, invitation.workspace.name)


def _enter(request: HttpRequest, workspace: str) -> HttpResponse:
    messages.success(request, f"You are now a member of {workspace}.")
    return HttpResponseRedirect(reverse("admin:index"))


def _show(request: HttpRequest, invitation: Invitation, *, status: int = 200, **context: Any) -> HttpResponse:
    shown = {"invitation": invitation, "role": Role(invitation.role).label, **context}
    return render(request, "public/join.html", shown, status=status)


def _show_notice(request: HttpRequest, text: str, status: int) -> HttpResponse:
    return render(request, "public/notice.html", {"title": "Invitation", "text": text}, status=status)
