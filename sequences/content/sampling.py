"""An email as it would look with sample values in all branches of its template, for checks before any contact. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sequences.choices import BodyFormat
from sequences.content.markup import find_format
from sequences.content.rendering import render_markup
from sequences.liquid.places import Place, find_place, write_value

_SILENT = re.compile(r"\{%-?\s*(?P<block>comment)\b.*?\{%-?\s*end(?P=block)\s*-?%\}|\{#.*?#\}", re.DOTALL)
_OUTPUT = re.compile(r"\{\{-?\s*(?P<path>[\w.]+)?.*?\}\}", re.DOTALL)
_TAG = re.compile(r"\{%.*?%\}", re.DOTALL)
_WEB_LINK = re.compile(r"<a\b[^>]*?\shref=\"https?://(?!unsubscribe\.invalid)", re.IGNORECASE)
_UNKNOWN = "sample"
_SAMPLES = {
    "contact.email": "ann@prospect.example",
    "contact.phone": "+12125550100",
    "contact.domain": "prospect.example",
    "contact.engagement_score": "7",
    "account.domain": "prospect.example",
    "sender.email": "kim@sender.example",
    "unsubscribe_url": "https://unsubscribe.invalid/",
}
_NAMES = frozenset(
    {"first_name", "last_name", "full_name", "title", "company", "timezone", "email", "phone", "domain"}
    | {"engagement_score"}
)


@dataclass(frozen=True, slots=True)
class Sample:
    """`changes`: what rendering changes whatever the contact. `may_have_link`: whether a click can ever be tracked.

    `link_fields`: the merge fields that begin a link, whose values are completed or dropped contact by contact.
    """

    changes: tuple[str, ...]
    may_have_link: bool
    link_fields: tuple[str, ...]


def sample_body(source: str, body_format: BodyFormat = BodyFormat.AUTO) -> Sample:
    """Render the body of an email without a contact. Raises `TemplateError` for style sheets that cannot be read."""
    written = _SILENT.sub("", source)
    link_fields: dict[str, None] = {}
    has_custom_text = False

    def put_sample(output: re.Match[str]) -> str:
        nonlocal has_custom_text
        path = output["path"] or ""
        place = find_place(written[: output.start()])
        is_custom = _is_custom(path)
        has_custom_text |= is_custom and place is Place.TEXT
        if is_custom and place is Place.TARGET:
            link_fields[path] = None
            return "https://sample.invalid"
        return write_value(_SAMPLES.get(path, _UNKNOWN), place)

    text = _TAG.sub("", _OUTPUT.sub(put_sample, written))
    page = render_markup(text, find_format(source, body_format), explains=True)
    return Sample(page.changes, has_custom_text or bool(_WEB_LINK.search(page.html)), tuple(link_fields))


def _is_custom(path: str) -> bool:
    """Whether it may hold anything: a field of contacts beyond the columns, or a variable of the template."""
    first, _, rest = path.partition(".")
    if not rest:
        return path not in ("", "now", "unsubscribe_url")
    return first == "contact" and rest.removeprefix("fields.") not in _NAMES
