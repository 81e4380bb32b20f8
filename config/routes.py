"""The address of a request without what varies in it: for logs and figures, which must name no token and no key."""

from __future__ import annotations

import re

from django.http import HttpRequest

OTHER = "other"
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_GROUP = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")
_SIGNS = re.compile(r"\(\?:[^()]*\)\??|[\^$\\]|/\?")


def name_route(request: HttpRequest) -> str:
    """The pattern with the names of what varies, as `/u/<token>`; `other` for an address that is none of ours."""
    if request.resolver_match is not None:
        named = _GROUP.sub(r"<\1>", request.resolver_match.route)
        return "/" + _SIGNS.sub("", named).lstrip("/")
    path = request.path.rstrip("/")
    return path if path in _PROBES else OTHER
