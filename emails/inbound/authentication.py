"""What our own mail server says of a mail's sender: `Authentication-Results` (RFC 8601). Pure.

Only one header counts: the topmost, or the one of the configured authserv-id. Any header below it may be the sender's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from emails.inbound.parse import InboundMail, read_headers

_METHOD = re.compile(r"(?:^|;)\s*(spf|dkim|dmarc)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)([^;]*)", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]{0,500}\)")
_DOMAIN = re.compile(
    r"(?:header\.(?:d|i|from)|smtp\.(?:mailfrom|helo))\s*=\s*\"?(?:[^\s;@\"]*@)?([^\s;@\"]+)", re.IGNORECASE
)
_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Authentication:
    """The results in lower case (`pass`, `fail`, `none` …), empty where the server says nothing. `header`: as it came.

    `is_authenticated`: DMARC passed, or did not fail and SPF or DKIM passed for the domain of the From header.
    """

    header: str = ""
    spf: str = ""
    dkim: str = ""
    dmarc: str = ""
    is_authenticated: bool = False

    @property
    def is_forged(self) -> bool:
        """The From domain disowns the mail: it never has a permanent effect."""
        return self.dmarc == "fail"


NOT_TOLD = Authentication()


def read_authentication(mail: InboundMail, authserv_id: str = "") -> Authentication:
    """`authserv_id`: the name by which the mailbox's own server signs its header; empty: the topmost header counts."""
    headers = read_headers(mail.message, "Authentication-Results")
    if authserv_id:
        headers = [header for header in headers if _name(header) == authserv_id.lower()]
    if not headers:
        return NOT_TOLD
    header = headers[0]
    domain = mail.sender.rpartition("@")[2]
    results: dict[str, str] = {}
    is_aligned = False
    for method, result, rest in _METHOD.findall(_COMMENT.sub(" ", header)):
        name, found = method.lower(), result.lower()
        # one signature that passes is enough
        if results.get(name) != "pass":
            results[name] = found
        if found == "pass" and name != "dmarc":
            is_aligned = is_aligned or _is_aligned(domain, rest)
    dmarc = results.get("dmarc", "")
    return Authentication(
        header=header[:_LONGEST],
        spf=results.get("spf", ""),
        dkim=results.get("dkim", ""),
        dmarc=dmarc,
        is_authenticated=dmarc == "pass" or (dmarc != "fail" and is_aligned),
    )


def _name(header: str) -> str:
    words = _COMMENT.sub(" ", header).partition(";")[0].split()
    return words[0].lower() if words else ""


def _is_aligned(domain: str, properties: str) -> bool:
    """Relaxed alignment without the public suffix list: the same domain, or one is below the other."""
    named = [found.lower().rstrip(".") for found in _DOMAIN.findall(properties)]
    return any(
        name == domain or (name.count(".") and (domain.endswith(f".{name}") or name.endswith(f".{domain}")))
        for name in named
    )
