"""A long list of the API, followed to its end: `python -m benchmarks.paging --rows 1000000`.

All tasks are due at the same time, the hardest case of the default ordering. The rows are removed afterwards.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time

import psutil

from benchmarks.start import set_up

_FILL = """
INSERT INTO tasks_app_task (workspace_id, contact_id, visit, type, title, instructions, priority, status, due_at,
                            created_at, completed_by, outcome)
SELECT %(workspace)s, %(contact)s, 0, 'call', 'Call ' || n, '', 'normal', 'open', now(), now(), '', ''
FROM generate_series(1, %(rows)s) n
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Follow a list of the API to its end and report its cost.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="Default: 1,000,000.")
    rows = parser.parse_args().rows
    set_up()
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.db import connection, transaction
    from rest_framework.test import APIClient

    from sequences.models import Contact, Membership, Workspace

    settings.ALLOWED_HOSTS = ["testserver"]
    # in development Django remembers statements
    settings.DEBUG = False
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"user": None}}
    with transaction.atomic():
        workspace = Workspace.objects.create(name="Paging", slug="paging-benchmark")
        contact = Contact.objects.create(workspace=workspace, email="paging@prospect.example")
        user = get_user_model().objects.create_user("paging-benchmark")
        Membership.objects.create(workspace=workspace, user=user, role="manager")
        with connection.cursor() as cursor:
            cursor.execute(_FILL, {"workspace": workspace.pk, "contact": contact.pk, "rows": rows})
            cursor.execute("ANALYZE tasks_app_task")
        client = APIClient()
        client.force_authenticate(user)
        _follow(client, rows)
        transaction.set_rollback(True)


def _follow(client: object, rows: int) -> None:
    url: str | None = "/api/tasks?page_size=200"
    seen, pages, slowest = 0, 0, 0.0
    started, before = time.perf_counter(), _megabytes()
    while url:
        began = time.perf_counter()
        answer = client.get(url).json()  # type: ignore[attr-defined]
        slowest = max(slowest, time.perf_counter() - began)
        seen, pages, url = seen + len(answer["results"]), pages + 1, answer["next"]
        if pages % 50 == 0:
            gc.collect()
        if seen == rows // 2:
            # caches and the collector have settled by then
            before = _megabytes()
    took = time.perf_counter() - started
    if seen != rows:
        raise SystemExit(f"{seen:,} rows were shown of {rows:,}")
    grown = _megabytes() - before
    sys.stdout.write(
        f"{rows:,} rows in {pages:,} pages: {took:.0f} s, {1000 * took / pages:.1f} ms a page\n"
        f"slowest page {1000 * slowest:.0f} ms, memory grown in the second half by {grown:.1f} MB\n"
    )


def _megabytes() -> float:
    # what waits for the collector is not kept
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 2**20


if __name__ == "__main__":
    main()
