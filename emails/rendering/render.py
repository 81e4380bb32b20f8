"""From an author's templates and a contact's facts to the email that is sent. Pure: no Django, no database.

`sequences.content` renders body and signature; this module adds subject, footer, tracked links and the frame.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from emails.rendering.precompiled import UNSUBSCRIBE_PLACEHOLDER, Precompiled, mark_values, precompile
from sequences.choices import BodyFormat
from sequences.content.finishing import Page
from sequences.content.markup import find_format
from sequences.content.plain_text import write_text
from sequences.content.rendering import render_markup, render_part
from sequences.liquid.budget import TooCostlyError, one_budget
from sequences.liquid.templating import TemplateError, render

_LONGEST_SUBJECT = 255
_REFERENCES = 20
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
_REPLY = re.compile(r"^(re\s*:\s*)+", re.IGNORECASE)
_LINK = re.compile(r'(<a\b[^>]*?\bhref=")([^"]*)(")')
_PIXEL = '<img src="{}" width="1" height="1" alt="">'
_ANY_PIXEL = re.compile(re.escape(_PIXEL).replace(re.escape("{}"), '[^"]*'))


@dataclass(frozen=True, slots=True)
class Template:
    """What an author writes. `subject` empty: a reply to the thread that began with `reply_subject`."""

    subject: str
    body: str
    reply_subject: str | None = None
    body_format: BodyFormat = BodyFormat.AUTO


@dataclass(frozen=True, slots=True)
class Frame:
    """What every email of a mailbox carries around its body: signature (a template), postal address, way to opt out."""

    signature: str
    postal_address: str
    unsubscribe_url: str


@dataclass(frozen=True, slots=True)
class Tracking:
    """The picture that reports an open, and what each http(s) link but the unsubscribe link is replaced with."""

    open_pixel_url: str | None = None
    rewrite_link: Callable[[str], str] | None = None


UNTRACKED = Tracking()


@dataclass(frozen=True, slots=True)
class RenderedEmail:
    """What a recipient reads. `html` is a whole document, `text` says the same.

    `changes`: what rendering changed of what the author wrote, where `explains` asked for it.
    """

    subject: str
    text: str
    html: str
    changes: tuple[str, ...] = ()


# What `person_fields` adds to a contact's own values.
MADE_OF_OTHERS = frozenset({"full_name", "fields"})


def person_fields(contact: Mapping[str, object]) -> dict[str, object]:
    """What templates see of a contact."""
    person = known_fields(contact)
    names = (str(person[name]) for name in ("first_name", "last_name") if name in person)
    if full_name := " ".join(names):
        person["full_name"] = full_name
    person["fields"] = dict(person)
    return person


def known_fields(values: Mapping[str, object]) -> dict[str, object]:
    """A blank value counts as no value, so that `if` and `default` mean what authors expect."""
    return {name: value for name, value in values.items() if is_known(value)}


def is_known(value: object) -> bool:
    return bool(value.strip()) if isinstance(value, str) else value is not None


def render_email(
    template: Template,
    context: Mapping[str, object],
    frame: Frame,
    tracking: Tracking = UNTRACKED,
    *,
    explains: bool = False,
) -> RenderedEmail:
    """Render one email. `explains`: list every change for the author, at the cost of a second reading.

    Subject, body and signature share one budget. Raises `TemplateError`, which names the part.
    """
    try:
        with one_budget() as budget:
            rendered = _render_email(template, context, frame, tracking, explains=explains)
            budget.check_time()
    except TooCostlyError as error:
        raise TemplateError(str(error)) from None
    return rendered


def _render_email(
    template: Template, context: Mapping[str, object], frame: Frame, tracking: Tracking, *, explains: bool
) -> RenderedEmail:
    subject = _render_subject(template, context)
    content, text, changes = _render_content(template, context, frame, explains=explains)
    footer = _footer(frame.postal_address, frame.unsubscribe_url)
    if tracking.rewrite_link is not None:
        content = _rewrite_links(content, tracking.rewrite_link, frame.unsubscribe_url)
    pixel = _PIXEL.format(html.escape(tracking.open_pixel_url)) if tracking.open_pixel_url else ""
    document = (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{html.escape(subject)}</title></head>\n'
        f"<body>\n{content}\n{footer}\n{pixel}</body></html>\n"
    )
    return RenderedEmail(subject, text, document, changes)


def _render_content(
    template: Template, context: Mapping[str, object], frame: Frame, *, explains: bool
) -> tuple[str, str, tuple[str, ...]]:
    """The finished content, the text of it and the footer, and the changes."""
    if not explains:
        compiled = _precompile(template.body, template.body_format, frame.signature, frame.postal_address)
        if compiled and (filled := compiled.fill(context, frame.unsubscribe_url)):
            return *filled, ()
    body = _render("body", template.body, context, template.body_format, explains=explains)
    if not body.html.strip():
        raise TemplateError("body: nothing of it is left for this contact")
    signature = _render("signature", frame.signature, context, BodyFormat.AUTO, explains=explains)
    content = body.html + signature.html
    text = write_text(content + _footer(frame.postal_address, frame.unsubscribe_url))
    changes = (*body.changes, *(f"signature: {change}" for change in signature.changes)) if explains else ()
    return content, text, changes


@lru_cache(maxsize=1024)
def _precompile(body: str, body_format: BodyFormat, signature: str, postal_address: str) -> Precompiled | None:
    marked = mark_values((body, find_format(body, body_format)), (signature, find_format(signature)))
    if marked is None:
        return None
    try:
        body_page, signature_page = (render_markup(text, written).html for text, written in marked.sources)
    except TemplateError:
        return None
    if not body_page.strip():
        return None
    page = body_page + signature_page
    return precompile(marked, page, write_text(page + _footer(postal_address, UNSUBSCRIBE_PLACEHOLDER)))


def without_pixel(document: str) -> str:
    """A rendered email to look at, without the picture that would report an open."""
    return _ANY_PIXEL.sub("", document)


def _render_subject(template: Template, context: Mapping[str, object]) -> str:
    if not template.subject.strip():
        if not template.reply_subject:
            raise TemplateError("subject: it is empty, and there is no earlier email to reply to")
        return reply_subject(template.reply_subject)
    try:
        text = render(template.subject, context)
    except TemplateError as error:
        raise TemplateError(f"subject: {error}") from None
    line = _one_line(text)[:_LONGEST_SUBJECT].rstrip()
    if not line:
        raise TemplateError("subject: it is blank for this contact: give its fields a default")
    return line


def reply_subject(subject: str) -> str:
    """The subject of a reply: with one `Re:`, on one line (RFC 5322 section 3.6.5)."""
    return ("Re: " + _REPLY.sub("", _one_line(subject)))[:_LONGEST_SUBJECT]


def _one_line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())


def _render(part: str, source: str, context: Mapping[str, object], body_format: BodyFormat, *, explains: bool) -> Page:
    try:
        return render_part(source, context, body_format, explains=explains)
    except TemplateError as error:
        raise TemplateError(f"{part}: {error}") from None


def _rewrite_links(content: str, rewrite_link: Callable[[str], str], unsubscribe_url: str) -> str:
    def rewrite(found: re.Match[str]) -> str:
        url = html.unescape(found[2])
        if url == unsubscribe_url or not url.lower().startswith(("http://", "https://")):
            return found[0]
        return f"{found[1]}{html.escape(rewrite_link(url))}{found[3]}"

    return _LINK.sub(rewrite, content)


def _footer(postal_address: str, unsubscribe_url: str) -> str:
    address = "<br>".join(html.escape(line) for line in postal_address.splitlines() if line.strip())
    link = f'<a href="{html.escape(unsubscribe_url)}">Unsubscribe</a>'
    lines = "<br>".join(filter(None, (address, link)))
    return f'<hr>\n<p style="color:#666666;font-size:12px">{lines}</p>'


def thread_headers(message_ids: Sequence[str]) -> dict[str, str]:
    """In-Reply-To and References of a reply to the last of these, oldest first (RFC 5322 section 3.6.4)."""
    if not message_ids:
        return {}
    kept = list(message_ids) if len(message_ids) <= _REFERENCES + 1 else [message_ids[0], *message_ids[-_REFERENCES:]]
    return {"In-Reply-To": message_ids[-1], "References": " ".join(kept)}


def unsubscribe_headers(unsubscribe_url: str, mailto_url: str) -> dict[str, str]:
    """Ways to opt out that mail programs offer (RFC 2369); by one click where the link is https (RFC 8058)."""
    headers = {"List-Unsubscribe": f"<{unsubscribe_url}>, <{mailto_url}>"}
    if unsubscribe_url.lower().startswith("https://"):
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers
