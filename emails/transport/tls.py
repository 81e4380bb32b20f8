"""TLS for every connection to a mailbox's servers: SMTP, IMAP and the test of both logins."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emails.models import Mailbox

CA_PEM = "ca_pem"
_MOST_CHARACTERS = 100_000
_IS_A_PATH = "ca_file is no longer read: put the text of the certificate (PEM) into ca_pem and remove ca_file"
_IS_NO_PEM = "ca_pem is not a certificate: paste its whole text, from -----BEGIN CERTIFICATE----- to the last line"


class CertificateOptionError(OSError):
    """The mailbox's own certificate authority cannot be used. The text is one line that says what to do."""


def make_tls_context(mailbox: Mailbox) -> ssl.SSLContext:
    """Certificates are verified by the system's authorities and those of the option `ca_pem`. TLS 1.2 or newer.

    Raises `CertificateOptionError`.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _trust(context, mailbox.transport_options)
    return context


def validate_certificate_options(options: Mapping[str, Any]) -> None:
    """Raises `CertificateOptionError` for a path (`ca_file`) and for a `ca_pem` that holds no certificate."""
    _trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), options)


def _trust(context: ssl.SSLContext, options: Mapping[str, Any]) -> None:
    if options.get("ca_file"):
        raise CertificateOptionError(_IS_A_PATH)
    pem = options.get(CA_PEM)
    if not pem:
        return
    if not isinstance(pem, str) or len(pem) > _MOST_CHARACTERS or not pem.isascii():
        raise CertificateOptionError(_IS_NO_PEM)
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise CertificateOptionError(_IS_NO_PEM) from None
