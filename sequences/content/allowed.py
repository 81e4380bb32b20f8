"""What a page may contain: elements, attributes and styles that mail programs show and that cannot do harm. Pure.

nh3 enforces the lists. `list_removed` tells an author beforehand what is lost by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import nh3

TAGS = nh3.ALLOWED_TAGS | {"center", "font", "u", "section", "main"}
_BOX = {"align", "bgcolor", "height", "valign", "width"}
_ATTRIBUTES = {
    **{tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()},
    "*": {"style", "align", "valign", "dir", "lang", "title"},
    "table": {"border", "cellpadding", "cellspacing", "role", *_BOX},
    "tbody": _BOX, "thead": _BOX, "tfoot": _BOX, "tr": _BOX,
    "td": {"colspan", "rowspan", "nowrap", *_BOX},
    "th": {"colspan", "rowspan", "nowrap", "scope", *_BOX},
    "img": {"src", "alt", "width", "height", "border", "hspace", "vspace"},
    "font": {"color", "face", "size"},
    "ol": {"start", "type"}, "ul": {"type"}, "li": {"value", "type"},
}  # fmt: skip
_SIDES = ("", "-top", "-right", "-bottom", "-left")
STYLES = frozenset(
    {
        *(f"{name}{side}" for name in ("margin", "padding") for side in _SIDES),
        *(f"border{side}{part}" for side in _SIDES for part in ("", "-color", "-style", "-width")),
        "background", "background-color", "background-image", "border-collapse", "border-radius", "border-spacing",
        "border-bottom-left-radius", "border-bottom-right-radius", "border-top-left-radius", "border-top-right-radius",
        "box-shadow", "box-sizing", "caption-side", "clear", "color", "direction", "display", "empty-cells", "float",
        "font", "font-family", "font-size", "font-stretch", "font-style", "font-variant", "font-weight", "height",
        "letter-spacing", "line-height", "list-style", "list-style-position", "list-style-type", "max-height",
        "max-width", "min-height", "min-width", "opacity", "outline", "overflow", "overflow-wrap", "table-layout",
        "text-align", "text-decoration", "text-decoration-color", "text-decoration-line", "text-decoration-style",
        "text-indent", "text-overflow", "text-shadow", "text-transform", "vertical-align", "white-space", "width",
        "word-break", "word-spacing", "word-wrap",
    }
)  # fmt: skip
SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_DROPPED_WITH_CONTENT = frozenset({"script", "style", "head", "title"})
# Nothing that a reader sees is lost with these.
_UNSEEN_TAGS = frozenset({"html", "head", "body", "meta", "title", "style"})
_UNSEEN_ATTRIBUTES = re.compile(
    r"class|id|name|rel|target|xmlns.*|data-.*|aria-.*|role|tabindex|alt|charset|content|http-equiv|loading|decoding|"
    r"hreflang|cite|datetime|srcset|sizes|summary"
)
_DECLARATION = re.compile(r"\s*([a-z-]+)\s*:", re.IGNORECASE)
_AT_RULE = re.compile(r"@[a-z-]+", re.IGNORECASE)
_PSEUDO = re.compile(r"[\w\])*]::?((?:hover|active|focus|visited|link|before|after|first-letter|first-line)\b)")
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])", re.IGNORECASE)
_SCHEME = re.compile(r"\s*([a-z][a-z\d+-]*):", re.IGNORECASE)

_cleaner = nh3.Cleaner(
    tags=TAGS,
    attributes=_ATTRIBUTES,
    url_schemes=set(SCHEMES),
    filter_style_properties=set(STYLES),
    link_rel=None,
    clean_content_tags=set(_DROPPED_WITH_CONTENT),
)


def sanitise(page: str) -> str:
    """The page without anything that is not allowed, in canonical form (quoted attributes, closed elements)."""
    return _cleaner.clean(page)


def list_removed(source: str, page: str) -> list[str]:
    """What `sanitise` takes from `page`, and what became of the style sheets in `source`: what happens · what to do."""
    scan = _Scan()
    scan.feed(page)
    scan.close()
    return list(dict.fromkeys([*_list_rules(source), *scan.list_messages()]))


def _list_rules(source: str) -> Iterator[str]:
    sheets = " ".join(re.findall(r"<style[^>]*>(.*?)</style>", source, re.DOTALL | re.IGNORECASE))
    lost = dict.fromkeys([*_AT_RULE.findall(sheets), *(f":{name}" for name in _PSEUDO.findall(sheets))])
    if lost:
        yield (
            f"the style rules {', '.join(lost)} are removed: mail gets its styles element by element; "
            "make sure that the email can be read without them"
        )
    if re.search(r"<link\b[^>]*stylesheet", source, re.IGNORECASE):
        yield "the linked style sheet is not loaded: write its rules into a style element"


class _Scan(HTMLParser):
    """Collects the names of what will be removed."""

    def __init__(self) -> None:
        super().__init__()
        self._tags: dict[str, None] = {}
        self._attributes: dict[str, None] = {}
        self._styles: dict[str, None] = {}
        self._targets: dict[str, None] = {}
        self._pictures: dict[str, None] = {}
        self._hides = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            if tag not in _UNSEEN_TAGS and tag != "link":
                self._tags[f"<{tag}>"] = None
            return
        if tag == "img":
            self._read_picture(dict(attrs).get("src") or "")
        allowed = _ATTRIBUTES.get(tag, set()) | _ATTRIBUTES["*"]
        for name, value in attrs:
            if name not in allowed:
                if not _UNSEEN_ATTRIBUTES.fullmatch(name):
                    self._attributes[name] = None
            elif name == "style":
                self._read_styles(value or "")
            elif name == "href" and (scheme := _SCHEME.match(value or "")) and scheme[1].lower() not in SCHEMES:
                self._targets[_shorten(value or "")] = None

    def _read_picture(self, source: str) -> None:
        scheme = _SCHEME.match(source)
        if not source.strip() or (scheme and scheme[1].lower() not in ("http", "https")):
            self._pictures[_shorten(source.strip()) or "without an address"] = None

    def _read_styles(self, style: str) -> None:
        self._hides |= bool(_HIDING.search(style))
        for declaration in split_declarations(style):
            if (found := _DECLARATION.match(declaration)) and found[1].lower() not in STYLES:
                self._styles[found[1].lower()] = None

    def list_messages(self) -> Iterator[str]:
        if self._tags:
            yield f"{_join(self._tags)} removed: mail programs do not show this; use text, pictures and links"
        if self._attributes:
            yield f"the attribute {_join(self._attributes)} removed: use styles instead"
        if self._styles:
            yield f"the style {_join(self._styles)} removed: mail programs do not agree on it; lay out with tables"
        for source in self._pictures:
            yield f"the picture {source} is removed: put it on a web server and give its address, https://…"
        for target in self._targets:
            yield f"the link {target} is removed: use an address that begins with https://, mailto: or tel:"
        if self._hides:
            yield "a part is hidden (display: none or alike): mail providers take hidden text for spam; remove it"


def split_declarations(style: str) -> list[str]:
    """The declarations of a style attribute; semicolons in quotes and brackets do not separate them."""
    parts, depth, quoted, start = [], 0, "", 0
    for index, char in enumerate(style):
        if quoted:
            quoted = "" if char == quoted else quoted
        elif char in "\"'":
            quoted = char
        elif char == "(":
            depth += 1
        elif char == ")":
            depth = max(depth - 1, 0)
        elif char == ";" and not depth:
            parts.append(style[start:index])
            start = index + 1
    return [part.strip() for part in (*parts, style[start:]) if part.strip()]


def _join(names: dict[str, None]) -> str:
    return f"{', '.join(names)} {'are' if len(names) > 1 else 'is'}"


def _shorten(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}…"
