"""The root of all addresses: the admin, and what the apps list in execution/urls.py."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("execution.urls")),
]
