"""The form that users log in with."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from unfold.forms import AuthenticationForm

from sequences.access.login_limits import LOCKED, is_locked, may_enter


class LoginForm(AuthenticationForm):
    """Django's, which also says when the login is locked, and lets in who is invited, to accept that."""

    def confirm_login_allowed(self, user: Any) -> None:
        if not may_enter(user, timezone.now()):
            raise self.get_invalid_login_error()

    def get_invalid_login_error(self) -> forms.ValidationError:
        username = str(self.cleaned_data.get("username", ""))
        if self.request is not None and is_locked(username, self.request, timezone.now()):
            return forms.ValidationError(LOCKED, code="locked")
        error: forms.ValidationError = super().get_invalid_login_error()
        return error
