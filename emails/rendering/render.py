"""From an author's templates and a person's facts to the email that is sent. Pure: no Django, no database.

Liquid first, values escaped; then Markdown; then nh3 removes what does not belong into a mail; then links and footer.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import css_inline
import nh3
from inscriptis import get_text
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig
from markdown_it import MarkdownIt

from emails.rendering.precompiled import WAY_OUT, Mould, cast, mark_values
from sequences.liquid.templating import TemplateError, render

_LONGEST_SUBJECT = 255
_REFERENCES = 20
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
_REPLY = re.compile(r"^(re\s*:\s*)+", re.IGNORECASE)
_LINK = re.compile(r'(<a\b[^>]*?\bhref=")([^"]*)(")')
_TEXT_LINK = re.compile(r"\[([^\[\]]*)\]\(([a-z]+:[^\s()]+)\)", re.IGNORECASE)

_markdown = MarkdownIt("commonmark", {"html": True, "breaks": True}).enable(["table", "strikethrough"])
_inliner = css_inline.CSSInliner(load_remote_stylesheets=False)
_TEXT = ParserConfig(display_links=True, css=CSS_PROFILES["strict"])
_TAGS = nh3.ALLOWED_TAGS | {"center", "font", "u"}
_ATTRIBUTES = {
    **{tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()},
    "*": {"style", "align", "valign", "dir", "lang", "title"},
    "table": {"border", "cellpadding", "cellspacing", "width", "bgcolor", "role"},
    "td": {"width", "height", "colspan", "rowspan", "bgcolor"},
    "font": {"color", "face", "size"},
}
_STYLES = {
    "background-color", "border", "border-bottom", "border-collapse", "border-left", "border-radius", "border-right",
    "border-top", "color", "display", "font-family", "font-size", "font-style", "font-weight", "height",
    "letter-spacing", "line-height", "list-style", "margin", "margin-bottom", "margin-left", "margin-right",
    "margin-top", "max-width", "padding", "padding-bottom", "padding-left", "padding-right", "padding-top",
    "text-align", "text-decoration", "vertical-align", "width",
}  # fmt: skip
_SCHEMES = {"http", "https", "mailto", "tel"}


@dataclass(frozen=True, slots=True)
class RenderedEmail:
    """What a person reads. `html` is a whole document, `text` says the same."""

    subject: str
    text: str
    html: str


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


_PIXEL = '<img src="{}" width="1" height="1" alt="">'
_ANY_PIXEL = re.compile(re.escape(_PIXEL).replace(re.escape("{}"), '[^"]*'))
_HIDDEN_LINK = '<a href="{}" tabindex="-1" aria-hidden="true" rel="nofollow" style="display:none"></a>'


def render_email(
    *,
    subject: str,
    body: str,
    context: Mapping[str, object],
    reply_subject: str | None,
    signature: str,
    postal_address: str,
    unsubscribe_url: str,
    open_pixel_url: str | None,
    honeypot_url: str | None,
    rewrite_link: Callable[[str], str] | None,
) -> RenderedEmail:
    """Render one email. `subject` empty: a reply to the thread that began with `reply_subject`.

    `body` and `signature` are Liquid in Markdown, or in HTML where they start with `<`. `rewrite_link` gets every
    http(s) link but the unsubscribe link. `honeypot_url` stands in a link that neither eyes nor screen readers meet.
    Raises `TemplateError`, which names the part.
    """
    said = _render_subject(subject, context, reply_subject)
    footer = _footer(postal_address, unsubscribe_url)
    mould = _find_mould(body, signature, postal_address)
    filled = mould.fill(context, unsubscribe_url) if mould else None
    content, text = filled or _render_in_full(body, signature, context, footer)
    if rewrite_link is not None:
        content = _rewrite_links(content, rewrite_link, unsubscribe_url)
    pixel = _PIXEL.format(html.escape(open_pixel_url)) if open_pixel_url else ""
    if honeypot_url:
        pixel += _HIDDEN_LINK.format(html.escape(honeypot_url))
    document = (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{html.escape(said)}</title></head>\n'
        f"<body>\n{content}\n{footer}\n{pixel}</body></html>\n"
    )
    return RenderedEmail(said, text, document)


def without_pixel(document: str) -> str:
    """A rendered email to look at: whoever shows it asks for no open of its reader."""
    return _ANY_PIXEL.sub("", document)


@lru_cache(maxsize=1024)
def _find_mould(body: str, signature: str, postal_address: str) -> Mould | None:
    marked = mark_values(body, signature)
    if marked is None:
        return None
    try:
        body_page, signature_page = (_render_part("template", source, {}) for source in marked.sources)
    except TemplateError:
        return None
    if not body_page.strip():
        return None
    page = body_page + signature_page
    return cast(marked, page, _to_text(page + _footer(postal_address, WAY_OUT)))


def _render_in_full(body: str, signature: str, context: Mapping[str, object], footer: str) -> tuple[str, str]:
    """The sanitised content, and the text of it and the footer."""
    content = _render_part("body", body, context)
    if not content.strip():
        raise TemplateError("body: nothing of it is left for this contact")
    content += _render_part("signature", signature, context)
    return content, _to_text(content + footer)


def _render_subject(subject: str, context: Mapping[str, object], reply_subject: str | None) -> str:
    if not subject.strip():
        if not reply_subject:
            raise TemplateError("subject: it is empty, and there is no earlier email to reply to")
        return ("Re: " + _REPLY.sub("", _one_line(reply_subject)))[:_LONGEST_SUBJECT]
    try:
        text = render(subject, context)
    except TemplateError as error:
        raise TemplateError(f"subject: {error}") from None
    line = _one_line(text)[:_LONGEST_SUBJECT].rstrip()
    if not line:
        raise TemplateError("subject: it is blank for this contact: give its fields a default")
    return line


def _one_line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())


def _render_part(part: str, source: str, context: Mapping[str, object]) -> str:
    try:
        text = render(source, context, autoescape=True)
    except TemplateError as error:
        raise TemplateError(f"{part}: {error}") from None
    page = text if source.lstrip().startswith("<") else str(_markdown.render(text))
    if "<style" in page:
        try:
            page = _inliner.inline(page)
        except css_inline.InlineError as error:
            raise TemplateError(f"{part}: its styles cannot be read: {_one_line(str(error))}") from None
    return nh3.clean(
        page,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        filter_style_properties=_STYLES,
        link_rel=None,
        clean_content_tags={"script", "style", "head", "title"},
    )


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


def _to_text(content: str) -> str:
    text = _TEXT_LINK.sub(_write_link, get_text(f"<html><body>{content}</body></html>", _TEXT))
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"


def _write_link(found: re.Match[str]) -> str:
    label, url = found[1].strip(), found[2]
    return url if label in ("", url, url.removeprefix("mailto:")) else f"{label} ({url})"


def thread_headers(message_ids: Sequence[str]) -> dict[str, str]:
    """In-Reply-To and References of a reply to the last of these, oldest first (RFC 5322 section 3.6.4)."""
    if not message_ids:
        return {}
    kept = list(message_ids) if len(message_ids) <= _REFERENCES + 1 else [message_ids[0], *message_ids[-_REFERENCES:]]
    return {"In-Reply-To": message_ids[-1], "References": " ".join(kept)}


def unsubscribe_headers(unsubscribe_url: str) -> dict[str, str]:
    """One-click unsubscribing by RFC 8058."""
    return {"List-Unsubscribe": f"<{unsubscribe_url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
