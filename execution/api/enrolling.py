"""From what a request names to the rows that `enroll_contacts` takes; checks that the user has a right to them."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from datetime import datetime

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from rest_framework.exceptions import PermissionDenied

from emails.models import Mailbox, MailboxPool
from execution.control.enroll import EnrollResult, enroll_contacts
from execution.control.enroll_rules import Skipped, skip_missing
from execution.control.pools import require_right_to_pool
from sequences.access.roles import Reader, is_manager, name_actor, require_right
from sequences.contacts.queries import find_by_addresses
from sequences.interface.api.named import find_named
from sequences.models import Enrollment, Sequence


class EnrollRequestError(ValueError):
    """A row that is named does not exist for the sequence's workspace; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


def enroll(
    user: Reader,
    sequence: Sequence,
    *,
    now: datetime,
    contacts: Rows[int] = (),
    emails: Rows[str] = (),
    mailbox: int | str | None = None,
    pool: int | str | None = None,
    owner: int | str | None = None,
    start_at: datetime | None = None,
    again: str = "",
    allow_incomplete: bool = False,
) -> EnrollResult:
    """Enroll for the calling user, or as a manager for every member. Overriding a rule (`again`) needs a manager.

    Raises `EnrollRequestError`, `EnrollError` and DRF's `PermissionDenied`.
    """
    if again and not is_manager(user, sequence.workspace_id):
        raise PermissionDenied("A manager or an admin may enroll contacts again.")
    sender = _find_mailbox(sequence, mailbox)
    chosen_pool = _find_pool(sequence, pool)
    # of a pool, each enrollment has the owner of its mailbox
    person = None if chosen_pool and owner is None else _find_owner(sequence, owner, sender, user)
    if chosen_pool is not None:
        require_right_to_pool(user, chosen_pool)
    require_right(user, sequence.workspace_id, person.pk if person else None, is_shared_without_owner=True)
    if sender is not None:
        require_right(user, sequence.workspace_id, sender.owner_id, is_shared_without_owner=True)
    ids, unknown = (list(contacts), []) if contacts else _find_contacts(sequence.workspace_id, emails)
    result = enroll_contacts(
        sequence=sequence,
        contact_ids=ids,
        mailbox=sender,
        owner=person,
        pool=chosen_pool,
        stand_in=_find_owner(sequence, None, None, user) if chosen_pool else None,
        actor=name_actor(user),
        now=now,
        start_at=start_at,
        again=again,
        allow_incomplete=allow_incomplete,
    )
    return EnrollResult(result.enrolled, (*result.skipped, *unknown))


def list_contacts(enrollment_ids: Rows[int]) -> list[int]:
    """The contacts of these enrollments, in the same order."""
    found = dict(Enrollment.objects.filter(pk__in=enrollment_ids).values_list("pk", "contact_id"))
    return [found[pk] for pk in enrollment_ids if pk in found]


def _find_mailbox(sequence: Sequence, named: int | str | None) -> Mailbox | None:
    if named is None:
        return None
    mailbox: Mailbox | None = find_named(Mailbox.objects.filter(workspace_id=sequence.workspace_id), "mailbox", named)
    if mailbox is None:
        raise EnrollRequestError("mailbox", "The sequence's workspace has no such mailbox.")
    return mailbox


def _find_pool(sequence: Sequence, named: int | str | None) -> MailboxPool | None:
    if named is None:
        return None
    pool: MailboxPool | None = find_named(MailboxPool.objects.filter(workspace_id=sequence.workspace_id), "pool", named)
    if pool is None:
        raise EnrollRequestError("pool", "The sequence's workspace has no such mailbox pool.")
    return pool


def _find_owner(
    sequence: Sequence, named: int | str | None, mailbox: Mailbox | None, user: Reader
) -> AbstractBaseUser | None:
    if named is None and mailbox is not None and mailbox.owner_id is not None:
        return mailbox.owner
    members = get_user_model().objects.filter(memberships__workspace_id=sequence.workspace_id)
    if named is None:
        own: AbstractBaseUser | None = members.filter(pk=int(user.pk or 0)).first()
        return own
    member = find_named(members, "owner", named)
    if member is None:
        raise EnrollRequestError("owner", "The sequence's workspace has no such member.")
    return member


def _find_contacts(workspace_id: int, emails: Rows[str]) -> tuple[list[int], list[Skipped]]:
    """The contacts' ids in the order they were named, and the addresses that are not known."""
    ids, missing, erased = find_by_addresses(workspace_id, emails)
    return ids, [skip_missing(email, is_erased=email in erased) for email in missing]
