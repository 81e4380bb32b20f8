"""A test of a whole mailbox: an email through its server to an own address, and what finds it in the inbox again.

As the test of a step it does not use the outbox: it belongs to no enrollment, counts against no limit, carries no
tracking, and leaves from a paused mailbox too, which is tested before it is resumed.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape

from django.core import signing

from common.user_exchanges import user_exchange
from emails.models import Mailbox
from emails.rendering.render import RenderedEmail
from emails.sending.test_send import transmit_test
from emails.transport.send_result import Refused, SendResult
from sequences.access.roles import Reader, is_manager

# a user waits for both: the dialogue before the message, and the answer to it
DIALOGUE_SECONDS = 8.0
ANSWER_SECONDS = 7.0
_SALT = "mailbox test"
_TOKEN_SECONDS = 24 * 3600
_TEXT = """This is a test of the mailbox {address}. {user} asked for it.

It shows that emails of this mailbox arrive. Nothing needs to be done, and you can delete it.

{code}
"""


class StaleTestError(ValueError):
    """The token is not one of this mailbox, or is older than a day."""


@dataclass(frozen=True, slots=True)
class MailboxTest:
    """An email that was sent as a test. `reader_id`: the mailbox that receives it; `code` stands in its subject."""

    reader_id: int
    message_id: str
    code: str
    to_address: str
    sent_at: datetime


def list_own_addresses(mailbox: Mailbox, user: Reader) -> dict[str, int | None]:
    """What a test of it may be sent to, each with the mailbox that receives it; None: the workspace has no such inbox.

    Its own address and aliases, those of other mailboxes that the user may act on, and the user's own.
    """
    others = Mailbox.objects.filter(workspace_id=mailbox.workspace_id).exclude(pk=mailbox.pk)
    if not is_manager(user, mailbox.workspace_id):
        others = others.filter(owner_id=user.pk)
    found: dict[str, int | None] = dict.fromkeys((mailbox.address, *mailbox.aliases), mailbox.pk)
    for address, pk in others.order_by("address").values_list("address", "pk"):
        found.setdefault(address, pk)
    own = getattr(user, "email", "")
    if own and own.lower() not in {each.lower() for each in found}:
        found[own] = None
    return found


def find_own_address(addresses: Mapping[str, int | None], wanted: str) -> str | None:
    """As it is stored; None: not among them."""
    return next((each for each in addresses if each.lower() == wanted.strip().lower()), None)


def send_mailbox_test(
    mailbox: Mailbox, to_address: str, reader_id: int | None, user_name: str, now: datetime
) -> tuple[SendResult, str]:
    """The result, and a token to read it back with; empty where no inbox is known. No transaction may be open.

    Raises `AddressError`, and `BusyError` while this process talks to the servers of others.
    """
    code = secrets.token_hex(4).upper()
    text = _TEXT.format(address=mailbox.address, user=user_name, code=code)
    html = "".join(f"<p>{escape(part)}</p>" for part in text.strip().split("\n\n"))
    rendered = RenderedEmail(f"[Test] Mailbox test {code}", text, f"<html><body>{html}</body></html>")
    with user_exchange(mailbox.workspace_id):
        result, message_id = transmit_test(
            mailbox, rendered, mailbox.display_name, to_address, now,
            message_seconds=DIALOGUE_SECONDS, answer_seconds=ANSWER_SECONDS,
        )  # fmt: skip
    if reader_id is None or isinstance(result, Refused):
        return result, ""
    kept = [mailbox.pk, reader_id, message_id, code, to_address, now.isoformat()]
    return result, signing.dumps(kept, salt=_SALT, compress=True)


def load_mailbox_test(mailbox: Mailbox, token: str) -> MailboxTest:
    """Raises `StaleTestError`."""
    try:
        mailbox_id, reader_id, message_id, code, to_address, at = signing.loads(
            token, salt=_SALT, max_age=_TOKEN_SECONDS
        )
    except signing.BadSignature:
        raise StaleTestError("this test is not known, or older than a day: send a new one") from None
    if mailbox_id != mailbox.pk:
        raise StaleTestError("this is the test of another mailbox: send a new one")
    return MailboxTest(reader_id, message_id, code, to_address, datetime.fromisoformat(at))
