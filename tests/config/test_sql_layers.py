"""SQL obeys the layers of the imports, and what many statements share is written once."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]
#: Lower apps first; apps of one rank know nothing of each other.
RANKS = {"common": 0, "sequences": 1, "emails": 2, "tasks_app": 2, "execution": 3, "config": 4, "simulation": 5}
TABLE = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO|TABLE|USING)\s+(?:ONLY\s+)?([a-z_]+)")
LIVE_BY_HAND = re.compile(r"'active',\s*'paused',\s*'quarantined'")
WRITES_ENROLLMENTS = re.compile(r"(?:UPDATE|INSERT INTO|DELETE FROM) sequences_enrollment\b")
LOCKS_BY_ID = re.compile(r"sequences_enrollment\b[^;]*ORDER BY (?:e\.)?id FOR NO KEY UPDATE")


def _sources() -> Iterator[tuple[str, str]]:
    """(path, text) of every module of the product but migrations."""
    for app in RANKS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield str(path.relative_to(ROOT)), path.read_text()


def _texts(source: str) -> Iterator[str]:
    """The texts of a module without its docstrings; of a formatted one, what stands between the braces left out."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def _may_name(app: str, owner: str) -> bool:
    return app == owner or RANKS[owner] < RANKS[app]


def test_no_statement_names_a_table_of_an_app_above() -> None:
    owners = {model._meta.db_table: model._meta.app_label for model in apps.get_models(include_auto_created=True)}
    found = [
        (path, table)
        for path, source in _sources()
        for text in _texts(source)
        for table in TABLE.findall(text)
        if table in owners and owners[table] in RANKS
    ]
    assert len(found) > 200
    upward = {(path, table) for path, table in found if not _may_name(path.split("/")[0], owners[table])}
    assert upward == set()


def test_the_list_of_live_statuses_is_written_once() -> None:
    assert [path for path, source in _sources() if LIVE_BY_HAND.search(source)] == []


def test_enrollments_are_locked_by_id_in_one_place() -> None:
    by_hand = [path for path, source in _sources() for text in _texts(source) if LOCKS_BY_ID.search(text)]
    assert by_hand == []


def test_few_modules_write_enrollments() -> None:
    writers = {path for path, source in _sources() for text in _texts(source) if WRITES_ENROLLMENTS.search(text)}
    assert writers == {
        "sequences/enrollment_sql.py",  # wakes them and counts what was sent
        "execution/engine/positions.py",  # writes what the engine decided
        "execution/engine/tick.py",  # quarantines a row that cannot be read
        "execution/control/enroll_statement.py",  # creates them
        "execution/control/enroll_pool.py",  # gives new ones a mailbox of their pool
        "execution/control/rehome.py",  # gives those without an email another mailbox
        "execution/control/replan_order.py",  # moves past steps whose text was sent
        "execution/control/replan_edit.py",  # new due times, moves to an inserted step
        "sequences/authoring/operations.py",  # leads away from a removed step
        "execution/maintenance/after_restore.py",  # keeps a pause beyond its end
        "execution/maintenance/repair_due_times.py",  # repairs due times
    }
