"""Mail servers of well-known providers, from their own help pages; found by the domain of an address or its MX. Pure.

What a provider asks for before its servers take a login (an app password, IMAP switched on) is in `note`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emails.choices import AuthMethod, Security


@dataclass(frozen=True, slots=True)
class MailProvider:
    """`domains` end addresses, `mail_hosts` end the hosts of MX records. An empty `imap_host`: no IMAP from outside.

    IMAP is on port 993 with TLS at all of them.
    """

    label: str
    smtp_host: str
    smtp_port: int
    smtp_security: Security
    imap_host: str
    domains: tuple[str, ...] = ()
    mail_hosts: tuple[str, ...] = ()
    auth_method: AuthMethod = AuthMethod.PASSWORD
    note: str = ""


_APP_PASSWORD = "Log in with an app password, which you make in the security settings of your account at {}."
_IMAP_ON = "Switch on IMAP for other programs in the settings of your {} account first."


def _tls(label: str, smtp_host: str, imap_host: str, **more: object) -> MailProvider:
    return MailProvider(label, smtp_host, 465, Security.TLS, imap_host, **more)  # type: ignore[arg-type]


def _starttls(label: str, smtp_host: str, imap_host: str, **more: object) -> MailProvider:
    return MailProvider(label, smtp_host, 587, Security.STARTTLS, imap_host, **more)  # type: ignore[arg-type]


def _zoho(zone: str, *domains: str) -> tuple[MailProvider, MailProvider]:
    """Personal accounts, and those of organizations with a domain of their own."""
    notes = f"{_IMAP_ON.format('Zoho Mail')} {_APP_PASSWORD.format('Zoho')}"
    return (
        _tls("Zoho Mail", f"smtp.zoho.{zone}", f"imap.zoho.{zone}", domains=domains, note=notes),
        _tls("Zoho Mail", f"smtppro.zoho.{zone}", f"imappro.zoho.{zone}", mail_hosts=(f"zoho.{zone}",), note=notes),
    )


_MICROSOFT_NOTE = "Microsoft takes no passwords for IMAP any more: sign in with Microsoft."
PROVIDERS: tuple[MailProvider, ...] = (
    _starttls(
        "Google", "smtp.gmail.com", "imap.gmail.com",
        domains=("gmail.com", "googlemail.com"), mail_hosts=("google.com", "googlemail.com"),
        auth_method=AuthMethod.GOOGLE,
        note="Sign in with Google, or log in with an app password (myaccount.google.com/apppasswords).",
    ),
    _starttls(
        "Outlook.com", "smtp-mail.outlook.com", "outlook.office365.com",
        domains=("outlook.com", "hotmail.com", "live.com", "msn.com", "outlook.de", "outlook.fr", "outlook.es",
                 "outlook.it", "hotmail.co.uk", "hotmail.de", "hotmail.fr", "hotmail.es", "hotmail.it", "live.co.uk",
                 "live.de", "live.fr", "live.nl"),
        auth_method=AuthMethod.MICROSOFT, note=_MICROSOFT_NOTE,
    ),
    _starttls(
        "Microsoft 365", "smtp.office365.com", "outlook.office365.com",
        domains=("onmicrosoft.com",), mail_hosts=("mail.protection.outlook.com", "mx.microsoft"),
        auth_method=AuthMethod.MICROSOFT,
        note=f"{_MICROSOFT_NOTE} Your administrator switches on SMTP AUTH for the mailbox.",
    ),
    _tls(
        "Yahoo", "smtp.mail.yahoo.com", "imap.mail.yahoo.com",
        domains=("yahoo.com", "ymail.com", "rocketmail.com", "yahoo.co.uk", "yahoo.de", "yahoo.fr", "yahoo.es",
                 "yahoo.it", "yahoo.ca", "yahoo.co.in", "yahoo.in", "yahoo.com.au", "yahoo.com.br"),
        mail_hosts=("yahoodns.net",), note=_APP_PASSWORD.format("Yahoo"),
    ),
    _tls("AOL", "smtp.aol.com", "imap.aol.com", domains=("aol.com",), note=_APP_PASSWORD.format("AOL")),
    _starttls(
        "iCloud", "smtp.mail.me.com", "imap.mail.me.com",
        domains=("icloud.com", "me.com", "mac.com"), mail_hosts=("mail.icloud.com",),
        note=_APP_PASSWORD.format("Apple (account.apple.com)"),
    ),
    *_zoho("com", "zoho.com", "zohomail.com"),
    *_zoho("eu", "zoho.eu", "zohomail.eu"),
    *_zoho("in", "zoho.in", "zohomail.in"),
    _tls(
        "Fastmail", "smtp.fastmail.com", "imap.fastmail.com",
        domains=("fastmail.com", "fastmail.fm"), mail_hosts=("messagingengine.com",),
        note=_APP_PASSWORD.format("Fastmail"),
    ),
    _starttls(
        "GMX", "mail.gmx.net", "imap.gmx.net",
        domains=("gmx.de", "gmx.net", "gmx.at", "gmx.ch"), note=_IMAP_ON.format("GMX"),
    ),
    _starttls("GMX", "mail.gmx.com", "imap.gmx.com", domains=("gmx.com",), note=_IMAP_ON.format("GMX")),
    _starttls("WEB.DE", "smtp.web.de", "imap.web.de", domains=("web.de",), note=_IMAP_ON.format("WEB.DE")),
    _starttls("mail.com", "smtp.mail.com", "imap.mail.com", domains=("mail.com",), note=_IMAP_ON.format("mail.com")),
    _tls(
        "Telekom", "securesmtp.t-online.de", "secureimap.t-online.de", domains=("t-online.de",),
        note="Log in with the password for email programs, which you set in the e-mail centre.",
    ),
    _tls(
        "mailbox.org", "smtp.mailbox.org", "imap.mailbox.org",
        domains=("mailbox.org",), mail_hosts=("mailbox.org",),
    ),
    _tls("Posteo", "posteo.de", "posteo.de", domains=("posteo.de", "posteo.net"), mail_hosts=("posteo.de",)),
    _starttls("IONOS", "smtp.ionos.de", "imap.ionos.de", mail_hosts=("kundenserver.de", "ionos.de")),
    _starttls("IONOS", "smtp.ionos.com", "imap.ionos.com", mail_hosts=("ionos.com",)),
    _starttls("IONOS", "smtp.ionos.co.uk", "imap.ionos.co.uk", mail_hosts=("ionos.co.uk",)),
    _tls("STRATO", "smtp.strato.de", "imap.strato.de", mail_hosts=("rzone.de",)),
    _tls("OVHcloud", "ssl0.ovh.net", "ssl0.ovh.net", mail_hosts=("mail.ovh.net",)),
    _tls("Gandi", "mail.gandi.net", "mail.gandi.net", mail_hosts=("mail.gandi.net",)),
    _tls("Infomaniak", "mail.infomaniak.com", "mail.infomaniak.com", mail_hosts=("infomaniak.ch",)),
    _tls("Migadu", "smtp.migadu.com", "imap.migadu.com", mail_hosts=("migadu.com",)),
    _tls("Hostinger", "smtp.hostinger.com", "imap.hostinger.com", mail_hosts=("hostinger.com",)),
    _tls("Titan", "smtp.titan.email", "imap.titan.email", mail_hosts=("titan.email",)),
    _tls("Private Email", "mail.privateemail.com", "mail.privateemail.com", mail_hosts=("privateemail.com",)),
    _tls("Rackspace", "secure.emailsrvr.com", "secure.emailsrvr.com", mail_hosts=("emailsrvr.com",)),
    _tls(
        "Yandex", "smtp.yandex.com", "imap.yandex.com",
        domains=("yandex.com", "yandex.ru", "ya.ru"), mail_hosts=("yandex.net", "yandex.ru"),
        note=_APP_PASSWORD.format("Yandex"),
    ),
    _starttls(
        "Proton", "smtp.protonmail.ch", "",
        domains=("proton.me", "protonmail.com", "pm.me"), mail_hosts=("protonmail.ch",),
        note="Proton has no IMAP from outside, so replies are not read. Log in with an SMTP token of the account.",
    ),
)  # fmt: skip


def find_by_domain(domain: str) -> MailProvider | None:
    """Whose addresses end with this domain, or with one above it."""
    return next((each for each in PROVIDERS if _is_below(domain, each.domains)), None)


def find_by_mail_hosts(hosts: Sequence[str]) -> MailProvider | None:
    """Who takes the mail of a domain with these MX records, the preferred first."""
    for host in hosts:
        if found := next((each for each in PROVIDERS if _is_below(host.lower(), each.mail_hosts)), None):
            return found
    return None


def _is_below(name: str, parents: Sequence[str]) -> bool:
    return any(name == parent or name.endswith(f".{parent}") for parent in parents)
