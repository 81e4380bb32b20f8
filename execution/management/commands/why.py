"""Explain what an enrollment waits for: `manage.py why ENROLLMENT`, or the address of a contact."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from common.text import instant_text
from execution.insight.explain import Hold, explain_enrollments
from execution.management.base import BAD_ARGUMENTS, ProductCommand
from sequences.contacts.queries import has_address
from sequences.models import Enrollment

_ENROLLMENTS = Enrollment.objects.select_related("contact", "sequence", "current_step")
_MOST = 100
_MOST_DIGITS = 18


class Command(ProductCommand):
    help = "List what holds an enrollment, or all enrollments of a contact, and the earliest time each hold clears."
    example = "manage.py why 42\n  manage.py why ada@prospect.com"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "enrollment",
            metavar="ENROLLMENT",
            help="its number, as in the admin and the API, or the email address of a contact",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        named: str = options["enrollment"]
        now = timezone.now()
        found = self._find_of_contact(named) if "@" in named else [self._find_one(named)]
        holds = explain_enrollments([enrollment.pk for enrollment in found], now)
        shown = [_present(enrollment, holds[enrollment.pk]) for enrollment in found]
        lines = [line for enrollment in found for line in _tell(enrollment, holds[enrollment.pk], now)]
        data = {"contact": named, "enrollments": shown} if "@" in named else shown[0]
        self.emit(data, "\n".join(lines), as_json=options["json"])

    def _find_one(self, named: str) -> Enrollment:
        if not (named.isascii() and named.isdecimal() and len(named) <= _MOST_DIGITS):
            self.fail(f"ENROLLMENT takes a number or an email address, not {named!r}", BAD_ARGUMENTS)
        found: Enrollment | None = _ENROLLMENTS.filter(pk=int(named)).first()
        if found is None:
            self.fail(f"there is no enrollment {named}: name the address of its contact instead", BAD_ARGUMENTS)
        return found

    def _find_of_contact(self, address: str) -> list[Enrollment]:
        found = list(_ENROLLMENTS.filter(has_address(address, "contact__email")).order_by("-pk")[:_MOST])
        if not found:
            self.fail(f"no contact with the address {address} is or was in a sequence: enroll it first", BAD_ARGUMENTS)
        return found


def _present(enrollment: Enrollment, holds: Sequence[Hold]) -> dict[str, Any]:
    due_at = enrollment.next_step_at
    return {
        "enrollment": enrollment.pk,
        "contact": enrollment.contact.email,
        "sequence": enrollment.sequence.name,
        "status": enrollment.status,
        "current_step": str(enrollment.current_step) if enrollment.current_step else None,
        "next_step_at": instant_text(due_at) if due_at else None,
        "why": [
            {"code": hold.code, "detail": hold.detail, "until": instant_text(hold.until) if hold.until else None}
            for hold in holds
        ],
    }


def _tell(enrollment: Enrollment, holds: Sequence[Hold], now: datetime) -> list[str]:
    where = f" at step {enrollment.current_step}" if enrollment.current_step else ""
    lines = [f"{enrollment.contact.email} in {enrollment.sequence.name} ({enrollment.pk}): {enrollment.status}{where}"]
    for hold in holds:
        until = f" (until {hold.until:%Y-%m-%d %H:%M:%S} UTC)" if hold.until and hold.until > now else ""
        lines.append(f"  {hold.code}: {hold.detail}{until}")
    return lines
