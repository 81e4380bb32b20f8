"""The mailbox test: whether an SDR's sending account can log in. The only user of a transport besides delivery."""

from __future__ import annotations

from common.user_exchanges import user_exchange
from emails.models import Mailbox
from emails.transport import LoginReport, test_login

TOTAL_SECONDS = 13.0


def check_mailbox(mailbox: Mailbox, seconds: float = TOTAL_SECONDS) -> LoginReport:
    """Try the logins of the mailbox within so many seconds in all. Sends nothing, changes nothing.

    Raises `BusyError` while this process tests others, or another one of the workspace.
    """
    with user_exchange(mailbox.workspace_id):
        return try_logins(mailbox, seconds)


def try_logins(mailbox: Mailbox, seconds: float) -> LoginReport:
    """As `check_mailbox`, as a part of an exchange that the caller has begun."""
    return test_login(mailbox, seconds)
