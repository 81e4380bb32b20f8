"""Whether a person or a machine opened or clicked. Pure.

Mail security scans links and images on arrival, and some mail programs prefetch everything; neither says that anybody
read the email. Google's image proxy fetches when the reader opens, so it counts as a person.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from emails.choices import Verdict

PREFETCH = timedelta(seconds=10)
_MACHINES = re.compile(
    r"bot\b|crawl|spider|scanner|curl/|wget/|python-requests|python-urllib|go-http-client|okhttp|java/|libwww|"
    r"barracuda|mimecast|proofpoint|symantec|messagelabs|fireeye|trendmicro|sophos|cloudmark|forcepoint|ironport|"
    r"headlesschrome|phantomjs|monitor|preview|safelinks",
    re.IGNORECASE,
)
_PEOPLE = re.compile(r"googleimageproxy|yahoomailproxy", re.IGNORECASE)


def judge_visit(
    method: str, user_agent: str, occurred_at: datetime, handed_over_at: datetime | None
) -> tuple[Verdict, str]:
    """(verdict, reason) of one request of a pixel or a tracked link."""
    if method == "HEAD":
        return Verdict.MACHINE, "asked for the headers only"
    if handed_over_at is not None and occurred_at - handed_over_at < PREFETCH:
        return Verdict.MACHINE, f"within {PREFETCH.seconds} seconds of sending"
    if not user_agent.strip():
        return Verdict.MACHINE, "no user agent"
    if _MACHINES.search(user_agent) and not _PEOPLE.search(user_agent):
        return Verdict.MACHINE, "the user agent of a scanner"
    if user_agent.strip() == "Mozilla/5.0":
        return Verdict.MACHINE, "the user agent of Apple's mail privacy proxy"
    return Verdict.HUMAN, ""
