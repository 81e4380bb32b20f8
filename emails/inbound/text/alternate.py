"""Whom an automatic answer names instead: the address next to a word that asks to turn to it. Pure."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_TURN_TO = re.compile(
    r"contact|reach|e-?mail|write to|turn to|get in touch|wenden|kontaktier|ansprechpartner|schreiben sie|"
    r"contacter|contactez|adresse[rz]|écri[vr]e|contacte|contactar|dirig|escrib|escrev|contatti|contattare|scriv|"
    r"neem .{0,30}contact|mail naar|kontakta|hör av|kontakt",
    re.IGNORECASE,
)
_LOOK_BACK, _LOOK_AHEAD = 120, 40
_LONGEST_TEXT = 4_000


def find_alternate(text: str, sender: str) -> str:
    """The first such address in lower case, other than the sender's own; empty when there is none."""
    text = text[:_LONGEST_TEXT]
    for found in _ADDRESS.finditer(text):
        address = found[0].lower().strip(".'")
        around = (
            text[max(found.start() - _LOOK_BACK, 0) : found.start()] + text[found.end() : found.end() + _LOOK_AHEAD]
        )
        if address != sender and _TURN_TO.search(around):
            return address
    return ""
