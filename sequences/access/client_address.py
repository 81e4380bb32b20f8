"""The address that a request came from, as limits count it and logs name it."""

from __future__ import annotations

from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The address of the connection."""
    return str(request.META.get("REMOTE_ADDR", ""))
