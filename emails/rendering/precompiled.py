"""Letters made ready once: page and text of a template with gaps, for plain values to be filled into. Pure.

Markdown, sanitising and the text version cost most of an email, and for a template that only puts in names they come
out alike for everybody. A template with tags, or a value that could mean anything to Markdown, HTML or the layout of
the text, is not for a mould: it is rendered in full.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from sequences.liquid.templating import TemplateError, render

# Stands for the link to unsubscribe while a mould is made.
WAY_OUT = "https://way-out.invalid/xqz"
_GAP = re.compile(r"xqz(\d{4})zqx")
_OUTPUT = re.compile(r"\{\{(?!-)(.*?)(?<!-)\}\}", re.DOTALL)
_TAG = re.compile(r'<[^>"]*(?:"[^"]*"[^>"]*)*>')
# Where a gap stands in Markdown: beside these it is a word among words; beside emphasis the value's last letter counts.
_PLAIN_NEIGHBOURS = re.compile(r"[\s\w,.;:!?'\"()-]|")
_EMPHASIS = "*_"
# A letter first: nothing that begins with one begins a list, a heading or a code block.
_PLAIN_VALUE = re.compile(r"[^\W\d_](?:[^\W_]|[.,'’&-]| (?! ))*(?<! )")
# Whose text depends on more than the order of the words: columns are as wide as what is in them, code shows entities.
_UNEVEN = ("<table", "<code", "<pre", "<textarea")
_BETWEEN = "\ue000"
_MOST_GAPS = 100


@dataclass(frozen=True, slots=True)
class Marked:
    """Templates with a gap instead of each value, and one template that writes the values alone."""

    sources: tuple[str, ...]
    values: str
    count: int
    is_emphasised: bool


@dataclass(frozen=True, slots=True)
class Mould:
    """`page` and `text` in pieces: what stands at odd places is the number of a value."""

    marked: Marked
    page: tuple[str, ...]
    text: tuple[str, ...]

    def fill(self, context: Mapping[str, object], unsubscribe_url: str) -> tuple[str, str] | None:
        """The sanitised content and the text of footer and all; None when a value is not plain."""
        values = self._values(context)
        if values is None:
            return None
        escaped = [html.escape(value, quote=False) for value in values]
        return _join(self.page, escaped), _join(self.text, values).replace(WAY_OUT, unsubscribe_url)

    def _values(self, context: Mapping[str, object]) -> list[str] | None:
        if not self.marked.count:
            return []
        try:
            values = render(self.marked.values, context).split(_BETWEEN)
        except TemplateError:
            # rendered in full it fails again, and names its line
            return None
        if len(values) != self.marked.count or not all(_PLAIN_VALUE.fullmatch(value) for value in values):
            return None
        return None if self.marked.is_emphasised and not all(value[-1].isalnum() for value in values) else values


def mark_values(*sources: str) -> Marked | None:
    """Put gaps in place of the values; None for templates with tags or with values in delicate places."""
    outputs: list[str] = []
    marked = []
    is_emphasised = False
    for source in sources:
        if "{%" in source or "xqz" in source or _BETWEEN in source:
            return None
        is_page = source.lstrip().startswith("<")
        pieces = _OUTPUT.split(source)
        literals = pieces[0::2]
        if any("{{" in piece or "}}" in piece for piece in literals):
            return None
        for before, after in pairwise(literals):
            near = before[-1:], after[:1]
            if not is_page and not all(char in _EMPHASIS or _PLAIN_NEIGHBOURS.fullmatch(char) for char in near):
                return None
            is_emphasised |= any(char and char in _EMPHASIS for char in near)
        first = len(outputs)
        outputs += pieces[1::2]
        marked.append("".join(_with_gaps(literals, first)))
    if len(outputs) > _MOST_GAPS:
        return None
    values = _BETWEEN.join(f"{{{{{output}}}}}" for output in outputs)
    return Marked(tuple(marked), values, len(outputs), is_emphasised)


def _with_gaps(literals: list[str], first: int) -> list[str]:
    return [f"xqz{first + number - 1:04d}zqx{piece}" if number else piece for number, piece in enumerate(literals)]


def cast(marked: Marked, page: str, text: str) -> Mould | None:
    """The mould of what became of marked templates; None when a value came to stand anywhere but in running text."""
    numbers = [f"{number:04d}" for number in range(marked.count)]
    in_order = sorted(_GAP.findall(_TAG.sub(" ", page))) == sorted(_GAP.findall(page)) == numbers
    if not in_order or sorted(_GAP.findall(text)) != numbers or text.count(WAY_OUT) != 1:
        return None
    if any(tag in page for tag in _UNEVEN):
        return None
    return Mould(marked, tuple(_GAP.split(page)), tuple(_GAP.split(text)))


def _join(pieces: tuple[str, ...], values: list[str]) -> str:
    return "".join([values[int(piece)] if place % 2 else piece for place, piece in enumerate(pieces)])
