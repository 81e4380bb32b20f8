"""What the writer of a reply wants. Pure; rules first, a user may correct them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from emails.inbound.text.opt_out import asks_to_stop


class IntentKind(StrEnum):
    """The closed set of intents."""

    INTERESTED = "interested"
    NOT_INTERESTED = "not_interested"
    NOT_NOW = "not_now"
    REFERRAL = "referral"
    OPT_OUT = "opt_out"
    POSSIBLE_OPT_OUT = "possible_opt_out"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Intent:
    """`until`: the day to write again (not now). `referral`: the address named instead. `reason`: rule and words."""

    kind: IntentKind
    until: date | None
    referral: str | None
    reason: str


def find_intent(subject: str, text: str, received_on: date) -> Intent:
    """The intent of a reply; `text` is the new text only."""
    if asks_to_stop(subject, text):
        return Intent(IntentKind.OPT_OUT, None, None, f'asks for no more messages: "{text[:80]}"')
    return Intent(IntentKind.UNCLEAR, None, None, "no rule applies")
