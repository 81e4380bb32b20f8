"""Run auto-enrollment rules now, or tell what they would do: `manage.py auto_enroll --dry-run`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from execution.control.auto_enroll import preview_rule, run_rule
from execution.control.enroll_filter import FilterError
from execution.management.base import BAD_ARGUMENTS, ProductCommand
from sequences.models import EnrollRule


class Command(ProductCommand):
    help = (
        "Run the auto-enrollment rules that are on, within their daily maximum; an executor does the same every few "
        "minutes. With --dry-run it says who would enter today and how many on each of the next days."
    )
    example = "manage.py auto_enroll --workspace acme --dry-run"
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--workspace", metavar="SLUG", help="only of this workspace")
        parser.add_argument("--rule", metavar="NAME", help="only this rule; with --dry-run also one that is off")

    def handle(self, *args: Any, **options: Any) -> None:
        rules = EnrollRule.objects.select_related("workspace", "sequence", "mailbox", "owner").order_by("pk")
        if options["workspace"]:
            rules = rules.filter(workspace=self.find_workspace(options["workspace"]))
        if options["rule"]:
            rules = rules.filter(name__iexact=options["rule"])
            if not rules.exists():
                self.fail(f"--rule: there is no rule {options['rule']!r}: write its whole name", BAD_ARGUMENTS)
        if not (options["rule"] and options["dry_run"]):
            rules = rules.filter(is_active=True)
        now = timezone.now()
        shown = [_preview(rule, now) if options["dry_run"] else _run(rule, now) for rule in rules]
        if not options["json"]:
            self.list_aside([f"{each['rule']}: {each['problem']}" for each in shown if each["problem"]])
        verb = "would enroll" if options["dry_run"] else "enrolled"
        lines = [f"{each['rule']}: {verb} {each['enrolled']}{_days(each)}" for each in shown]
        self.emit({"rules": shown}, "\n".join(lines) or "no rule is on", as_json=options["json"])


def _run(rule: EnrollRule, now: Any) -> dict[str, Any]:
    enrolled = run_rule(rule, now)
    rule.refresh_from_db()
    return {"rule": rule.name, "workspace": rule.workspace.slug, "enrolled": enrolled, "problem": rule.problem}


def _preview(rule: EnrollRule, now: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {"rule": rule.name, "workspace": rule.workspace.slug, "enrolled": 0, "problem": ""}
    try:
        preview = preview_rule(rule, now)
    except FilterError as error:
        return {**shown, "problem": f"{error}.", "contacts": [], "days": []}
    return {
        **shown,
        "enrolled": len(preview.today),
        "problem": preview.problem,
        "contacts": [contact.email for contact in preview.today],
        "days": [{"date": f"{day.date}", "count": day.count} for day in preview.days],
    }


def _days(shown: dict[str, Any]) -> str:
    later = ", ".join(f"{day['date']}: {day['count']}" for day in shown.get("days", [])[1:])
    who = ", ".join(shown.get("contacts", []))
    return (f" ({who})" if who else "") + (f"; then {later}" if later else "")
