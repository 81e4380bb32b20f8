"""Who of a file must not be mailed: what CRMs and mail programs export about opt-outs, bounces and complaints. Pure.

Flags say it (`Opted Out`, `Unsubscribed from all email`), whose cell is yes, no or the time of it; columns that are
filled only then (`Email hard bounce reason`); and states (`Stage`, `Lead Status`), whose cell may be a word for it. A
flag that is neither yes nor no makes the row unusable: it must not be guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sequences.contacts.csv_reader import unescape_cell


class OptOutKind(StrEnum):
    """What happened, as reasons of suppressions are called."""

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


@dataclass(frozen=True, slots=True)
class OptOut:
    """`said`: the cell that says it, with its column."""

    kind: OptOutKind
    said: str


class UnclearFlagError(ValueError):
    """A flag is neither yes nor no; one line."""


# Words without blanks, marks and case.
_FLAGS = {
    OptOutKind.UNSUBSCRIBED: (
        "optedout", "optout", "isoptedout", "hasoptedout", "emailoptedout", "emailoptout", "emailsoptedout",
        "hasoptedoutofemail", "optedoutofemail", "optedoutofemails", "optedoutofallemail", "optoutofemail",
        "unsubscribed", "isunsubscribed",
        "unsubscribedfromallemail", "unsubscribedfromallemails", "portalunsubscribe", "globalunsubscribe",
        "donotcontact", "donotemail", "donotmail", "dnc", "dontcontact", "dontemail", "nocontact", "blacklisted",
        "blocklisted", "suppressed", "issuppressed", "abgemeldet", "désabonné", "désinscrit",
    ),
    OptOutKind.BOUNCED: (
        "bounced", "hasbounced", "emailbounced", "hardbounced", "emailhardbounced", "portalbounce", "globalbounce",
        "isbounced", "hardbounce",
    ),
    OptOutKind.COMPLAINED: ("portalspamreport", "spamreport", "markedasspam", "spamcomplaint", "complained"),
}  # fmt: skip
_FILLED = {
    **dict.fromkeys(
        (
            "optedoutat", "optedoutdate", "emailoptedoutat", "emailsoptedoutat", "optoutdate", "unsubscribedat",
            "unsubscribedate", "unsubscribeddate",
        ),
        OptOutKind.UNSUBSCRIBED,
    ),
    **dict.fromkeys(
        ("emailhardbouncereason", "hardbouncereason", "emailhardbouncereasonenum", "bouncedat", "bounceddate"),
        OptOutKind.BOUNCED,
    ),
}  # fmt: skip
_KIND_OF_FLAG = {word: kind for kind, words in _FLAGS.items() for word in words}
_STATES = frozenset(
    {
        "stage", "contactstage", "prospectstage", "leadstage", "status", "leadstatus", "contactstatus",
        "prospectstatus", "emailstatus", "campaignstatus", "state", "laststate", "leadstate", "leadlaststate",
        "subscriptionstatus", "unsubscribestatus", "emailsubscriptionstatus", "emailoptstatus", "emailsoptstatus",
    }
)  # fmt: skip
_KIND_OF_STATE = {
    **dict.fromkeys(
        (
            "unsubscribed", "emailsunsubscribed", "emailunsubscribed", "leadunsubscribed", "optedout", "optout",
            "emailoptedout", "donotcontact", "donotemail", "dnc", "blacklisted", "blocklisted", "unsubscribedfromall",
        ),
        OptOutKind.UNSUBSCRIBED,
    ),
    **dict.fromkeys(
        ("bounced", "emailsbounced", "emailbounced", "hardbounced", "hardbounce", "leadbounced"), OptOutKind.BOUNCED
    ),
    **dict.fromkeys(("spam", "spamreport", "markedasspam", "complained", "spamcomplaint"), OptOutKind.COMPLAINED),
}  # fmt: skip
_ORDER = (OptOutKind.UNSUBSCRIBED, OptOutKind.COMPLAINED, OptOutKind.BOUNCED)
# What is no part of a word.
_WORD = re.compile(r"[\W_]+")
_YES = frozenset({"true", "yes", "y", "1", "x", "t", "on", "✓", "✔", "wahr", "ja", "vrai", "oui", "si", "sí", "sim"})
_NO = frozenset({"false", "no", "n", "0", "f", "off", "-", "–", "falsch", "nein", "faux", "non", "não", "null", "none"})
_WRITTEN_DATE = re.compile(
    r"\d{1,2}([./-])\d{1,2}\1\d{4}(?:,? \d{1,2}:\d{2}(?::\d{2})?(?: ?[ap]m)?)?|[a-z]{3,9}\.? \d{1,2},? \d{4}"
)


class OptOutReader:
    """Reads the rows of one file.

    `columns` as they are written, `read_as` what a mapping makes of them, `left_out` the places that are not read.
    """

    def __init__(
        self, columns: Sequence[str], read_as: Sequence[str] | None = None, left_out: Iterable[int] = ()
    ) -> None:
        skipped = frozenset(left_out)
        words = [(place, _WORD.sub("", column.lower())) for place, column in enumerate(read_as or columns)]
        self._columns = columns
        self._flags = [
            (place, _KIND_OF_FLAG[word]) for place, word in words if word in _KIND_OF_FLAG and place not in skipped
        ]
        self._filled = [(place, _FILLED[word]) for place, word in words if word in _FILLED and place not in skipped]
        #: Whether some column is there for nothing else.
        self.has_flags = bool(self._flags or self._filled)
        self._states = [place for place, word in words if word in _STATES and place not in skipped]

    def read(self, cells: Sequence[str]) -> OptOut | None:
        """What a row says. Raises `UnclearFlagError`."""
        found = []
        for place, kind in self._flags:
            text = unescape_cell(cells[place]).strip()
            if _is_set(text.lower(), self._say(place, text)):
                found.append(OptOut(kind, self._say(place, text)))
        for place, kind in self._filled:
            text = unescape_cell(cells[place]).strip()
            if text and text.lower() not in _NO:
                found.append(OptOut(kind, self._say(place, text)))
        for place in self._states:
            text = unescape_cell(cells[place]).strip()
            state = _KIND_OF_STATE.get(_WORD.sub("", text.lower()))
            if state:
                found.append(OptOut(state, self._say(place, text)))
        # an opt-out says more than a bounce, whichever stands first
        return min(found, key=lambda each: _ORDER.index(each.kind), default=None)

    def _say(self, place: int, text: str) -> str:
        return f"{self._columns[place].strip()[:50]} is {text[:50]!r}"


def _is_set(text: str, said: str) -> bool:
    word = _WORD.sub("", text)
    if not text or text in _NO or word in {"optedin", "subscribed", "notoptedout", "notset", "na"}:
        return False
    if text in _YES or word in _KIND_OF_STATE or _is_time(text):
        return True
    raise UnclearFlagError(f"{said}, which is neither yes nor no: correct it, or leave the column out")


def _is_time(text: str) -> bool:
    """The time of it, as spreadsheets and programs write times."""
    if _WRITTEN_DATE.fullmatch(text):
        return True
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return True
