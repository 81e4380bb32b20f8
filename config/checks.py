"""Checks of the product for `manage.py check`, some of them only with `--deploy`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.admin import autodiscover
from django.contrib.admin.checks import check_admin_app
from django.core.checks import CheckMessage, Warning

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})


def check_desk(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Django's checks of the admin, whose modules are loaded only when needed."""
    autodiscover()
    return check_admin_app(app_configs, **kwargs)


def check_public_base_url(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Links in emails (unsubscribe, tracking) must be reachable from outside, over https."""
    parts = urlsplit(settings.PUBLIC_BASE_URL)
    if parts.hostname in LOCAL_HOSTS:
        return [
            Warning(
                f"PUBLIC_BASE_URL is {settings.PUBLIC_BASE_URL}: recipients cannot open the links in their emails.",
                hint="Set PUBLIC_BASE_URL to the public address of this server, such as https://mail.example.com.",
                id="config.W001",
            )
        ]
    if parts.scheme != "https":
        return [
            Warning(
                f"PUBLIC_BASE_URL is {settings.PUBLIC_BASE_URL}: one-click unsubscribe needs https (RFC 8058).",
                hint="Set PUBLIC_BASE_URL to an https:// address.",
                id="config.W002",
            )
        ]
    return []


def check_hosts_and_origins(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The host of PUBLIC_BASE_URL must be one that Django answers, or every link in an email is a 400."""
    from django.http.request import validate_host

    host = urlsplit(settings.PUBLIC_BASE_URL).hostname or ""
    if settings.ALLOWED_HOSTS and not validate_host(host, settings.ALLOWED_HOSTS):
        return [
            Warning(
                f"The host of PUBLIC_BASE_URL, {host}, is not among ALLOWED_HOSTS.",
                hint=f"Add {host} to ALLOWED_HOSTS.",
                id="config.W003",
            )
        ]
    return []
