"""All checks of one mailbox's set-up, in the order in which they matter. Sends nothing, changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.conf import settings

from common.user_exchanges import user_exchange
from emails.choices import Transport
from emails.mailbox.dns import Dns, make_dns
from emails.mailbox.login_test import try_logins
from emails.mailbox.records import (
    Check,
    DnsError,
    Status,
    check_alignment,
    check_dkim,
    check_dmarc,
    check_links,
    check_mx,
    check_postal_address,
    check_spf,
)
from emails.models import Mailbox

# a web worker is held for so long, and for `emails.mailbox.dns.TOTAL_SECONDS`
_LOGIN_SECONDS = 8.0
_USUAL_SELECTORS = ("default", "dkim", "mail", "k1", "s1", "s2", "selector1", "selector2", "google")
# By a word in the SMTP host or the name of the ESP: what its SPF record includes, and its usual DKIM selectors.
_PROVIDERS = {
    "google": ("_spf.google.com", ("google",)),
    "gmail": ("_spf.google.com", ("google",)),
    "outlook": ("spf.protection.outlook.com", ("selector1", "selector2")),
    "office365": ("spf.protection.outlook.com", ("selector1", "selector2")),
    "zoho": ("zoho.com", ("zoho", "zmail")),
    "mailgun": ("mailgun.org", ("mx", "k1", "smtp", "pic", "mailo")),
    "sendgrid": ("sendgrid.net", ("s1", "s2")),
    "postmark": ("spf.mtasv.net", ("pm",)),
    "mandrill": ("spf.mandrillapp.com", ("mandrill", "mte1", "mte2")),
    "amazon": ("amazonses.com", ()),
    "brevo": ("spf.brevo.com", ("mail", "brevo1", "brevo2")),
    "mailjet": ("spf.mailjet.com", ("mailjet",)),
    "resend": ("amazonses.com", ("resend",)),
    "mailersend": ("_spf.mailersend.net", ("mlsend", "mlsend2")),
}


def check_setup(mailbox: Mailbox, dns: Dns | None = None) -> list[Check]:
    """The logins, then MX, SPF, DKIM, DMARC, alignment, links and postal address, within 15 seconds in all.

    No transaction may be open: servers are talked to. Raises `BusyError` while this process tests other mailboxes.
    """
    with user_exchange(mailbox.workspace_id):
        return _check_setup(mailbox, dns)


def _check_setup(mailbox: Mailbox, dns: Dns | None) -> list[Check]:
    checks = list(_check_logins(mailbox))
    domain = mailbox.address.rpartition("@")[2].lower()
    include, selectors = _find_provider(mailbox)
    try:
        asking = dns or make_dns()
    except DnsError as error:
        return [*checks, Check("dns", Status.UNKNOWN, str(error))]
    dkim = _ask("dkim", lambda: check_dkim(domain, asking.find_texts, (*selectors, *_USUAL_SELECTORS)))
    return [
        *checks,
        _ask("mx", lambda: check_mx(domain, asking.find_mail_hosts(domain))),
        _ask("spf", lambda: check_spf(domain, asking.find_texts, include)),
        dkim,
        _ask("dmarc", lambda: check_dmarc(domain, asking.find_texts)),
        check_alignment(domain, uses_smtp=mailbox.transport == Transport.SMTP, dkim=dkim),
        check_links(domain, settings.PUBLIC_BASE_URL),
        check_postal_address(mailbox.workspace.postal_address),
    ]


def _check_logins(mailbox: Mailbox) -> Iterator[Check]:
    report = try_logins(mailbox, _LOGIN_SECONDS)
    if mailbox.transport == Transport.SMTP:
        yield _login("smtp_login", report.smtp_error)
    if report.imap_checked:
        yield _login("imap_login", report.imap_error)


def _login(code: str, error: str | None) -> Check:
    return Check(code, Status.FAILED, error) if error else Check(code, Status.OK, "it works")


def _find_provider(mailbox: Mailbox) -> tuple[str, tuple[str, ...]]:
    named = mailbox.smtp_host if mailbox.transport == Transport.SMTP else mailbox.transport
    return next((found for word, found in _PROVIDERS.items() if word in named.lower()), ("", ()))


def _ask(code: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except DnsError as error:
        return Check(code, Status.UNKNOWN, str(error))
