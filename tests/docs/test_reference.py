"""The reference pages name exactly what the code knows: a word that is added, renamed or removed shows here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from django.core.management import get_commands

from emails.choices import ErrorClass, MailboxStatus, MessageStatus
from execution.choices import LogAction
from execution.webhooks_out.events import EVENTS, FEED_ONLY
from sequences.authoring.validation import KNOWN_FIELDS
from sequences.choices import ConditionType, EnrollmentStatus, ExitReason, Operator, SequenceStatus
from sequences.liquid.dialect import _FORBIDDEN_TAGS

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
OUR_APPS = {"config", "execution", "simulation"}


def first_cells(page: str, heading: str | None = None) -> list[str]:
    """The code words in the first column of the page's tables, or of the tables under one heading."""
    text = (REFERENCE / page).read_text()
    if heading:
        found = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
        assert found, f"{page} has no heading {heading!r}"
        text = found[1]
    rows = re.findall(r"^\| (`.*?) \| ", re.sub(r"^.*\n(?=\|---)", "", text, flags=re.MULTILINE), re.MULTILINE)
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row)]


def read_settings() -> set[str]:
    """Every variable that a module of config reads through config.env, or that config.env reads itself."""
    names: set[str] = set()
    for path in (ROOT / "config").rglob("*.py"):
        source = path.read_text()
        names |= set(re.findall(r"\benv\.[a-z_]+\(\s*\"([A-Z_]+)\"", source))
        names |= set(re.findall(r"(?:environ\.get\(|environ\[|\btext\(|refuse\(\s*|name = )\"([A-Z][A-Z_]+)\"", source))
    return names


@pytest.mark.parametrize(
    ("page", "heading", "words"),
    [
        ("states.md", "Enrollment status", EnrollmentStatus),
        ("states.md", "Exit reason", ExitReason),
        ("states.md", "Message status", MessageStatus),
        ("states.md", "Mailbox status", MailboxStatus),
        ("states.md", "Sequence status", SequenceStatus),
        ("states.md", "Log action", LogAction),
        ("errors.md", None, ErrorClass),
        ("webhook-events.md", None, [*EVENTS, *FEED_ONLY]),
        ("conditions.md", "Condition types", ConditionType),
        ("conditions.md", "Operators", Operator),
        ("merge-fields.md", "Fields", KNOWN_FIELDS),
        ("merge-fields.md", "Tags that are not available", _FORBIDDEN_TAGS),
        ("settings.md", None, read_settings()),
        ("commands.md", None, [name for name, app in get_commands().items() if app in OUR_APPS]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_page_names_what_the_code_knows(page: str, heading: str | None, words: Iterable[str]) -> None:
    named = first_cells(page, heading)
    assert len(named) == len(set(named)), "a word stands twice"
    assert sorted(named) == sorted(str(word) for word in words)


def test_every_link_of_the_documentation_leads_somewhere() -> None:
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")] + [*(ROOT / "docs").rglob("*.md")]
    missing = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in pages
        for target in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]+)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert missing == []
