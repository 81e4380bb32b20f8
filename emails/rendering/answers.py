"""A user's answer to a reply as an email: Markdown with the mailbox's signature, in the thread. Pure.

Must not read it as a template: braces in an answer are text.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from emails.rendering.render import RenderedEmail, reply_subject
from sequences.choices import BodyFormat
from sequences.content.plain_text import write_text
from sequences.content.rendering import render_markup, render_part
from sequences.liquid.templating import TemplateError

_NO_SUBJECT = "your email"


def render_answer(body: str, subject: str, signature: str, context: Mapping[str, object]) -> RenderedEmail:
    """`body` in Markdown, `subject` of the reply that is answered, `signature` a template of the mailbox.

    Raises `TemplateError`, also when nothing is left of the body.
    """
    page = render_markup(body, BodyFormat.MARKDOWN)
    if not page.html.strip():
        raise TemplateError("the answer is empty: write something")
    content = page.html + render_part(signature, context).html
    title = reply_subject(subject or _NO_SUBJECT)
    document = (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{html.escape(title)}</title></head>\n'
        f"<body>\n{content}\n</body></html>\n"
    )
    return RenderedEmail(title, write_text(content), document)


def answer_thread(answered_ids: Sequence[str], reply_id: str) -> list[str]:
    """The Message-IDs of the thread, oldest first, for `thread_headers`; the reply itself is the last one."""
    ids = [each for each in (*answered_ids, reply_id) if each and each.isascii() and " " not in each]
    return list(dict.fromkeys(ids))
