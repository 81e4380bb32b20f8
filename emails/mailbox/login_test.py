"""The mailbox test: whether an SDR's sending account can log in. The only door to a transport besides delivery."""

from __future__ import annotations

from emails.models import Mailbox
from emails.transport import LoginReport, test_login


def check_mailbox(mailbox: Mailbox) -> LoginReport:
    """Try the logins of the mailbox, each within 15 seconds. Sends nothing, changes nothing."""
    return test_login(mailbox)
