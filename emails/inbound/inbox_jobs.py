"""What the threads of a `Dispatcher` do with inboxes: read those that are due, and search Sent folders for evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from common.fair_share import Shares, Turn, Work
from emails.inbound.evidence import SentSearch, claim_sent_search, ensure_searched
from emails.inbound.inbox_claims import Asked, InboxClaim, claim_inbox, ensure_states
from emails.inbound.polling import read_inbox

# Reading may take a while where there is much to read; a server that answers needs far less.
SLOW_SECONDS = 10.0

OnFacts = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class ReadJob:
    """`on_facts` gets the number of new events."""

    claim: InboxClaim
    now: datetime
    on_facts: OnFacts

    @property
    def work(self) -> Work:
        return self.claim.work

    def run(self, turn: Turn) -> None:
        self.on_facts(read_inbox(self.claim, self.now))

    def give_back(self) -> None:
        self.claim.give_back()


@dataclass(frozen=True, slots=True)
class SearchJob:
    """`on_facts` gets the number of messages that turned out to be sent."""

    search: SentSearch
    on_facts: OnFacts

    @property
    def work(self) -> Work:
        return self.search.work

    def run(self, turn: Turn) -> None:
        self.on_facts(self.search.run())

    def give_back(self) -> None:
        self.search.give_back()


def prepare_inboxes(now: datetime) -> None:
    """Insert the states of new inboxes; call it now and then before `take_inbox_job`."""
    ensure_states()
    ensure_searched(now)


def take_inbox_job(asked: Asked, shares: Shares, on_facts: OnFacts) -> ReadJob | SearchJob | None:
    """Claim what is due: an inbox, else a Sent folder. None when nothing may start now."""
    claim = claim_inbox(asked, shares)
    if claim is not None:
        return ReadJob(claim, asked.now, on_facts)
    if asked.mailbox_ids is not None:
        return None
    search = claim_sent_search(asked.now, shares)
    return None if search is None else SearchJob(search, on_facts)
