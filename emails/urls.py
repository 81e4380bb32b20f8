"""Where the links in our emails lead."""

from __future__ import annotations

from django.urls import re_path

from emails.hooks.views import receive_hook
from emails.tracking import views

urlpatterns = [
    re_path(r"^t/o/(?P<token>[^/]+)\.gif/?$", views.open_pixel, name="open-pixel"),
    re_path(r"^t/c/(?P<token>[^/]+)/?$", views.click, name="click"),
    re_path(r"^u/(?P<token>[^/]+)/?$", views.unsubscribe, name="unsubscribe"),
    re_path(r"^hooks/(?P<provider>[a-z_]+)/(?P<key>[0-9a-f-]{36})/(?P<kind>inbound)(?:_mime)?/?$", receive_hook),
    re_path(r"^hooks/(?P<provider>[a-z_]+)/(?P<key>[0-9a-f-]{36})/?$", receive_hook, name="hook"),
]
