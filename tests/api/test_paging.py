"""Every list ends and shows each row once, in both directions, however many rows share a value."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.test import APIClient, APIRequestFactory

from sequences.interface.api.paging import CursorPages
from sequences.models import Contact, Enrollment, Workspace
from tasks_app.models import Task
from tests.api.conftest import join, log_in
from tests.factories import NOW, ContactFactory, TaskFactory, WorkspaceFactory

TIED = 1_050


def follow(api: APIClient, path: str, link: str = "next") -> Iterator[list[dict[str, Any]]]:
    url: str | None = path
    for _ in range(2 * TIED):
        if url is None:
            return
        answer = api.get(url).json()
        yield answer["results"]
        url = answer[link]
    raise AssertionError("the list does not end")


def make_tied_tasks(workspace: Workspace, contact: Contact, count: int = TIED) -> list[int]:
    rows = [
        Task(
            workspace=workspace,
            contact=contact,
            title="Call",
            due_at=NOW,
            created_at=NOW + timedelta(seconds=number % 3),
        )
        for number in range(count)
    ]
    return [task.pk for task in Task.objects.bulk_create(rows)]


def test_more_rows_of_one_value_than_any_page_takes_are_all_shown(api: APIClient, workspace: Workspace) -> None:
    made = make_tied_tasks(workspace, ContactFactory(workspace=workspace))
    for ordering in ("", "&ordering=-due_at", "&ordering=created_at", "&ordering=contact__engagement_score"):
        shown = [row["id"] for page in follow(api, f"/api/tasks?page_size=200{ordering}") for row in page]
        assert len(shown) == TIED, ordering
        assert set(shown) == set(made), ordering


def test_the_previous_links_lead_back_over_the_same_pages(api: APIClient, workspace: Workspace) -> None:
    make_tied_tasks(workspace, ContactFactory(workspace=workspace), 95)
    forward, url = [], "/api/tasks?page_size=20"
    while url:
        answer = api.get(url).json()
        forward.append(answer["results"])
        last, url = url, answer["next"]
    assert list(follow(api, last, "previous")) == forward[::-1]


def test_rows_that_are_added_and_removed_between_pages_neither_repeat_nor_hide_others(
    api: APIClient, workspace: Workspace
) -> None:
    contact = ContactFactory(workspace=workspace)
    made = make_tied_tasks(workspace, contact, 30)
    first = api.get("/api/tasks?page_size=10").json()
    shown = [row["id"] for row in first["results"]]
    Task.objects.filter(pk__in=shown).delete()
    make_tied_tasks(workspace, contact, 3)
    Task.objects.filter(pk=made[15]).delete()
    rest = [row["id"] for page in follow(api, first["next"]) for row in page]
    assert set(made) - set(shown) - {made[15]} <= set(rest)
    assert len(rest) == len(set(rest))


@pytest.mark.parametrize(
    ("path", "orderings"),
    [
        ("/api/contacts", ("email", "engagement_score", "created_at", "updated_at")),
        ("/api/accounts", ("name", "engagement_score")),
        ("/api/sequences", ("name", "priority", "created_at", "updated_at")),
        ("/api/sequence-enrollments", ("enrolled_at", "updated_at")),
        ("/api/mailboxes", ("address", "created_at")),
        ("/api/steps", ("number", "id")),
    ],
)
def test_every_ordering_of_every_list_can_be_followed(
    ids: dict[str, int], enrollment: Enrollment, api: APIClient, path: str, orderings: tuple[str, ...]
) -> None:
    TaskFactory.create_batch(3, enrollment__sequence__workspace=enrollment.workspace)
    for ordering in orderings:
        for sign in ("", "-"):
            pages = list(follow(api, f"{path}?page_size=1&ordering={sign}{ordering}"))
            shown = [row["id"] for page in pages for row in page]
            assert shown == [row["id"] for row in api.get(f"{path}?ordering={sign}{ordering}").json()["results"]]


def test_several_fields_may_order_a_list(api: APIClient, workspace: Workspace) -> None:
    for number in range(12):
        ContactFactory(workspace=workspace, engagement_score=number % 2, email=f"p{number:02}@x.example")
    pages = follow(api, "/api/contacts?page_size=5&ordering=-engagement_score,email")
    shown = [(row["engagement_score"], row["email"]) for page in pages for row in page]
    assert shown == sorted(shown, key=lambda row: (-row[0], row[1]))
    assert len(shown) == 12


def test_a_page_costs_the_same_statements_wherever_it_is(api: APIClient, workspace: Workspace) -> None:

    make_tied_tasks(workspace, ContactFactory(workspace=workspace), 60)
    first = api.get("/api/tasks?page_size=20").json()
    counts = []
    for url in ("/api/tasks?page_size=20", first["next"]):
        with CaptureQueriesContext(connection) as queries:
            api.get(url)
        counts.append(len(queries))
        assert not any("OFFSET" in query["sql"] for query in queries)
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        b64encode(urlencode({"p": "2026-03-02"}).encode()).decode(),
        b64encode(b'[["due_at","id"],["2026-03-02",1],false]').decode(),
    ],
)
def test_a_forged_cursor_is_refused(api: APIClient, cursor: str) -> None:
    answer = api.get("/api/tasks", {"cursor": cursor})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["cursor"])


def test_a_cursor_of_another_ordering_or_with_a_changed_letter_is_refused(api: APIClient, workspace: Workspace) -> None:
    make_tied_tasks(workspace, ContactFactory(workspace=workspace), 3)
    link = api.get("/api/tasks?page_size=1").json()["next"]
    assert api.get(f"{link}&ordering=-due_at").status_code == 400
    cursor = link.partition("cursor=")[2].partition("&")[0]
    changed = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    assert api.get("/api/tasks", {"cursor": changed, "page_size": "1"}).status_code == 400


def test_a_cursor_shows_no_row_of_another_workspace(api: APIClient, workspace: Workspace) -> None:
    for each in (workspace, WorkspaceFactory()):
        make_tied_tasks(each, ContactFactory(workspace=each), 5)
    other = log_in(join(WorkspaceFactory()))
    link = api.get("/api/tasks?page_size=2").json()["next"]
    assert other.get(link).json()["results"] == []


ORDERINGS = [
    (sign + first, *rest)
    for sign in ("", "-")
    for first in ("completed_at", "due_at", "priority")
    for rest in ((), ("-due_at",), ("title", "-completed_at"))
]


class PagesOverTies(TestCase):
    """Any ordering, null values included: `next` leads over what one query shows, `previous` back over it."""

    def setUp(self) -> None:
        self.workspace = WorkspaceFactory()
        self.contact = ContactFactory(workspace=self.workspace)

    @given(
        st.lists(st.tuples(st.none() | st.integers(0, 2), st.integers(0, 2), st.sampled_from("ab")), max_size=14),
        st.sampled_from(ORDERINGS),
        st.integers(1, 5),
    )
    @settings(max_examples=60)
    def test_every_row_is_shown_once_and_in_order(
        self, rows: list[tuple[int | None, int, str]], ordering: tuple[str, ...], size: int
    ) -> None:
        for completed, due, title in rows:
            Task.objects.create(
                workspace=self.workspace,
                contact=self.contact,
                title=title,
                status="open" if completed is None else "completed",
                completed_at=None if completed is None else NOW + timedelta(hours=completed),
                due_at=NOW + timedelta(microseconds=due),
                created_at=NOW,
            )
        id_order = "-id" if ordering[-1].startswith("-") else "id"
        expected = list(Task.objects.order_by(*ordering, id_order).values_list("pk", flat=True))
        pages, backwards = self._read(ordering, size)
        self.assertEqual([pk for page in pages for pk in page], expected)
        self.assertEqual(backwards, pages[::-1])

    def _read(self, ordering: tuple[str, ...], size: int) -> tuple[list[list[int]], list[list[int]]]:
        pages, url, last = [], f"/?page_size={size}", ""
        while url:
            page, following, _ = self._page(ordering, url)
            pages.append(page)
            last, url = url, following or ""
        backwards, url = [], last
        while url:
            page, _, before = self._page(ordering, url)
            backwards.append(page)
            url = before or ""
        return pages, backwards

    def _page(self, ordering: tuple[str, ...], url: str) -> tuple[list[int], str | None, str | None]:
        paginator = CursorPages()
        paginator.ordering = ordering
        rows = paginator.paginate_queryset(Task.objects.all(), Request(APIRequestFactory().get(url)))
        assert rows is not None
        return [row.pk for row in rows], paginator.get_next_link(), paginator.get_previous_link()


@pytest.mark.parametrize("size", ["0", "-1", "x", "1.5", "9999999999"])
def test_a_page_size_is_a_whole_number(size: str) -> None:
    with pytest.raises(ValidationError):
        CursorPages().get_page_size(Request(APIRequestFactory().get("/", {"page_size": size})))
