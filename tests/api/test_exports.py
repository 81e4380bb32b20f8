"""Whole lists as CSV and JSON Lines, with the list's own filters and rights."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from unittest import mock

import pytest
from rest_framework.test import APIClient

from sequences.interface.api import exports
from sequences.models import Contact, Enrollment
from tests.factories import CompletedEnrollmentFactory, EnrollmentFactory, ExecutionLogFactory

LISTS = ("sequence-enrollments", "messages", "tasks", "replies", "contacts", "events", "sequence-enrollments/{id}/logs")


def read(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode()


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_exported_as_the_list_shows_it(
    manager_api: APIClient, stranger_api: APIClient, enrollment: Enrollment, ids: dict[str, int], name: str
) -> None:
    ExecutionLogFactory(enrollment=enrollment)
    url = f"/api/{name}".replace("{id}", str(enrollment.pk))
    listed = manager_api.get(url).json()
    rows = sorted(listed.get("results") or listed["logs"], key=lambda row: str(row.get("id")))
    lines = read(manager_api.get(url, {"format": "jsonl"})).splitlines()
    assert rows
    assert sorted((json.loads(line) for line in lines), key=lambda row: str(row.get("id"))) == rows
    answer = manager_api.get(url, headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"].startswith("text/csv")
    cells = list(csv.DictReader(io.StringIO(read(answer))))
    assert len(cells) == len(rows)
    assert list(cells[0]) == list(rows[0])
    for query in ({"format": "xml"}, {"format": "csv", "page_size": "5"}):
        assert manager_api.get(url, query).status_code == 400
    foreign = stranger_api.get(url, {"format": "jsonl"})
    assert foreign.status_code == 404 if "logs" in name else read(foreign) == ""


def test_an_export_takes_the_filters_and_has_no_formula(api: APIClient, enrollment: Enrollment) -> None:
    for _ in range(5):
        CompletedEnrollmentFactory(sequence=enrollment.sequence)
        EnrollmentFactory(sequence=enrollment.sequence)
    Contact.objects.filter(pk=enrollment.contact_id).update(title="=1+1", fields={"plan": "pro"})
    with mock.patch.object(exports, "_BATCH", 2):
        text = read(api.get("/api/sequence-enrollments", {"format": "jsonl", "status": "completed"}))
    found = [json.loads(line) for line in text.splitlines()]
    assert [row["status"] for row in found] == ["completed"] * 5
    (row,) = csv.DictReader(
        io.StringIO(read(api.get("/api/contacts", {"format": "csv", "email": enrollment.contact.email})))
    )
    assert (row["title"], json.loads(row["fields"])) == ("'=1+1", {"plan": "pro"})
