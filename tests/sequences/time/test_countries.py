"""Which country a text of an import names, and whose holidays then count."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from sequences.time.countries import find_country, holiday_countries
from sequences.time.timing import Calendar, first_known, next_allowed


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("FR", "FR"),
        (" fr ", "FR"),
        ("France", "FR"),
        ("FRANKREICH", "FR"),
        ("DEU", "DE"),
        ("U.S.", "US"),
        ("USA", "US"),
        ("the United  States", "US"),
        ("Vereinigte Staaten", "US"),
        ("UK", "GB"),
        ("England", "GB-ENG"),
        ("US-CA", "US-CA"),
        # a part that has no calendar of its own
        ("FR-75", "FR"),
        ("España", "ES"),
        ("Polska", "PL"),
        # no calendar, or no country
        ("EU", None),
        ("Atlantis", None),
        ("12", None),
        ("", None),
        ("x" * 10_000, None),
    ],
)
def test_a_country_is_read_as_imports_write_it(text: str, code: str | None) -> None:
    assert find_country(text) == code


@pytest.mark.parametrize(
    ("source", "workspace", "contact", "countries"),
    [
        ("workspace", "DE", "France", "DE"),
        ("workspace", "", "France", None),
        ("contact", "DE", "France", "FR"),
        ("contact", "DE", "Atlantis", "DE"),
        ("contact", "DE", None, "DE"),
        ("contact", "", "", None),
        ("both", "DE", "France", "DE,FR"),
        ("both", "DE", "Germany", "DE"),
        ("both", "DE-BY", "DE", "DE-BY,DE"),
        ("both", "", "FR", "FR"),
    ],
)
def test_whose_holidays_count(source: str, workspace: str, contact: str | None, countries: str | None) -> None:
    assert holiday_countries(source, workspace, contact) == countries


def test_a_holiday_of_either_country_moves_and_says_whose_it_is() -> None:
    zone = first_known(None, None, None, None, "UTC")
    both = Calendar(zone, None, "IE,BG", frozenset({date(2026, 3, 4)}))
    moved = next_allowed(datetime(2026, 3, 3, 9, tzinfo=UTC), both)
    assert [move.detail for move in moved.moves] == [
        "holiday: Liberation Day (BG)",
        "holiday: day off of the workspace",
    ]
    saint_patrick = next_allowed(datetime(2026, 3, 17, 9, tzinfo=UTC), both)
    assert (saint_patrick.at, saint_patrick.moves[0].detail[-5:]) == (datetime(2026, 3, 18, tzinfo=UTC), " (IE)")
