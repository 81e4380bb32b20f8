"""The mailbox test: whether an SDR's sending account can log in. The only user of a transport besides delivery."""

from __future__ import annotations

from common.user_exchanges import user_exchange
from emails.models import Mailbox
from emails.transport import LoginReport, test_login

TOTAL_SECONDS = 13.0


def check_mailbox(mailbox: Mailbox, seconds: float = TOTAL_SECONDS) -> LoginReport:
    """Try the logins of the mailbox within so many seconds in all. Sends nothing, changes nothing.

    Raises `BusyError` while this process tests others.
    """
    with user_exchange():
        return test_login(mailbox, seconds)
