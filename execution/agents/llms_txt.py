"""`/llms.txt`: what a language model is told about this installation. https://llmstxt.org"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

_TEXT = """\
# Sequence Executor

> Runs outbound sales sequences: emails, tasks, delays and splits, with exact sending limits. It stops the moment a
> person answers, bounces or opts out, and says for every enrollment what it waits for.

Programs use the API or the tools with an API key of a person; what they may do is what that person may do. Calls that
change data take `dry_run` and answer what they would change.

## Interfaces

- [Tools of the Model Context Protocol]({base}/mcp): streamable HTTP with the header `Authorization: Token <API key>`;
  a change answers its impact first and needs the token of that preview
- [Reference of the API]({base}/api/docs): every call with examples
- [OpenAPI description]({base}/api/schema): the same for programs

## Good to know

- Times are ISO 8601 in UTC; lists have `next`, `previous` and `results`; errors have `code` and `detail` (RFC 9457).
- `GET {base}/api/sequence-enrollments/<id>/why` says what holds an enrollment and until when.
- `GET {base}/api/events` is the feed of everything that happened: follow `next`.
- Send an `Idempotency-Key` with every POST, so that a repeated call changes nothing again.
"""


@require_safe
def show_llms_txt(request: HttpRequest) -> HttpResponse:
    return HttpResponse(
        _TEXT.format(base=settings.PUBLIC_BASE_URL.rstrip("/")), content_type="text/plain; charset=utf-8"
    )
