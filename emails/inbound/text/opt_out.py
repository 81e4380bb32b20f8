"""Whether a reply asks to be left alone: exact short phrases in the new text only. Pure.

"Please remove me from your list" is one; "how do people unsubscribe?" is an answer for a person to read.
"""

from __future__ import annotations

import re

_PHRASES = frozenset(
    {
        "unsubscribe", "unsubscribe me", "unsubscribe me from this list", "unsubscribe me from your list",
        "unsubscribe me from these emails", "unsubscribe me from your emails", "unsubscribe me from your mailing list",
        "unsubscribe me from this", "no more emails",
        "remove", "remove me", "remove me from your list", "remove me from this list",
        "remove me from the list", "remove me from your mailing list", "remove me from this mailing list",
        "remove my email", "remove my email address", "take me off", "take me off your list", "take me off this list",
        "take me off the list", "opt out", "opt me out", "optout", "stop emailing me", "stop emailing",
        "stop sending me emails", "stop contacting me", "do not contact me", "do not contact me again",
        "don't contact me", "don't contact me again", "do not email me", "do not email me again", "don't email me",
        "don't email me again", "abmelden", "abbestellen", "austragen", "nehmen sie mich aus ihrem verteiler",
        "keine weiteren e-mails", "keine weiteren mails", "désabonner", "me désabonner", "désinscrire",
        "me désinscrire", "désinscription", "darme de baja", "dar de baja", "darse de baja", "cancelar suscripción",
        "cancellami", "cancella iscrizione", "rimuovetemi", "descadastrar", "cancelar inscrição", "remover",
        "uitschrijven", "afmelden", "avregistrera", "avmeld", "afmeld", "wypisz", "отписаться",
    }
)  # fmt: skip
# Alone they ask for an end; inside a sentence they are ordinary words.
_WHOLE_TEXT = _PHRASES | {"stop", "stopp", "end", "quit"}
_POLITE = re.compile(
    r"\b(please|pls|plz|kindly|just|thanks|thank you|thx|bitte|danke|merci|s'il vous plaît|svp|por favor|gracias|"
    r"per favore|grazie|alstublieft)\b"
)
_FRAGMENT = re.compile(r"[.!?;:,\n–—]+")
_FIRST_LINES = 5
_LONGEST_TEXT = 1_000


def asks_to_stop(subject: str, new_text: str) -> bool:
    """`subject` counts as it is written into a new mail: the answer to a mailto link says "unsubscribe" there."""
    if _tidy(subject) in {"unsubscribe", "opt out"}:
        return True
    if len(new_text) > _LONGEST_TEXT:
        return False
    if _tidy(new_text) in _WHOLE_TEXT:
        return True
    lines = [line for line in new_text.split("\n") if line.strip()][:_FIRST_LINES]
    return any(_tidy(part) in _PHRASES for line in lines for part in _FRAGMENT.split(line))


def _tidy(text: str) -> str:
    lowered = text.casefold().replace("’", "'")
    return " ".join(_POLITE.sub(" ", lowered).split()).strip(" .!?,;:\"'*")
