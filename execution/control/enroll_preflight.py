"""Checks, before the first email, what an enrollment needs later: mailbox, owner, and the merge fields of every step.

Every email step that can be reached is checked for every contact, from rows that are loaded already: no statement of
its own for the templates. Must not write anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence as Rows
from dataclasses import replace

from django.contrib.auth.models import AbstractBaseUser

from common.db import Row
from emails.choices import MailboxStatus
from emails.models import Mailbox
from emails.rendering.merge_fields import MergeFields
from execution.control.enroll_rules import MissingField, SkipCode
from execution.engine.snapshot import SequenceFacts
from sequences.authoring.step_config import EmailConfig, TaskConfig
from sequences.liquid.templating import TemplateError, missing_fields
from sequences.models import Membership

Obstacle = tuple[SkipCode, str]
# What a mailbox may lack; it always has an address.
_SENDER_NAME = re.compile(r"\bsender\b\s*(?!\.\s*email\b)")


class Preflight:
    """The templates of the email steps of one sequence that can be reached from its first step.

    Those of every variant: a contact that one of them cannot be written for would leave the others with different
    contacts to be compared by.
    """

    def __init__(self, facts: SequenceFacts) -> None:
        reached = facts.reachable_steps()
        self.sends_emails = any(isinstance(step.config, EmailConfig) for step in reached)
        self.creates_tasks = any(isinstance(step.config, TaskConfig) for step in reached)
        self._sources = [
            (MissingField(step.number, part, "", variant), source)
            for step in reached
            if isinstance(step.config, EmailConfig)
            for variant, subject, body in step.config.texts
            for part, source in (("subject", subject), ("body", body))
            if "{" in source
        ]
        self._all_sources = tuple(dict.fromkeys(source for _, source in self._sources))
        self._is_parsed = False
        self.names_sender = any(_SENDER_NAME.search(source) for _, source in self._sources)

    def find_missing(self, row: Row) -> tuple[MissingField, ...]:
        """The merge fields that the contact of `row` (`PERSON_COLUMNS`) lacks. Raises `TemplateError`.

        All templates are looked at together first: most contacts lack nothing, and most templates use the same fields.
        """
        fields = MergeFields(row)
        if self._is_parsed and not missing_fields(fields, *self._all_sources):
            return ()
        found = self._list_missing(fields)
        self._is_parsed = True
        return found

    def _list_missing(self, fields: MergeFields) -> tuple[MissingField, ...]:
        return tuple(
            replace(place, field=path) for place, source in self._sources for path in _missing(fields, place, source)
        )


def find_obstacle(
    preflight: Preflight,
    workspace_id: int,
    mailbox: Mailbox | None,
    owner: AbstractBaseUser | None,
    owned: Rows[Mailbox],
) -> Obstacle | None:
    """What is wrong with the mailbox or the owner, as a code and a sentence. `owned`: the owner's mailboxes."""
    if preflight.sends_emails:
        if mailbox is None:
            why = "the owner has several" if owned else "the owner has none"
            return SkipCode.NO_MAILBOX, f"the sequence sends emails and needs a mailbox: name one ({why})"
        if mailbox.status == MailboxStatus.BROKEN:
            return (
                SkipCode.MAILBOX_UNUSABLE,
                f"the mailbox {mailbox.address} cannot send ({mailbox.status_reason}): repair it or name another one",
            )
    if owner is None:
        if preflight.creates_tasks:
            return SkipCode.NO_OWNER, "the sequence creates tasks and needs an owner: name one"
        return None
    if not owner.is_active or not _may_own(owner, workspace_id):
        return (
            SkipCode.OWNER_UNUSABLE,
            f"the owner {owner.get_username()} is deactivated or not a member of this workspace: name another one",
        )
    return None


def _may_own(owner: AbstractBaseUser, workspace_id: int) -> bool:
    is_superuser = getattr(owner, "is_superuser", False)
    return is_superuser or Membership.objects.filter(workspace=workspace_id, user=owner.pk).exists()


def _missing(fields: MergeFields, place: MissingField, source: str) -> tuple[str, ...]:
    try:
        return missing_fields(fields, source)
    except TemplateError as error:
        raise TemplateError(f"step {place.step} ({place.where}): {error}") from None
