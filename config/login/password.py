"""The login page: user name and password, and the button of single sign-on where that is set up."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from config.login.entering import go_on
from sequences.choices import SecurityEventKind
from sequences.interface.admin.login import LoginForm


@method_decorator(never_cache, name="dispatch")
class PasswordLogin(LoginView):
    authentication_form = LoginForm
    template_name = "admin/login.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method == "GET" and admin.site.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        return go_on(self.request, form.get_user(), self.get_success_url(), SecurityEventKind.LOGIN)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        request = self.request
        own = {"title": "Log in", "app_path": request.get_full_path(), "single_sign_on_url": self._single_sign_on_url()}
        context = {**super().get_context_data(**kwargs), **admin.site.each_context(request), **own}
        if not context.get(REDIRECT_FIELD_NAME):
            context[REDIRECT_FIELD_NAME] = reverse("admin:index")
        return context

    def _single_sign_on_url(self) -> str:
        """Empty where it is not set up."""
        query = urlencode({REDIRECT_FIELD_NAME: self.get_redirect_url()})
        return f"{reverse('single_sign_on')}?{query}" if settings.OIDC else ""


show_login = PasswordLogin.as_view()
