"""Why has an enrollment not moved: `manage.py why ENROLLMENT`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from execution.explain import explain_enrollments
from execution.management.base import BAD_ARGUMENTS, ProductCommand
from sequences.models import Enrollment


class Command(ProductCommand):
    help = "List what holds an enrollment, and the earliest time each clears."
    example = "manage.py why 42"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "enrollment", type=int, metavar="ENROLLMENT", help="its number, as in the admin and the API"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        enrollment = (
            Enrollment.objects.select_related("contact", "sequence", "current_step")
            .filter(pk=options["enrollment"])
            .first()
        )
        if enrollment is None:
            self.fail(f"there is no enrollment {options['enrollment']}: look it up in the admin", BAD_ARGUMENTS)
        holds = explain_enrollments([enrollment.pk], now)[enrollment.pk]
        due_at = enrollment.next_step_at
        data = {
            "enrollment": enrollment.pk,
            "contact": enrollment.contact.email,
            "sequence": enrollment.sequence.name,
            "status": enrollment.status,
            "current_step": str(enrollment.current_step) if enrollment.current_step else None,
            "next_step_at": due_at.isoformat() if due_at else None,
            "why": [
                {"code": hold.code, "detail": hold.detail, "until": hold.until.isoformat() if hold.until else None}
                for hold in holds
            ],
        }
        where = f" at step {enrollment.current_step}" if enrollment.current_step else ""
        lines = [f"{enrollment.contact.email} in {enrollment.sequence.name}: {enrollment.status}{where}"]
        for hold in holds:
            until = f" (until {hold.until:%Y-%m-%d %H:%M:%S} UTC)" if hold.until else ""
            lines.append(f"  {hold.code}: {hold.detail}{until}")
        self.emit(data, "\n".join(lines), as_json=options["json"])
