"""Every page of the desk with 100 and with 100,000 enrollments: as many statements, and no unbounded count."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client

from benchmarks.populate import Size, populate
from benchmarks.scale import PAGES, names_for
from sequences.models import Enrollment, Workspace
from tests.factories import NOW
from tests.support.admin_pages import ROOT_EMAIL, STAFF_EMAIL, log_in_root, log_in_staff
from tests.support.counting import count_statements
from tests.support.plans import running_plans

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280), pytest.mark.django_db]

FEW = Size(active=80, mailboxes=4, workspaces=2, due=20)
MANY = Size(active=80_000, mailboxes=40, workspaces=2, due=5_000)
DESK = [page for page in PAGES if page.startswith(("/admin/", "/api/"))]
# The figures of one sequence are exact counts.
FIGURES = "{sequence}"
# A list with rows also reads their contacts, sequences, steps, mailboxes, owners and holds. A page beyond the last row
# redirects, so a rendered one adds the menu's counts of replies and approvals and the rights of its buttons.
MORE_THAN_OF_AN_EMPTY_LIST = 15
# A bounded count is one of a subquery with a limit.
COUNTS_ALL = re.compile(
    r'count\(\*\)[^()]* from "?(sequences_enrollment|sequences_contact|emails_emailmessage|emails_emailevent|'
    r"execution_executionlog|tasks_app_task)\b[^()]*",
    re.IGNORECASE,
)
# Messages being sent or of unknown outcome: few, and found by an index of their own.
FEW_BY_NATURE = re.compile("status = '(sending|unknown)'")


def counts_without_end(sql: str) -> bool:
    return any(not FEW_BY_NATURE.search(found[0]) for found in COUNTS_ALL.finditer(sql))


def open_desk(user: str, client: Client) -> tuple[dict[str, int], list[str]]:
    """How many statements each page takes, and the statements with an unbounded count."""
    names = names_for(get_user_model().objects.get(username=user))
    client.get("/admin/")
    taken: dict[str, int] = {}
    endless: list[str] = []
    for page in DESK:
        with running_plans() as plans, count_statements() as statements:
            answer = client.get(page.format(**names))
        # beyond the last page of few rows the list leads back to the first
        assert answer.status_code in {200, 302}, page
        taken[page] = statements.count
        if FIGURES in page:
            continue
        counting = [plan.sql for plan in plans if counts_without_end(plan.sql)]
        endless += [f"{page}: {' '.join(sql.split())}" for sql in counting]
    return taken, endless


def test_a_page_takes_as_many_statements_for_100000_enrollments_as_for_100() -> None:
    found: list[tuple[dict[str, int], list[str]]] = []
    for size in (FEW, MANY):
        with transaction.atomic():
            populate(size, NOW)
            assert Enrollment.objects.count() == size.people
            workspace = Workspace.objects.order_by("id")[0]
            for user, client in ((ROOT_EMAIL, log_in_root()), (STAFF_EMAIL, log_in_staff(workspace))):
                found.append(open_desk(user, client))
            transaction.set_rollback(True)
    for (few, _), (many, endless) in ((found[0], found[2]), (found[1], found[3])):
        more = {page: (few[page], many[page]) for page in DESK if many[page] > few[page] + MORE_THAN_OF_AN_EMPTY_LIST}
        assert not more
        assert not endless, "\n".join(endless)
