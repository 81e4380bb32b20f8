"""Which contact a caller means who knows an address, an id of another system, or both. Stores nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import Q

from sequences.contacts.erased import lock_contacts
from sequences.contacts.queries import has_address
from sequences.models import Contact


class UnnamedError(ValueError):
    """Neither an address nor an external id is given, or there is none yet to create the contact with."""


class AmbiguousError(ValueError):
    """Address and external id do not mean the same contact; one line that says which they mean."""


@contextmanager
def find_upserted(workspace_id: int, email: str | None, external_id: str | None) -> Iterator[Contact | None]:
    """The contact of a workspace, None when it is to be created; what is stored inside is one transaction with it.

    No other contact of the workspace is stored until it ends. Raises `UnnamedError` and `AmbiguousError`.
    """
    with transaction.atomic():
        lock_contacts(workspace_id)
        yield _find(workspace_id, email, external_id)


def _find(workspace_id: int, email: str | None, external_id: str | None) -> Contact | None:
    if not email and not external_id:
        raise UnnamedError("Give the contact's email, its external_id or both")
    contacts = Contact.objects.filter(workspace=workspace_id)
    wanted = Q(external_id=external_id) if external_id else Q(pk__in=())
    found = list(contacts.filter(wanted | has_address(email) if email else wanted).order_by("pk"))
    by_id = next((contact for contact in found if external_id and contact.external_id == external_id), None)
    by_email = next((contact for contact in found if contact != by_id), None)
    if by_id and by_email:
        raise AmbiguousError(
            f"The external_id is that of contact {by_id.pk}, the email that of contact {by_email.pk}: "
            "give one of them, or change the contacts first"
        )
    if by_email and external_id and by_email.external_id:
        raise AmbiguousError(
            f"The email is that of contact {by_email.pk}, which has another external_id: "
            f"change it with PATCH /api/contacts/{by_email.pk} if it is the same contact"
        )
    if not found and not email:
        raise UnnamedError("There is no contact with this external_id yet: a new one needs an email")
    return by_id or by_email
