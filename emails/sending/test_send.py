"""An email of a step as a contact would get it: rendered for preview, or sent as a test to the user.

A test does not use the outbox: it belongs to no enrollment, counts against no limit and carries no tracking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import make_msgid

from common.addresses import parse_address
from common.db import Row, fetch_all
from common.user_exchanges import user_exchange
from emails.models import EmailMessage, Mailbox
from emails.rendering.merge_fields import PERSON_COLUMNS, PERSON_JOINS, MergeFields, local_time, sender_name
from emails.rendering.mime import build_mime
from emails.rendering.render import Frame, RenderedEmail, Template, render_email, unsubscribe_headers
from emails.sending.check_emails import SAMPLE_UNSUBSCRIBE_URL
from emails.transport import open_transport
from emails.transport.send_result import Envelope, SendResult
from sequences.choices import BodyFormat
from sequences.content.variants import Variant, choose_variant, find_variant, read_variants
from sequences.liquid.templating import TemplateError, render
from sequences.models import Contact, Step

# a user waits for the result
_ANSWER_SECONDS = 20.0
_PERSON = f"""
SELECT e.contact_id, b.signature, w.postal_address, {PERSON_COLUMNS}
FROM (SELECT %(contact)s::bigint AS contact_id, %(workspace)s::bigint AS workspace_id,
             %(mailbox)s::bigint AS mailbox_id, %(owner)s::bigint AS owner_id) e
{PERSON_JOINS}
"""


def variant_for(step: Step, contact: Contact, wanted: str = "") -> Variant | None:
    """The variant of an email step that this contact has got or would get, else the `wanted` one; None: it has none.

    Raises `TemplateError` where the step has no variant of that key.
    """
    variants = read_variants(step.variants)
    if wanted:
        if found := find_variant(variants, wanted):
            return found
        raise TemplateError(f"the step has no variant {wanted!r}")
    return choose_variant(contact.pk, step.pk or 0, variants, find_assigned(contact.pk, [step.pk or 0]).get(step.pk))


def find_assigned(contact_id: int, step_ids: Sequence[int]) -> dict[int, str]:
    """By step, the variant that this contact was given last."""
    given = EmailMessage.objects.filter(contact=contact_id, step__in=step_ids).exclude(variant="").order_by("id")
    return dict(given.values_list("step", "variant"))


def render_for(
    step: Step,
    contact: Contact,
    mailbox: Mailbox | None,
    owner_id: int | None,
    now: datetime,
    variant: Variant | None = None,
) -> RenderedEmail:
    """The email of an email step, or of that variant of it, with every change that rendering makes.

    Raises `TemplateError`, which names the part and what is missing.
    """
    asked = {
        "contact": contact.pk,
        "workspace": contact.workspace_id,
        "mailbox": mailbox.pk if mailbox else None,
        "owner": owner_id,
    }
    row = fetch_all(_PERSON, asked)[0]
    return _render(step, variant, row, now)


def send_test(
    step: Step,
    contact: Contact,
    mailbox: Mailbox,
    owner_id: int | None,
    to_address: str,
    now: datetime,
    variant: Variant | None = None,
) -> SendResult:
    """Send it to `to_address` through the mailbox's server, its subject marked. No transaction may be open.

    Raises `TemplateError`, `AddressError`, and `BusyError` while this process talks to the servers of others.
    """
    asked = {"contact": contact.pk, "workspace": contact.workspace_id, "mailbox": mailbox.pk, "owner": owner_id}
    row = fetch_all(_PERSON, asked)[0]
    rendered = _render(step, variant, row, now)
    marked = RenderedEmail(f"[Test] {rendered.subject}", rendered.text, rendered.html)
    with user_exchange(mailbox.workspace_id):
        return transmit_test(mailbox, marked, sender_name(row), to_address, now, answer_seconds=_ANSWER_SECONDS)[0]


def transmit_test(
    mailbox: Mailbox,
    rendered: RenderedEmail,
    from_name: str,
    to_address: str,
    now: datetime,
    *,
    answer_seconds: float,
    message_seconds: float | None = None,
) -> tuple[SendResult, str]:
    """The result and the Message-ID, as a part of an exchange that the caller has begun. Raises `AddressError`."""
    recipient = parse_address(to_address)
    message_id = make_msgid("test", mailbox.address.partition("@")[2])
    headers = unsubscribe_headers(SAMPLE_UNSUBSCRIBE_URL, f"mailto:{mailbox.address}?subject=unsubscribe")
    mime = build_mime(
        rendered=rendered,
        from_name=from_name,
        from_address=mailbox.address,
        to_name="",
        to_address=recipient,
        message_id=message_id,
        date=now,
        headers=headers,
    )
    envelope = Envelope(
        message_pk=0,
        message_id=message_id,
        from_address=mailbox.address,
        to_address=recipient,
        mime=mime,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        from_name=from_name,
        headers=headers,
    )
    with open_transport(mailbox, answer_seconds=answer_seconds, message_seconds=message_seconds) as transport:
        return transport.send(envelope), message_id


def _render(step: Step, variant: Variant | None, row: Row, now: datetime) -> RenderedEmail:
    context = {**MergeFields(row), "now": local_time(row, now)}
    subject, body = (variant.subject, variant.body) if variant else (step.subject.strip(), step.body)
    earlier = None if subject else _thread_subject(step, row["contact_id"], context)
    return render_email(
        Template(subject, body, earlier, BodyFormat(step.format)),
        {**context, "unsubscribe_url": SAMPLE_UNSUBSCRIBE_URL},
        Frame(row["signature"] or "", row["postal_address"], SAMPLE_UNSUBSCRIBE_URL),
        explains=True,
    )


def _thread_subject(step: Step, contact_id: int, context: Mapping[str, object]) -> str:
    """The subject of the nearest email before it that has one, in the variant that this contact gets."""
    earlier = Step.objects.filter(sequence=step.sequence_id, number__lt=step.number, type="email")
    for each in earlier.order_by("-number"):
        variant = choose_variant(contact_id, each.pk, read_variants(each.variants))
        if subject := (variant.subject if variant else each.subject.strip()):
            return render(subject, context)
    raise TemplateError("an empty subject replies in an earlier thread, and no email comes before it")
