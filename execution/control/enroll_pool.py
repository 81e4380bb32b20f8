"""The mailboxes of a pool for enrollments that have had no email: which can be chosen, and the choice stored.

execution.forecasting.choosing chooses. Must not move a queued message: `rehome` does, with its locks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q

from common.db import execute
from emails.choices import LimitScope, MailboxStatus
from emails.models import Mailbox, MailboxPool
from execution.forecasting.choosing import choose_mailboxes
from execution.forecasting.loading import Sender

# Those that have the mailbox already are not written again.
_GIVE = """
UPDATE sequences_enrollment e
SET mailbox_id = r.mailbox, owner_id = r.owner, next_step_at = r.due, wake_at = r.due
FROM unnest(%(ids)s::bigint[], %(mailboxes)s::bigint[], %(owners)s::int[], %(dues)s::timestamptz[])
     AS r(id, mailbox, owner, due)
WHERE e.id = r.id AND (e.mailbox_id, e.owner_id, e.next_step_at) IS DISTINCT FROM (r.mailbox, r.owner, r.due)
"""


@dataclass(frozen=True, slots=True)
class PoolSender:
    """A mailbox that can be chosen, and the owner of the enrollments that get it."""

    mailbox: Mailbox
    owner: AbstractBaseUser | None

    @property
    def has_name(self) -> bool:
        """Whether `sender.name` has a value."""
        return bool(self.mailbox.display_name or (self.owner and self.owner.get_full_name()))  # type: ignore[attr-defined]

    @property
    def forecast(self) -> Sender:
        return Sender(self.mailbox.pk, self.owner.pk if self.owner else None, self.mailbox.timezone)


def find_pool_senders(
    pool: MailboxPool,
    owner: AbstractBaseUser | None,
    stand_in: AbstractBaseUser | None,
    *,
    needs_owner: bool,
    leaving_out: int | None = None,
) -> list[PoolSender]:
    """The active mailboxes of the pool in the order of their ids; without those whose limit is 0.

    Without an `owner`, those whose own one is deactivated or no member are left out too, and where `needs_owner` those
    without one, unless there is a `stand_in`.
    """
    is_switched_off = Q(send_limits__scope=LimitScope.MAILBOX.value, send_limits__maximum=0)
    can_send = pool.mailboxes.filter(workspace=pool.workspace_id, status=MailboxStatus.ACTIVE.value)
    mailboxes = list(
        can_send.exclude(pk=leaving_out)
        .exclude(pk__in=Mailbox.objects.filter(is_switched_off, workspace=pool.workspace_id).values("pk"))
        .select_related("owner")
        .order_by("pk")
    )
    members = set(
        get_user_model()
        .objects.filter(Q(memberships__workspace=pool.workspace_id) | Q(is_superuser=True), is_active=True)
        .values_list("pk", flat=True)
    )
    senders = [PoolSender(mailbox, owner or mailbox.owner or stand_in) for mailbox in mailboxes]
    if owner is not None:
        return senders
    return [one for one in senders if (one.owner.pk in members if one.owner else not needs_owner)]


def give_mailboxes(
    workspace_id: int, dues: Mapping[int, Mapping[str, datetime]], senders: Sequence[PoolSender], now: datetime
) -> dict[int, PoolSender]:
    """Choose for these enrollments, store the choice, and answer it by enrollment.

    `dues`: when each is due by the time zone of the mailbox. The caller holds the lock of enrolling.
    """
    by_id = {sender.mailbox.pk: sender for sender in senders}
    chosen = choose_mailboxes(workspace_id, list(dues), [sender.forecast for sender in senders], now)
    given = {pk: by_id[chosen[pk]] for pk in sorted(dues)}
    execute(
        _GIVE,
        {
            "ids": list(given),
            "mailboxes": [sender.mailbox.pk for sender in given.values()],
            "owners": [sender.owner.pk if sender.owner else None for sender in given.values()],
            "dues": [dues[pk][sender.mailbox.timezone] for pk, sender in given.items()],
        },
    )
    return given
