"""What the commands that enroll have in common: their options and the line that sums up a run."""

from __future__ import annotations

from argparse import ArgumentTypeError

from django.core.management.base import CommandParser

from execution.control.enroll import EnrollResult
from execution.control.enroll_rules import group_skipped

_LONGEST_REASON = 500


def reason(text: str) -> str:
    """A reason that is not blank."""
    stripped = text.strip()
    if not stripped or len(stripped) > _LONGEST_REASON:
        raise ArgumentTypeError(f"say why, in up to {_LONGEST_REASON} characters")
    return stripped


def add_enroll_options(parser: CommandParser) -> None:
    """`--again` and `--allow-incomplete`."""
    parser.add_argument(
        "--again",
        type=reason,
        metavar="REASON",
        help="enroll contacts too that had this sequence, answered recently, are in another sequence or got an email "
        "recently; the reason is kept on each enrollment. Contacts that opted out, complained or bounced stay out",
    )
    parser.add_argument(
        "--allow-incomplete",
        action="store_true",
        help="enroll contacts too that lack a merge field; each is held at the step that needs it",
    )


def present_counts(result: EnrollResult) -> str:
    """One line, with the skipped by rule."""
    groups = ", ".join(map(str, group_skipped(result.skipped)))
    counts = f"{len(result.enrolled)} enrolled, {len(result.skipped)} skipped"
    return f"{counts} ({groups})." if groups else f"{counts}."
