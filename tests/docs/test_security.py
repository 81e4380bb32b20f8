"""docs/security.md lists the advisories that `make audit` accepts, each with its reason."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_accepted_advisory_has_a_row_and_no_other_has_one() -> None:
    found = re.search(r"^ACCEPTED :=(.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    table = page.partition("| Advisory | Package |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    listed = {row[0]: row for row in rows if row[0] != "none"}
    assert set(listed) == set(found[1].split())
    assert all(all(cells) for cells in listed.values())
    assert len(rows) == max(1, len(listed))
