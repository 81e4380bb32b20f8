"""Splits what the writer of a reply wrote from what the mail quotes, signs and adds. Pure.

Line by line: a line with `>` is quoted; a line that introduces a quote ("On … wrote:") is too, and so is everything
below it unless `>` follows; a block of headers (From, Sent, To, Subject) or a separator ("Original Message") ends what
is new. Text between quoted lines stays new: it answers them. No line is lost: what is not new is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from emails.inbound.text.calendar_names import find_weekday
from emails.inbound.text.lexer import fold, tokenise
from emails.inbound.text.phrases import PhraseTable
from emails.inbound.text.vocabulary.quote_words import FOOTERS, HEADER_LABELS, ORIGINAL, WROTE

_LONGEST_TEXT = 100_000
_MOST_LINES = 5_000
_LONGEST_LINE = 400
_INTRO_LINES = 4
_LONGEST_INTRO = 500
_HEADER_LINES = 9
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_ADDRESS = re.compile(r"[^\s<>()\[\]@]{1,64}@[A-Za-z0-9-]{1,63}\.[A-Za-z0-9.-]{2,}")
_DATE = re.compile(r"\b(?:19|20|25)\d\d\b|\b\d{1,2}[:.h]\d{2}\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}[时時시]")
_LABEL = re.compile(r"^[*_\s]*([^\W\d_][^:：\n]{0,30}?)[*_\s]*[:：][*_\s]*(.*)$")
_INLINE_LABEL = re.compile(r"([^\W\d_]{1,20})\s?[:：]")
_ONLY_DASHES = re.compile(r"^[-_=*~\s]{3,}$")
_UNDERSCORES = re.compile(r"^_{10,}$")
_BETWEEN_DASHES = re.compile(r"^[-_=*~]{2,}\s*([^\s-].{2,80}?)\s*[-_=*~]{2,}$")
_SIGNATURE = re.compile(r"^-- ?$|^—\s?$")
_STARTER = re.compile(
    r"^[\"'*_<(\[]*(?:(?:on|am|le|el|il|em|op|den|dne|dnia|w dniu|pe|la|în|in|no dia|a|az|vào|pada|ter|do|у|в|на|στις|"
    r"בתאריך|ב-|في|dňa|dana|ngày|em|data|quoting|message|date|kl|il giorno|el día)\b|\d)|^[^\s@]+@|^[-–*_ ]{2,}\s?on\b",
    re.IGNORECASE,
)
_BLANK_LINES = re.compile(r"\n{3,}")
_ROLES = {
    fold_label: role
    for role, labels in HEADER_LABELS.items()
    for label in "|".join(labels.split()).split("|")
    if (fold_label := " ".join(token.text for token in tokenise(label.replace("_", " "))))
}


def _table(phrases: str, kind: str) -> PhraseTable:
    return PhraseTable({"": {kind: phrases}})


_WROTE = _table("\n".join(WROTE.split()), "wrote")
_ORIGINAL = _table("\n".join(re.split(r"[\s|]+", ORIGINAL.strip())), "original")
_FOOTERS = _table(FOOTERS, "footer")


@dataclass(frozen=True, slots=True)
class SplitText:
    """`new`: what the writer wrote. `quoted`: all other lines in their order: quotes, signature, footers."""

    new: str
    quoted: str


def split_quoted(text: str) -> SplitText:
    """Split plain text into what is new and what is not; never raises, in linear time.

    What lies beyond 100,000 characters or 5,000 lines counts as quoted.
    """
    head, tail = text[:_LONGEST_TEXT], text[_LONGEST_TEXT:]
    if tail:
        head, _, rest = head.rpartition("\n")
        tail = rest + tail
    lines = [line.rstrip() for line in re.split(r"\r\n|\r|\n", head.replace("\x00", ""))]
    shown = [_INVISIBLE.sub("", line).replace("\xa0", " ").strip()[:_LONGEST_LINE] for line in lines[:_MOST_LINES]]
    is_new = [*_mark_new(shown), *(False for _ in lines[_MOST_LINES:])]
    new = "\n".join(line for line, keep in zip(lines, is_new, strict=True) if keep or not line)
    quoted = "\n".join(line for line, keep in zip(lines, is_new, strict=True) if line and not keep)
    return SplitText(_BLANK_LINES.sub("\n\n", new).strip(), f"{quoted}\n{tail}".strip() if tail else quoted)


def _mark_new(lines: Sequence[str]) -> list[bool]:
    is_new = [bool(line) for line in lines]
    position, in_signature = 0, False
    while position < len(lines):
        line = lines[position]
        if not line:
            position += 1
            continue
        if line[0] in ">＞":
            is_new[position] = in_signature = False
            position += 1
            continue
        if _starts_quoted_mail(lines, position):
            start = _include_separators(lines, position)
            is_new[start:] = [False] * (len(lines) - start)
            break
        length = _measure_intro(lines, position)
        if length:
            in_signature = False
            if not _quotes_next(lines, position + length):
                is_new[position:] = [False] * (len(lines) - position)
                break
            is_new[position : position + length] = [False] * length
            position += length
            continue
        in_signature = in_signature or bool(_SIGNATURE.match(line)) or _ends_text(lines, position, is_new)
        if in_signature or _is_footer(line):
            is_new[position] = False
        position += 1
    return is_new


def _starts_quoted_mail(lines: Sequence[str], position: int) -> bool:
    """A separator such as "-----Original Message-----", or a block of headers."""
    line = lines[position]
    between = _BETWEEN_DASHES.match(line)
    title = between[1] if between else line if line.endswith((":", "：")) and len(line) < 80 else ""
    if title and _ORIGINAL.find_all(tokenise(title)):
        return True
    if between and _WROTE.find_all(tokenise(title)) and _DATE.search(title):
        return True
    return _is_header_block(lines, position) or _holds_headers(line)


def _holds_headers(line: str) -> bool:
    """A block of headers whose line ends were lost."""
    roles = {_ROLES.get(fold(found[1])) for found in _INLINE_LABEL.finditer(line)} - {None}
    return {"from", "to", "subject"} <= roles and bool(_ADDRESS.search(line)) and bool(_read_label(line))


def _is_header_block(lines: Sequence[str], position: int) -> bool:
    if not (_read_label(lines[position]) or ("",))[0]:
        return False
    roles: dict[str, str] = {}
    labelled = 0
    is_blank = False
    for line in lines[position : position + _HEADER_LINES]:
        if not line:
            if is_blank:
                break
            is_blank = True
            continue
        label = _read_label(line)
        if label is None:
            if not _is_continuation(line):
                break
            continue
        labelled += 1
        if label[0]:
            roles.setdefault(*label)
    sender = roles.get("from")
    if sender is not None:
        if "subject" in roles and not roles.keys().isdisjoint({"sent", "to", "date"}):
            return True
        if ("sent" in roles and next(iter(roles)) == "from") or ("date" in roles and _ADDRESS.search(sender)):
            return True
    # labels of an unknown language between known ones
    values = " ".join(roles.values())
    return labelled >= 4 and len(roles) >= 2 and bool(_ADDRESS.search(values)) and bool(_DATE.search(values))


@lru_cache(maxsize=1_024)
def _read_label(line: str) -> tuple[str, str] | None:
    """(role, value) of a line "Label: value"; the role of an unknown label is empty. None for any other line."""
    found = _LABEL.match(line)
    if found is None:
        return None
    return _ROLES.get(" ".join(token.text for token in tokenise(found[1])), ""), found[2]


def _is_continuation(line: str) -> bool:
    """Recipients that go on in the next line."""
    return bool(_ADDRESS.search(line)) or line.endswith((";", ","))


def _include_separators(lines: Sequence[str], position: int) -> int:
    """Back over blank lines, dashes and a line between dashes directly above."""
    start = position
    while start > 0 and (
        not lines[start - 1] or _ONLY_DASHES.match(lines[start - 1]) or _BETWEEN_DASHES.match(lines[start - 1])
    ):
        start -= 1
    return start


def _measure_intro(lines: Sequence[str], position: int) -> int:
    """How many lines from `position` on introduce a quote; 0 when none does."""
    for length in range(1, _INTRO_LINES + 1):
        part = lines[position : position + length]
        if len(part) < length or not part[-1] or part[-1][0] in ">＞":
            return 0
        if not part[-1].rstrip("*_- ").endswith((":", "：")) and not part[-1].endswith("--"):
            continue
        joined = " ".join(part)
        if len(joined) > _LONGEST_INTRO or (length > 1 and not _may_start_intro(part[0])):
            return 0
        has_date, has_address = bool(_DATE.search(joined)), bool(_ADDRESS.search(joined))
        has_wrote = bool(_WROTE.find_all(tokenise(joined[-_LONGEST_LINE:])))
        follows = _quotes_next(lines, position + length)
        if (has_wrote and (has_date or has_address or follows)) or (has_address and (has_date or follows)):
            return length
        return 0
    return 0


def _may_start_intro(line: str) -> bool:
    """Whether a line of several may be the first one: a date or a name, and no sentence of its own."""
    if _ADDRESS.search(line):
        return True
    if line.endswith((".", "!", "?")) and not _DATE.search(line):
        return False
    if _STARTER.match(line):
        return True
    words = tokenise(line[:40])
    return (
        bool(_STARTER.match(line))
        or bool(words and find_weekday(words[0].text, is_beside_date=True) is not None)
        or bool(_ADDRESS.search(line))
    )


def _quotes_next(lines: Sequence[str], position: int) -> bool:
    following = next((line for line in lines[position : position + 4] if line), "")
    return following[:1] in {">", "＞"}


def _ends_text(lines: Sequence[str], position: int, is_new: Sequence[bool]) -> bool:
    """A long line of underscores below new text: what follows belongs to the signature."""
    return bool(_UNDERSCORES.match(lines[position])) and any(is_new[:position])


def _is_footer(line: str) -> bool:
    return len(line) < 90 and bool(_FOOTERS.find_all(tokenise(line)))
