"""The last pass over a sanitised page: links completed, pictures and backgrounds that cannot be shown removed. Pure.

The page is in the canonical form of nh3, so it can be read tag by tag: attributes are quoted, elements closed, and text
holds no character reference but `&amp;`, `&lt;`, `&gt;` and `&nbsp;`.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from sequences.content.allowed import split_declarations
from sequences.content.links import complete_target, find_bare_links

_TAG = re.compile(r"<(/?)([a-z][a-z\d]*)((?:\s[^\s=>]+=\"[^\"]*\")*)\s*/?>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\s([^\s=>]+)=\"([^\"]*)\"")
_VOID = frozenset({"area", "br", "col", "hr", "img", "wbr"})
_CODE = frozenset({"code", "pre", "kbd", "samp"})
_LOADING = re.compile(r"\b(?:url|image|image-set|cross-fade|element|expression)\((?:\"[^\"]*\"|'[^']*'|[^()])*\)")
_COLOUR = re.compile(
    r"(#[0-9a-f]{3,8}|(?:rgb|hsl)a?\([^)]*\)|\b(?!(?:no-repeat|repeat|repeat-x|repeat-y|round|space|center|top|left|"
    r"right|bottom|cover|contain|auto|fixed|local|scroll|none|border-box|padding-box|content-box|initial|inherit|"
    r"unset|transparent|important)\b)[a-z]{3,}\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Page:
    """`html`: the content of the email. `changes`: what this pass changed, one message each, for the author."""

    html: str
    changes: tuple[str, ...]


@dataclass(slots=True)
class _State:
    out: list[str] = field(default_factory=list)
    changes: dict[str, None] = field(default_factory=dict)
    #: open elements: (tag, whether the element lost the background that its text was written for)
    open: list[tuple[str, bool]] = field(default_factory=list)
    links: int = 0
    code: int = 0

    def tell(self, message: str) -> None:
        self.changes[message] = None

    @property
    def is_on_white(self) -> bool:
        return bool(self.open) and self.open[-1][1]


def finish_page(clean: str) -> Page:
    """Make bare addresses links, complete link targets, and remove what needs a file that the email does not bring."""
    state = _State()
    end = 0
    for tag in _TAG.finditer(clean):
        _write_text(state, clean[end : tag.start()])
        end = tag.end()
        if tag[1]:
            _close(state, tag[2].lower())
            state.out.append(tag[0])
        else:
            _open(state, tag[2].lower(), tag[0], tag[3])
    _write_text(state, clean[end:])
    return Page("".join(state.out), tuple(state.changes))


def _write_text(state: _State, text: str) -> None:
    if state.links or state.code or ("://" not in text and "www." not in text.lower()):
        state.out.append(text)
        return
    plain = html.unescape(text)
    end = 0
    for link in find_bare_links(plain):
        label = _escape(plain[link.start : link.end])
        state.out.append(f'{_escape(plain[end : link.start])}<a href="{html.escape(link.target)}">{label}</a>')
        end = link.end
    state.out.append(_escape(plain[end:]) if end else text)


def _escape(text: str) -> str:
    return html.escape(text, quote=False).replace("\u00a0", "&nbsp;")


def _open(state: _State, tag: str, written: str, attributes: str) -> None:
    loses_background = state.is_on_white
    if attributes:
        values = dict(_ATTRIBUTE.findall(attributes))
        if tag == "img" and not _finish_picture(state, values):
            return
        if "href" in values:
            _finish_target(state, values)
        if "style" in values or "bgcolor" in values:
            loses_background = _finish_styles(state, values, on_white=loses_background)
        rebuilt = "".join(f' {name}="{value}"' for name, value in values.items())
        written = written if rebuilt == attributes else f"<{tag}{rebuilt}>"
    elif tag == "img":
        return
    state.out.append(written)
    if tag in _VOID:
        return
    state.open.append((tag, loses_background))
    state.links += tag == "a"
    state.code += tag in _CODE


def _close(state: _State, tag: str) -> None:
    while state.open:
        name, _ = state.open.pop()
        state.links -= name == "a"
        state.code -= name in _CODE
        if name == tag:
            return


def _finish_picture(state: _State, values: dict[str, str]) -> bool:
    """Whether the picture can be shown; if not, its alternative text takes its place."""
    source = html.unescape(values.get("src", ""))
    target = complete_target(source) if source else None
    if target is not None and target.lower().startswith(("https://", "http://")):
        if target != source:
            state.tell(f"the picture {source} is loaded from {target}: write the whole address")
            values["src"] = html.escape(target)
        return True
    if source:
        state.tell(f"the picture {source} is removed: put it on a web server and give its address, https://…")
    state.out.append(values.get("alt", ""))
    return False


def _finish_target(state: _State, values: dict[str, str]) -> None:
    written = html.unescape(values["href"])
    target = complete_target(written)
    if target is None:
        state.tell(f"the link {written!r} leads nowhere and is removed: write the whole address, https://…")
        del values["href"]
    elif target != written:
        if target != written.strip():
            state.tell(f"the link {written} becomes {target}: write it so")
        values["href"] = html.escape(target)


def _finish_styles(state: _State, values: dict[str, str], *, on_white: bool) -> bool:
    """Remove backgrounds that would load a file, with the text colours meant for them.

    Returns whether what is inside stands on the white page although it was written for another background.
    """
    kept: list[str] = []
    has_background, lost = "bgcolor" in values, False
    for declaration in split_declarations(html.unescape(values.get("style", ""))):
        name, _, value = declaration.partition(":")
        name, bare = name.strip().lower(), _LOADING.sub(" ", value)
        if bare == value:
            kept.append(declaration)
            has_background |= name.startswith("background") and value.strip().lower() not in ("none", "transparent")
            continue
        colour = _COLOUR.search(bare) if name == "background" else None
        if colour:
            kept.append(f"background-color:{colour[1]}")
            has_background = True
        lost |= name.startswith("background")
        state.tell(
            f"the picture in the style {name} is removed{', its colour stays' if colour else ''}: "
            "use a background colour, or an img element"
        )
    is_bare = not has_background and (lost or on_white)
    if is_bare and any(_is_colour(declaration) for declaration in kept):
        kept = [declaration for declaration in kept if not _is_colour(declaration)]
        state.tell("the text colour on a removed background is removed: give the element a background colour")
    if "style" in values:
        if kept:
            values["style"] = html.escape(";".join(kept))
        else:
            del values["style"]
    return is_bare


def _is_colour(declaration: str) -> bool:
    return declaration.partition(":")[0].strip().lower() == "color"
