"""TLS for every connection to a mailbox's servers: SMTP, IMAP and the test of both logins."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emails.models import Mailbox


def make_tls_context(mailbox: Mailbox) -> ssl.SSLContext:
    """Certificates are verified by the system's authorities and the option `ca_file`. TLS 1.2 or newer."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file := mailbox.transport_options.get("ca_file"):
        context.load_verify_locations(str(ca_file))
    return context
