"""How many requests a user may make a minute, and the headers that say what is left."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle


class CountingThrottle(UserRateThrottle):
    """Keeps on the request what `RateLimit-Limit`, `-Remaining` and `-Reset` (seconds) answer."""

    num_requests: int | None
    duration: float

    def allow_request(self, request: Request, view: Any) -> bool:
        allowed = super().allow_request(request, view)
        if self.rate is not None and self.num_requests:
            oldest = self.history[-1] if self.history else self.now
            reset = max(0.0, self.duration - (self.now - oldest))
            request._request.rate_limit = {  # type: ignore[attr-defined]
                "RateLimit-Limit": str(self.num_requests),
                "RateLimit-Remaining": str(max(0, self.num_requests - len(self.history))),
                "RateLimit-Reset": str(int(reset + 0.999)),
            }
        return bool(allowed)
