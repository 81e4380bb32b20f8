"""What leaves in the next days, by mailbox and day: `manage.py forecast`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from execution.insight.forecast import DEFAULT_DAYS, MOST_DAYS, Forecast, forecast_workspaces
from execution.insight.forecast_accuracy import compare_forecasts, describe_errors, median_errors
from execution.management.base import ProductCommand
from execution.management.values import number_of_days

_HEADINGS = ("first touches", "follow-ups", "cap", "unplaced")


class Command(ProductCommand):
    help = "Show what each mailbox of a workspace sends on each of the next days, and what will not fit."
    example = "manage.py forecast --workspace acme --days 14"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--workspace", required=True, metavar="SLUG", help="the workspace's slug")
        parser.add_argument(
            "--days",
            type=number_of_days(MOST_DAYS),
            default=DEFAULT_DAYS,
            metavar="N",
            help=f"how many days, today included; at most {MOST_DAYS}, default: {DEFAULT_DAYS}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = self.find_workspace(options["workspace"])
        now = timezone.now()
        found = forecast_workspaces([workspace.pk], now, options["days"])
        compared = compare_forecasts([workspace.pk], now)
        data = {
            "days": [
                {
                    "date": day.date.isoformat(),
                    "mailbox": day.mailbox,
                    "follow_ups": day.follow_ups,
                    "first_touches": day.first_touches,
                    "cap": day.cap,
                    "unplaced": day.unplaced,
                }
                for day in found.days
            ],
            "assumptions": list(found.assumptions),
            "median_errors": {str(ahead): error for ahead, error in median_errors(compared).items()},
        }
        lines = [*_lines(found), *filter(None, [describe_errors(compared)])]
        self.emit(data, "\n".join(lines), as_json=options["json"])


def _lines(found: Forecast) -> list[str]:
    lines: list[str] = []
    address = ""
    for day in found.days:
        if day.address != address:
            address = day.address
            lines += [address, f"  {'':14}" + "".join(f"{heading:>15}" for heading in _HEADINGS)]
        cap = "none" if day.cap is None else f"{day.cap:,}"
        figures = (f"{day.first_touches:,}", f"{day.follow_ups:,}", cap, f"{day.unplaced:,}")
        lines.append(f"  {day.date:%a %Y-%m-%d}" + "".join(f"{figure:>15}" for figure in figures))
    return [*(lines or ["The workspace has no mailbox."]), "", *(f"* {text}" for text in found.assumptions)]
