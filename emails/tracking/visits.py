"""Whether a person or a machine opened or clicked. Pure, so that the rules can be replayed over what was stored.

Mail security scans links and images on arrival, and some mail programs prefetch everything; neither says that a person
read the email. Scanners are known by what they request: no content is hidden in emails to find them. Google's image
proxy fetches when the reader opens, so it counts as a person, with less confidence.
Raise `RULES_VERSION` with every change of a rule: `backfill_engagement` then classifies stored visits again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from emails.choices import Verdict

RULES_VERSION = 3
PREFETCH = timedelta(seconds=10)
# A visit that looks like a person's waits so long: a scanner's next link may still come.
CLASSIFIED_AFTER = timedelta(seconds=15)
BURST = timedelta(seconds=10)
BURST_LINKS = 3
# Faster than a person finds and follows a second link.
RUSH = timedelta(seconds=2)
RUSH_LINKS = 2
HEADERS_REACH = timedelta(seconds=60)

_MACHINES = re.compile(
    r"bot\b|crawl|spider|scanner|curl/|wget/|python-requests|python-urllib|go-http-client|okhttp|java/|libwww|"
    r"barracuda|mimecast|proofpoint|symantec|messagelabs|fireeye|trendmicro|sophos|cloudmark|forcepoint|ironport|"
    r"headlesschrome|phantomjs|monitor|preview|safelinks",
    re.IGNORECASE,
)
_PROXIES = re.compile(r"googleimageproxy|yahoomailproxy", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of the pixel or of a tracked link, with what is kept of it."""

    method: str
    user_agent: str
    occurred_at: datetime
    handed_over_at: datetime | None


@dataclass(frozen=True, slots=True)
class NearbyVisits:
    """What else came to the same email.

    `links_in_burst` and `links_in_rush`: different links within `BURST` and `RUSH` of the visit, its own included.
    `agent_asked_for_headers`: the same user agent sent a HEAD request within `HEADERS_REACH`; browsers send none.
    """

    links_in_burst: int = 1
    links_in_rush: int = 1
    agent_asked_for_headers: bool = False


ALONE = NearbyVisits()


@dataclass(frozen=True, slots=True)
class VisitVerdict:
    """`confidence` in percent: how sure the verdict is."""

    verdict: Verdict
    reason: str
    confidence: int


def classify_visit(visit: Visit, nearby: NearbyVisits = ALONE) -> VisitVerdict:
    """The same visit beside the same others always gets the same verdict."""
    agent = visit.user_agent.strip()
    if visit.method == "HEAD":
        return VisitVerdict(Verdict.MACHINE, "asked for the headers only", 99)
    if _MACHINES.search(agent) and not _PROXIES.search(agent):
        return VisitVerdict(Verdict.MACHINE, "the user agent of a scanner", 97)
    if nearby.links_in_burst >= BURST_LINKS:
        return VisitVerdict(Verdict.MACHINE, f"{nearby.links_in_burst} links within {BURST.seconds} seconds", 95)
    if nearby.links_in_rush >= RUSH_LINKS:
        return VisitVerdict(Verdict.MACHINE, f"{nearby.links_in_rush} links within {RUSH.seconds} seconds", 92)
    if not agent:
        return VisitVerdict(Verdict.MACHINE, "no user agent", 90)
    if nearby.agent_asked_for_headers:
        return VisitVerdict(Verdict.MACHINE, "the same user agent asked for headers only", 90)
    if agent == "Mozilla/5.0":
        return VisitVerdict(Verdict.MACHINE, "the user agent of Apple's mail privacy proxy", 85)
    if visit.handed_over_at is not None and visit.occurred_at - visit.handed_over_at < PREFETCH:
        return VisitVerdict(Verdict.MACHINE, f"within {PREFETCH.seconds} seconds of sending", 80)
    if _PROXIES.search(agent):
        return VisitVerdict(Verdict.HUMAN, "", 60)
    return VisitVerdict(Verdict.HUMAN, "", 80)


def classify_at_once(visit: Visit) -> VisitVerdict:
    """When the request comes: an obvious machine is known, everything else is classified after `CLASSIFIED_AFTER`."""
    found = classify_visit(visit)
    if found.verdict is Verdict.MACHINE:
        return found
    return VisitVerdict(Verdict.PENDING, "classified when it is known what else comes", 0)
