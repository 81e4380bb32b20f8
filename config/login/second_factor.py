"""The pages of the second factor: the code asked at the login, and where users switch it on and off for themselves."""

from __future__ import annotations

from typing import Any

import segno
from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from unfold.widgets import UnfoldAdminTextInputWidget

from config.login.entering import enter, find_waiting
from sequences.access.second_factor import (
    WrongCodeError,
    app_link,
    begin_set_up,
    check_code,
    confirm_set_up,
    count_recovery_codes,
    has_second_factor,
    requiring_workspaces,
    switch_off,
)

_LONGEST_CODE = 64


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=_LONGEST_CODE,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "inputmode": "text", "spellcheck": "false"}
        ),
    )


@never_cache
def ask_code(request: HttpRequest) -> HttpResponse:
    """After the password or single sign-on of a user whose second factor is on."""
    now = timezone.now()
    waiting = find_waiting(request, now)
    if waiting is None:
        return _ask_again(request)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            used = check_code(waiting.user, form.cleaned_data["code"], now, request=request)
        except WrongCodeError as error:
            form.add_error("code", str(error))
        else:
            return enter(request, waiting.user, waiting.next_url, waiting.kind, f"with a {used}")
    context = {**admin.site.each_context(request), "title": "Enter a code", "form": form}
    return TemplateResponse(request, "admin/login_code.html", context)


@never_cache
def set_up_at_login(request: HttpRequest) -> HttpResponse:
    """After the password or single sign-on of a user who has no second factor and needs one."""
    now = timezone.now()
    waiting = find_waiting(request, now)
    if waiting is None or has_second_factor(waiting.user):
        return _ask_again(request)
    form = CodeForm(request.POST or None)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Set up a second factor",
        "form": form,
        "workspaces": requiring_workspaces(waiting.user),
    }
    if request.method == "POST" and form.is_valid():
        try:
            context["codes"] = confirm_set_up(waiting.user, form.cleaned_data["code"], now, request=request)
        except WrongCodeError as error:
            form.add_error("code", str(error))
        else:
            entered = enter(request, waiting.user, waiting.next_url, waiting.kind, "with a new second factor")
            return TemplateResponse(request, "admin/login_set_up.html", {**context, "next_url": entered["Location"]})
    key = begin_set_up(waiting.user)
    context |= {"key": key, "image": _draw(app_link(waiting.user, key))}
    return TemplateResponse(request, "admin/login_set_up.html", context)


def _ask_again(request: HttpRequest) -> HttpResponse:
    messages.error(request, "Log in again: a code can be entered within ten minutes.")
    return HttpResponseRedirect(reverse("admin:login"))


@never_cache
def _show_second_factor(request: HttpRequest) -> HttpResponse:
    now, user = timezone.now(), request.user
    form = CodeForm(request.POST or None)
    context: dict[str, Any] = {**admin.site.each_context(request), "title": "Second factor", "form": form}
    is_on, needed_by = has_second_factor(user), ", ".join(requiring_workspaces(user))
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        try:
            if not is_on:
                context["codes"] = confirm_set_up(user, code, now, request=request)
                return TemplateResponse(request, "admin/second_factor.html", {**context, "is_on": True})
            if needed_by:
                raise WrongCodeError(f"It stays on: it is required by {needed_by}.")
            check_code(user, code, now, request=request)
        except WrongCodeError as error:
            form.add_error("code", str(error))
        else:
            switch_off(user, now, request=request)
            messages.success(request, "The second factor is off.")
            return HttpResponseRedirect(reverse("second_factor"))
    if is_on:
        context |= {"left": count_recovery_codes(user), "needed_by": needed_by}
    else:
        key = begin_set_up(user)
        context |= {"key": key, "image": _draw(app_link(user, key))}
    return TemplateResponse(request, "admin/second_factor.html", {**context, "is_on": is_on})


def _draw(text: str) -> SafeString:
    """The QR code as SVG, inside the page: nothing is loaded for it."""
    image = segno.make(text, error="m")
    return mark_safe(image.svg_inline(scale=5, border=4, light="#fff", dark="#000"))


show_second_factor = admin.site.admin_view(_show_second_factor)
