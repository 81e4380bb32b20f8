"""Templates that are rendered once: page and text with gaps, into which plain values are filled. Pure.

Markdown, sanitising and the text part cost most of an email, and for a template that only merges names they come out
alike for every contact (docs/decisions has the figures). A template with tags, or a value that could mean anything to
Markdown, HTML, a link or the layout of the text, is rendered in full instead.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from sequences.choices import BodyFormat
from sequences.liquid.places import Place, find_place
from sequences.liquid.templating import TemplateError, render

# Stands for the unsubscribe link in a precompiled template.
UNSUBSCRIBE_PLACEHOLDER = "https://unsubscribe.invalid/xqz"
_GAP = re.compile(r"xqz(\d{4})zqx")
_OUTPUT = re.compile(r"\{\{(?!-)(.*?)(?<!-)\}\}", re.DOTALL)
_TAG = re.compile(r'<[^>"]*(?:"[^"]*"[^>"]*)*>')
# Where a gap stands in Markdown: beside these it is a word among words; beside emphasis the value's last letter counts.
_PLAIN_NEIGHBOURS = re.compile(r"[\s\w,.;:!?'\"()-]|")
_EMPHASIS = "*_"
# A letter first: nothing that begins with one begins a list, a heading or a code block.
_PLAIN_VALUE = re.compile(r"[^\W\d_](?:[^\W_]|[.,'’&-]| (?! ))*(?<! )")
# May become a link together with what stands beside it.
_PART_OF_ADDRESS = re.compile(r"https?|.*www.*", re.IGNORECASE | re.DOTALL)
# Their text depends on more than the order of the words: columns are as wide as what is in them.
_UNEVEN = ("<table", "<code", "<pre", "<textarea", "white-space")
_BETWEEN = "\ue000"
_MOST_GAPS = 100

Source = tuple[str, BodyFormat]


@dataclass(frozen=True, slots=True)
class Marked:
    """Templates with a gap instead of each value, and one template that writes the values alone."""

    sources: tuple[Source, ...]
    values: str
    count: int
    is_emphasised: bool


@dataclass(frozen=True, slots=True)
class Precompiled:
    """`page` and `text` in pieces: what stands at odd places is the number of a value."""

    marked: Marked
    page: tuple[str, ...]
    text: tuple[str, ...]

    def fill(self, context: Mapping[str, object], unsubscribe_url: str) -> tuple[str, str] | None:
        """The finished content, and the text of it and the footer; None when a value is not plain."""
        values = self._values(context)
        if values is None:
            return None
        escaped = [html.escape(value, quote=False) for value in values]
        text = _join(self.text, values).replace(UNSUBSCRIBE_PLACEHOLDER, unsubscribe_url)
        return _join(self.page, escaped), text

    def _values(self, context: Mapping[str, object]) -> list[str] | None:
        if not self.marked.count:
            return []
        try:
            values = render(self.marked.values, context).split(_BETWEEN)
        except TemplateError:
            # rendered in full it fails again, and names its line
            return None
        if len(values) != self.marked.count or not all(map(_is_plain, values)):
            return None
        return None if self.marked.is_emphasised and not all(value[-1].isalnum() for value in values) else values


def _is_plain(value: str) -> bool:
    return bool(_PLAIN_VALUE.fullmatch(value)) and not _PART_OF_ADDRESS.fullmatch(value)


def mark_values(*sources: Source) -> Marked | None:
    """Put gaps in place of the values; None for templates with tags or with values in delicate places."""
    outputs: list[str] = []
    marked: list[Source] = []
    is_emphasised = False
    for source, body_format in sources:
        if "{%" in source or "xqz" in source or _BETWEEN in source:
            return None
        pieces = _OUTPUT.split(source)
        literals = pieces[0::2]
        if any("{{" in piece or "}}" in piece for piece in literals):
            return None
        if any(find_place(source[: found.start()]) is not Place.TEXT for found in _OUTPUT.finditer(source)):
            return None
        for before, after in pairwise(literals):
            near = before[-1:], after[:1]
            is_plain = all(char in _EMPHASIS or _PLAIN_NEIGHBOURS.fullmatch(char) for char in near)
            if body_format is BodyFormat.MARKDOWN and not is_plain:
                return None
            is_emphasised |= any(char and char in _EMPHASIS for char in near)
        first = len(outputs)
        outputs += pieces[1::2]
        marked.append(("".join(_with_gaps(literals, first)), body_format))
    if len(outputs) > _MOST_GAPS:
        return None
    values = _BETWEEN.join(f"{{{{{output}}}}}" for output in outputs)
    return Marked(tuple(marked), values, len(outputs), is_emphasised)


def _with_gaps(literals: list[str], first: int) -> list[str]:
    return [f"xqz{first + number - 1:04d}zqx{piece}" if number else piece for number, piece in enumerate(literals)]


def precompile(marked: Marked, page: str, text: str) -> Precompiled | None:
    """Split what became of marked templates; None when a value came to stand anywhere but in running text."""
    numbers = [f"{number:04d}" for number in range(marked.count)]
    in_order = sorted(_GAP.findall(_TAG.sub(" ", page))) == sorted(_GAP.findall(page)) == numbers
    if not in_order or sorted(_GAP.findall(text)) != numbers or text.count(UNSUBSCRIBE_PLACEHOLDER) != 1:
        return None
    if any(tag in page for tag in _UNEVEN):
        return None
    return Precompiled(marked, tuple(_GAP.split(page)), tuple(_GAP.split(text)))


def _join(pieces: tuple[str, ...], values: list[str]) -> str:
    return "".join([values[int(piece)] if place % 2 else piece for place, piece in enumerate(pieces)])
