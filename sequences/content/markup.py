"""Markdown or HTML as authors write it, turned into one page of HTML that is not sanitised yet. Pure.

Departures from CommonMark, each because of how people write emails: a line of `--` or `==` under a text makes no
heading (it is a signature), a line that begins with a year makes no list, and a bare address is a link.
"""

from __future__ import annotations

import re

import css_inline
from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from sequences.choices import BodyFormat
from sequences.content.links import trim_address
from sequences.liquid.budget import current_budget

_NO_OUTPUT = re.compile(
    r"(?:\s|\ufeff|<!--.*?-->|\{%-?\s*(?P<block>comment|capture)\b.*?\{%-?\s*end(?P=block)\s*-?%\}|\{%.*?%\}|\{#.*?#\})+",
    re.DOTALL,
)
_BLOCKS = (
    "address article aside blockquote body center details dir div dl fieldset figure footer form h1 h2 h3 h4 h5 h6 "
    "head header hr html link main menu meta nav ol p pre section style table tbody td tfoot thead title tr ul"
)
_BLOCK_START = re.compile(rf"<(?:!doctype|(?:{_BLOCKS.replace(' ', '|')})(?=[\s/>]))", re.IGNORECASE)
_LONG = 3
# The number of an item: not indented as code is, maybe quoted or inside another list.
_NUMBERED = re.compile(r"( {0,3}(?:[>*+-] {1,3})*)(\d{1,9})([.)])(?=\s|$)", re.ASCII)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_RULE_UNITS = 20
_SCHEME_BEFORE = re.compile(r"(?<![\w@./=-])https?$", re.IGNORECASE)
_BARE_ADDRESS = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_AMPERSAND = re.compile(r"&(?!(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z\d]{1,31});)", re.IGNORECASE)
_BODY = re.compile(r"<body\b([^>\"']*(?:\"[^\"]*\"[^>\"']*|'[^']*'[^>\"']*)*)>", re.IGNORECASE)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
_BODY_ATTRIBUTE = re.compile(r"\b(style|bgcolor|text)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_BODY_STYLES = {"style": "{}", "bgcolor": "background-color:{}", "text": "color:{}"}

_inliner = css_inline.CSSInliner(load_remote_stylesheets=False)


class MarkupError(ValueError):
    """A style sheet that cannot be read."""


def find_format(source: str, written: BodyFormat = BodyFormat.AUTO) -> BodyFormat:
    """`written` where the author says so; else HTML when a block element or a doctype comes first, else Markdown.

    Liquid tags, comments and blanks before it do not count.
    """
    if written is not BodyFormat.AUTO:
        return written
    before = _NO_OUTPUT.match(source)
    return BodyFormat.HTML if _BLOCK_START.match(source, before.end() if before else 0) else BodyFormat.MARKDOWN


def make_page(text: str, body_format: BodyFormat) -> str:
    """The page that `text` means, its styles written into its elements. Raises `MarkupError`."""
    page = _AMPERSAND.sub("&amp;", text) if body_format is BodyFormat.HTML else str(_markdown.render(_keep_years(text)))
    if "<style" in page.lower():
        try:
            page = _inliner.inline(page)
        except css_inline.InlineError as error:
            raise MarkupError(f"its styles cannot be read: {' '.join(str(error).split())}") from None
    return _keep_body_styles(page) if "<body" in page.lower() else page


def _keep_body_styles(page: str) -> str:
    """A body cannot stand inside another page: an element with its colours takes its place."""
    found = _BODY.search(page)
    styles = []
    for name, *values in _BODY_ATTRIBUTE.findall(found[1] if found else ""):
        if value := next(filter(None, values), ""):
            styles.append(_BODY_STYLES[name.lower()].format(value.strip().rstrip(";")))
    style = ";".join(styles).replace('"', "&quot;")
    opening, closing = (f'<div style="{style}">', "</div>") if style else ("", "")
    return _BODY_END.sub(closing, _BODY.sub(lambda _: opening, page, count=1))


def _keep_years(text: str) -> str:
    """Markdown in which a line that begins with a number of three digits or more is no list: it is a year or an amount.

    A list that has counted that far goes on. Lines of code stay as they are.
    """
    lines = text.split("\n")
    last, fence = 0, ""
    for index, line in enumerate(lines):
        if found := _FENCE.match(line):
            fence = "" if fence and found[1].startswith(fence) else fence or found[1]
        elif not fence and (item := _NUMBERED.match(line)):
            number = int(item[2])
            if len(item[2]) < _LONG or number == last + 1:
                last = number
            else:
                lines[index] = f"{item[1]}{item[2]}&#{ord(item[3])};{line[item.end() :]}"
    return "\n".join(lines)


def _read_bare_address(state: StateInline, silent: bool) -> bool:
    """A bare web address is a link and holds no emphasis. Called where the text rule stops: at the colon."""
    if silent or state.src[state.pos] != ":" or state.linkLevel > 0:
        return False
    scheme = _SCHEME_BEFORE.search(state.pending)
    found = _BARE_ADDRESS.match(state.src, state.pos - len(scheme[0])) if scheme else None
    if scheme is None or found is None:
        return False
    written = trim_address(found[0])
    address = unescapeAll(written)
    target = state.md.normalizeLink(address)
    if len(written) <= len(scheme[0]) + len("://") or not state.md.validateLink(target):
        return False
    state.pending = state.pending[: -len(scheme[0])]
    state.push("link_open", "a", 1).attrs = {"href": target}
    state.push("text", "", 0).content = address
    state.push("link_close", "a", -1)
    state.pos += len(written) - len(scheme[0])
    return True


def _charge_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Reads nothing: it counts what reading costs. Asked before all other rules, wherever a block may begin."""
    current_budget().charge(_RULE_UNITS)
    return False


def _charge_inline(state: StateInline, silent: bool) -> bool:
    current_budget().charge(_RULE_UNITS)
    return False


def _make_markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": True, "breaks": True}).enable(["table", "strikethrough"])
    markdown.disable("lheading")
    markdown.block.ruler.before("table", "budget", _charge_block)
    markdown.inline.ruler.before("text", "budget", _charge_inline)
    markdown.inline.ruler.after("text", "bare_address", _read_bare_address)
    return markdown


_markdown = _make_markdown()
