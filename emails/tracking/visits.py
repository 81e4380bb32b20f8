"""Whether a person or a machine opened or clicked. Pure, so that the rules can be replayed over what was stored.

Mail security scans links and images on arrival, and some mail programs prefetch everything; neither says that anybody
read the email. Google's image proxy fetches when the reader opens, so it counts as a person, with less confidence.
Raise `RULES_VERSION` with every change of a rule: `backfill_engagement` judges again what older rules have judged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from emails.choices import Verdict

RULES_VERSION = 2
PREFETCH = timedelta(seconds=10)
# What a person's visit looks like waits so long: a scanner's next link may still come.
SETTLES_AFTER = timedelta(seconds=15)
BURST = timedelta(seconds=10)
BURST_LINKS = 3
HONEYPOT_REACH = timedelta(seconds=60)

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
class Surroundings:
    """What else came to the same email: different links within `BURST` of the visit, itself included; and whether the

    link that no reader sees was followed within `HONEYPOT_REACH`.
    """

    links_at_once: int = 1
    touched_honeypot: bool = False


ALONE = Surroundings()


@dataclass(frozen=True, slots=True)
class Judgement:
    """`confidence` in percent: how sure the verdict is."""

    verdict: Verdict
    reason: str
    confidence: int


def judge_visit(visit: Visit, around: Surroundings = ALONE) -> Judgement:
    """The same visit in the same surroundings is always judged the same."""
    agent = visit.user_agent.strip()
    if visit.method == "HEAD":
        return Judgement(Verdict.MACHINE, "asked for the headers only", 99)
    if around.touched_honeypot:
        return Judgement(Verdict.MACHINE, "came with a visit of the link that no reader sees", 98)
    if _MACHINES.search(agent) and not _PROXIES.search(agent):
        return Judgement(Verdict.MACHINE, "the user agent of a scanner", 97)
    if around.links_at_once >= BURST_LINKS:
        return Judgement(Verdict.MACHINE, f"{around.links_at_once} links within {BURST.seconds} seconds", 95)
    if not agent:
        return Judgement(Verdict.MACHINE, "no user agent", 90)
    if agent == "Mozilla/5.0":
        return Judgement(Verdict.MACHINE, "the user agent of Apple's mail privacy proxy", 85)
    if visit.handed_over_at is not None and visit.occurred_at - visit.handed_over_at < PREFETCH:
        return Judgement(Verdict.MACHINE, f"within {PREFETCH.seconds} seconds of sending", 80)
    if _PROXIES.search(agent):
        return Judgement(Verdict.HUMAN, "", 60)
    return Judgement(Verdict.HUMAN, "", 80)


def judge_at_once(visit: Visit) -> Judgement:
    """At the door: a machine that shows itself is known, everybody else is judged after `SETTLES_AFTER`."""
    found = judge_visit(visit)
    if found.verdict is Verdict.MACHINE:
        return found
    return Judgement(Verdict.PENDING, "judged when it is known what else comes", 0)
