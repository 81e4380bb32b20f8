"""The root of all addresses: the admin, the API's description, and what the apps list in execution/urls.py."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from config.api.errors import NoSuchEndpoint
from config.login.second_factor import show_second_factor
from execution.admin.finding.search import search_desk
from execution.admin.onboarding import dismiss_onboarding

admin.autodiscover()

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="root"),
    path("admin/login/", include("config.login.urls")),
    path("admin/second-factor/", show_second_factor, name="second_factor"),
    # before the theme's own search, which keeps what it found for five minutes
    path("admin/search/", admin.site.admin_view(search_desk)),
    path("admin/getting-started/dismiss/", admin.site.admin_view(dismiss_onboarding), name="dismiss_onboarding"),
    path("admin/", admin.site.urls),
    re_path(r"^api/schema/?$", SpectacularJSONAPIView.as_view(), name="schema"),
    re_path(r"^api/docs/?$", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("", include("execution.urls")),
    re_path(r"^api(/[\s\S]*)?$", NoSuchEndpoint.as_view()),
]

handler400 = "config.api.errors.handle_400"
handler403 = "config.api.errors.handle_403"
handler404 = "config.api.errors.handle_404"
handler500 = "config.api.errors.handle_500"
