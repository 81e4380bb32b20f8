"""From a request to an edit of a sequence: its actor, whether it is a dry run, and how a refusal is answered."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from execution.api.sequence_forms import explain_problems
from execution.control.edit import EditOptions, StoredSequence, edit_sequence
from sequences.access.roles import name_actor
from sequences.access.sequence_rights import lock_writable, require_writable
from sequences.authoring.drafts import SequenceDraft
from sequences.authoring.operations import InvalidSequenceError, SequenceStateError
from sequences.contacts.queries import has_address
from sequences.interface.api.dry_run import is_dry_run
from sequences.interface.api.problems import ConflictError
from sequences.models import Contact, Sequence


def require_sequence_right(request: Request, sequence: Sequence) -> None:
    """Managers and admins change them, other members drafts of their own."""
    require_writable(request.user, sequence)


def edit(
    request: Request, sequence: Sequence, draft: SequenceDraft, options: EditOptions | None = None
) -> StoredSequence:
    """Store the draft, or in a dry run only count its effects. The caller checks the right."""
    try:
        with transaction.atomic():
            lock_writable(request.user, sequence.pk)
            return edit_sequence(
                sequence,
                draft,
                options or EditOptions(),
                actor=name_actor(request.user),
                now=timezone.now(),
                dry_run=is_dry_run(request),
            )
    except InvalidSequenceError as error:
        raise explain_problems(error.problems, len(draft.steps)) from None
    except SequenceStateError as error:
        raise ConflictError(f"Not possible: {error}.") from None


def find_contact(sequence: Sequence, values: dict[str, Any]) -> Contact:
    """The contact of the sequence's workspace that a request names. Raises `ValidationError`."""
    own = Contact.objects.select_related("account").filter(workspace=sequence.workspace_id)
    field = "contact" if "contact" in values else "email"
    found = own.filter(pk=values["contact"]) if field == "contact" else own.filter(has_address(values["email"]))
    contact: Contact | None = found.first()
    if contact is None:
        raise ValidationError({field: ["The workspace of the sequence has no such contact."]})
    return contact
