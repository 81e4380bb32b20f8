"""One POST to an endpoint that a user named: a guarded connection, one deadline, never following a redirect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from common.deadlines import Deadline
from common.dialler import Dialler, RefusedHostError, UnknownHostError
from common.guarded_http import Wire, guard_session

TIMEOUT_SECONDS = 10.0
_LOOK_UP_SECONDS = 5.0
_KEPT_CHARACTERS = 500


class RefusedAddressError(ValueError):
    """The endpoint may not be called; one line that says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`status_code` None: no answer. `text` is the beginning of the answer, or what went wrong.

    `retry_after`: the header of that name.
    """

    status_code: int | None
    text: str
    retry_after: str = ""

    @property
    def is_accepted(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


def validate_endpoint(url: str, dialler: Dialler) -> None:
    """Raises `RefusedAddressError` for a URL that may not be called, also where its host is not known."""
    try:
        # what is checked is what would be called: in ASCII, whatever script its host and path are written in
        prepared = requests.Request("POST", url).prepare().url or ""
        parts = urlsplit(prepared)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except (requests.RequestException, ValueError):
        raise RefusedAddressError("it is not an http or https address") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise RefusedAddressError("it is not an http or https address")
    try:
        dialler.check(parts.hostname, port, Deadline(_LOOK_UP_SECONDS))
    except TimeoutError:
        raise RefusedAddressError(f"the name server does not answer for {parts.hostname}: try again") from None
    except (RefusedHostError, UnknownHostError) as error:
        raise RefusedAddressError(str(error)) from None
    if parts.username or parts.password:
        raise RefusedAddressError("it has a user name or password: leave them out, and check the signature instead")


def post(url: str, body: bytes, headers: Mapping[str, str], dialler: Dialler) -> Answer:
    """POST within ten seconds. Every failure is an `Answer` too."""
    wire = Wire(dialler)
    with requests.Session() as session:
        guard_session(session, wire)
        try:
            with wire.exchange(TIMEOUT_SECONDS):
                answer = session.post(url, data=body, headers=headers, timeout=TIMEOUT_SECONDS)
        except (requests.RequestException, OSError, ValueError) as error:
            return Answer(None, wire.refusal or f"{type(error).__name__}: no answer")
    text = answer.content[:_KEPT_CHARACTERS].decode("utf-8", "replace")
    return Answer(answer.status_code, text, answer.headers.get("Retry-After", ""))
