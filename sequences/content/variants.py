"""Variants of an email step: their form, which one a contact gets, and the text of an email in SQL. Pure.

A contact gets the variant with the highest weighted score of a hash of contact, step and key: weighted rendezvous
hashing (Schindelhauer and Schomaker, "Weighted Distributed Hash Tables", 2005). Shares follow the weights, and a new
variant takes contacts only for itself: no contact moves from one of the others to another.
"""

from __future__ import annotations

import difflib
import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MAX_VARIANTS = 10
MAX_WEIGHT = 1000
MAX_KEY = 32
LONGEST_SUBJECT = 500
LONGEST_BODY = 100_000
VARIANT_KEYS = ("key", "weight", "subject", "body")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_HASH_BITS = 64

# The text of message `m` of step `t`: `arm` has no row, so NULLs, where the message is of no variant that is there.
ARM_JOIN = r"""
LEFT JOIN LATERAL (
    SELECT v.value->>'subject' AS subject, v.value->>'body' AS body, (v.value->>'weight')::int AS weight,
           md5(btrim(regexp_replace((v.value->>'subject') || ' ' || (v.value->>'body'), '\s+', ' ', 'g')))::uuid
               AS content_hash
    FROM jsonb_array_elements(t.variants) v WHERE v.value->>'key' = m.variant
) arm ON true
"""
#: Whether message `m` has a text to send: its variant is there and on, or its step has none and it neither.
HAS_ARM = "(CASE WHEN m.variant = '' THEN t.variants = '[]'::jsonb ELSE coalesce(arm.weight, 0) > 0 END)"
#: With `ARM_JOIN`: subject and body before personalisation as a hash.
TEXT_HASH = "(CASE WHEN m.variant = '' THEN t.content_hash ELSE arm.content_hash END)"
#: Whether step `t` can send, in whichever variant, the text that message `p` had.
HAS_TEXT_OF = r"""
CASE WHEN t.variants = '[]'::jsonb THEN t.content_hash = p.content_hash ELSE EXISTS (
    SELECT 1 FROM jsonb_array_elements(t.variants) v
    WHERE md5(btrim(regexp_replace((v.value->>'subject') || ' ' || (v.value->>'body'), '\s+', ' ', 'g')))::uuid
          = p.content_hash) END
"""


class VariantError(ValueError):
    """One line that names the variant and what to do."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One text of an email step. `weight` 0: switched off. `subject` empty: reply in the thread of the email before."""

    key: str
    weight: int
    subject: str
    body: str


def read_variants(raw: object) -> tuple[Variant, ...]:
    """Check the form of `variants`: a list of `{"key", "weight", "subject", "body"}`; an empty one means none.

    `subject` may be left out: the variant replies in the thread. Raises `VariantError` for the first thing wrong.
    """
    if not isinstance(raw, list | tuple):
        raise VariantError('variants must be a list of {"key", "weight", "subject", "body"}')
    found = tuple(read_variant(place, each) for place, each in enumerate(raw, start=1))
    check_variants(found)
    return found


def check_variants(variants: tuple[Variant, ...]) -> None:
    """Check them together. Raises `VariantError`."""
    if not variants:
        return
    keys = [each.key for each in variants]
    if doubled := next((key for place, key in enumerate(keys) if key in keys[:place]), None):
        raise VariantError(f"two variants have the key {doubled!r}: give each a key of its own")
    if len(variants) == 1:
        raise VariantError("one variant alone has nothing to compare with: add another, or use subject and body")
    if len(variants) > MAX_VARIANTS:
        raise VariantError(f"there are {len(variants)} variants: {MAX_VARIANTS} are allowed")
    if not any(each.weight for each in variants):
        raise VariantError("every variant has the weight 0: give at least one a weight above 0")


def read_variant(place: int, raw: object) -> Variant:
    """The variant at this place, from 1, of a list. Raises `VariantError`."""
    where = f"variant {place}"
    if not isinstance(raw, Mapping):
        raise VariantError(f'{where} must be {{"key", "weight", "subject", "body"}}')
    for name in raw:
        if name not in VARIANT_KEYS:
            close = difflib.get_close_matches(str(name), VARIANT_KEYS, n=1)
            remedy = f"did you mean {close[0]}?" if close else f"use {', '.join(VARIANT_KEYS)}"
            raise VariantError(f"{where} has the unknown key {str(name)[:60]!r}: {remedy}")
    for name in ("key", "weight", "body"):
        if name not in raw:
            raise VariantError(f"{where} has no {name}: give it one")
    key = raw["key"]
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise VariantError(f"{where}: key must be up to {MAX_KEY} letters, digits, . _ or -, not {str(key)[:60]!r}")
    where = f"variant {key}"
    weight = raw["weight"]
    if isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= MAX_WEIGHT:
        raise VariantError(f"{where}: weight must be a whole number from 0 to {MAX_WEIGHT}, not {str(weight)[:60]!r}")
    subject, body = raw.get("subject", ""), raw["body"]
    for name, text, longest in (("subject", subject, LONGEST_SUBJECT), ("body", body, LONGEST_BODY)):
        if not isinstance(text, str):
            raise VariantError(f"{where}: {name} must be text")
        if "\0" in text:
            raise VariantError(f"{where}: {name} holds a NUL character: remove it")
        if len(text) > longest:
            raise VariantError(f"{where}: {name} has {len(text)} characters: {longest} are allowed")
    if "\n" in subject.strip() or "\r" in subject.strip():
        raise VariantError(f"{where}: subject must be one line")
    if not body.strip():
        raise VariantError(f"{where} has no body: write one")
    return Variant(key, weight, subject.strip(), body)


def write_variants(variants: Iterable[Variant]) -> list[dict[str, object]]:
    """As they are stored and answered."""
    return [{"key": each.key, "weight": each.weight, "subject": each.subject, "body": each.body} for each in variants]


def find_variant(variants: Iterable[Variant], key: str) -> Variant | None:
    return next((each for each in variants if each.key == key), None)


def choose_variant(
    contact_id: int, step_id: int, variants: Iterable[Variant], assigned: str | None = None
) -> Variant | None:
    """The variant that this contact gets of this step; None where the step has none that is on.

    `assigned` is the one that the contact was given before: it stays, whatever the weights have become, as long as it
    is there and on.
    """
    on = [each for each in variants if each.weight > 0]
    if assigned and (kept := find_variant(on, assigned)):
        return kept
    return max(on, key=lambda each: (_score(contact_id, step_id, each), each.key), default=None)


def _score(contact_id: int, step_id: int, variant: Variant) -> float:
    digest = hashlib.blake2b(f"{contact_id}:{step_id}:{variant.key}".encode(), digest_size=_HASH_BITS // 8).digest()
    uniform = (int.from_bytes(digest) + 0.5) / 2**_HASH_BITS
    return variant.weight / -math.log(min(uniform, 1 - 2**-53))
