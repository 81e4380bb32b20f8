"""Everything hot, once, on an installation of some size: no plan reads a hot table from end to end, and what belongs to
one workspace is done with its rows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from benchmarks.populate import Size, populate
from emails.choices import BounceType, EventType
from emails.facts.events import NewEvent, record_events
from emails.facts.scores import refresh_scores
from emails.facts.suppressions import expire_suppressions
from emails.inbound.evidence import resolve_unknown_by_evidence
from emails.inbound.imap import FetchedMail
from emails.inbound.polling import store_mails
from emails.models import EmailEvent, EmailMessage, Mailbox
from emails.sending.delivery import HeldLeases, deliver_lane
from emails.sending.lane_view import read_lane
from emails.sending.lanes import next_lane_at
from emails.sending.recovery import recover_expired
from emails.tracking.reclassify import classify_pending_visits
from execution.control.enroll import enroll_contacts
from execution.control.enrollments import exit_enrollments, pause_enrollments, resume_enrollments, skip_steps
from execution.engine.backoff import Policy
from execution.engine.tick import count_overdue, next_wake_at, run_tick
from execution.insight.alerts import reconcile_alerts
from execution.insight.explain import explain_enrollments
from execution.insight.metrics import render_metrics
from execution.insight.overview import read_overview
from execution.insight.preview import preview_rest
from execution.insight.queue import QueueFilter, read_queue, read_status
from execution.insight.sequence_stats import read_stats
from execution.insight.timeline import read_timeline
from execution.webhooks_out.operations import subscribe
from execution.webhooks_out.round import deliver_webhooks
from sequences.contacts.queries import has_address
from sequences.models import Contact, Enrollment, Sequence, Workspace
from simulation.mail_server import MailServer
from tests.factories import NOW
from tests.support.plans import running_plans

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

SIZE = Size(active=20_000, mailboxes=50, workspaces=10, due=2_500)
HOT = {"sequences_enrollment", "emails_emailmessage", "emails_emailevent", "execution_executionlog"}
BATCH, LANES = 50, 4
ACTOR = "ada@sender.example"
OF_A_WORKSPACE = 7


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as started:
        yield started


@pytest.fixture
def workspace(server: MailServer) -> Workspace:
    """One of twelve, all of some size."""
    populate(SIZE, NOW)
    Mailbox.objects.update(smtp_port=server.port, gap_seconds=0, jitter_seconds=0)
    found: Workspace = Workspace.objects.order_by("id")[OF_A_WORKSPACE]
    subscribe(found, {"url": "http://127.0.0.1:9/", "events": ["*"]}, actor=ACTOR, now=NOW - timedelta(minutes=1))
    return found


def decide(workspace: Workspace | None) -> None:
    scope = workspace.pk if workspace else None
    for _ in range(2):
        assert run_tick(NOW, BATCH, Policy(), scope).claimed
    assert next_wake_at(scope)
    count_overdue(NOW)


def deliver(workspace: Workspace | None) -> None:
    scope = workspace.pk if workspace else None
    for _ in range(LANES):
        deliver_lane(lambda: NOW, "test", HeldLeases(), workspace_id=scope)
    next_lane_at(scope)


def record_all(workspace: Workspace) -> None:
    sent = list(EmailMessage.objects.filter(workspace=workspace, status="sent").order_by("id")[:40])
    kinds = (EventType.OPENED, EventType.CLICKED, EventType.REPLIED, EventType.BOUNCED, EventType.UNSUBSCRIBED)
    events = [
        NewEvent(
            kinds[number % len(kinds)], "test", str(number), NOW, message_pk=row.pk,
            bounce_type=BounceType.HARD if kinds[number % len(kinds)] is EventType.BOUNCED else "",
        )
        for number, row in enumerate(sent)
    ]  # fmt: skip
    assert record_events(events, NOW) == len(events)
    newest = sent[-1]
    answer = (
        f"From: {newest.recipient}\r\nTo: {newest.mailbox.address}\r\nMessage-ID: <answer@prospect.example>\r\n"
        f"In-Reply-To: {newest.message_id}\r\nSubject: Re: Hello\r\n\r\nYes, gladly.\r\n"
    )
    stranger = answer.replace(newest.message_id, "<other@prospect.example>").replace("<answer@", "<second@")
    mails = [FetchedMail(uid, NOW, text.encode()) for uid, text in enumerate((answer, stranger), 1)]
    assert store_mails(mails, newest.mailbox, NOW) == 2


def keep_house() -> None:
    recover_expired(NOW)
    classify_pending_visits(NOW)
    expire_suppressions(NOW)
    refresh_scores(NOW)
    resolve_unknown_by_evidence(NOW)
    reconcile_alerts(NOW)
    deliver_webhooks(NOW)


def look(workspaces: list[int], enrollment: Enrollment) -> None:
    read_status(workspaces, NOW)
    for chosen in (None, *QueueFilter):
        read_queue(workspaces, NOW, 50, chosen)
    read_overview(workspaces, NOW)
    explain_enrollments([enrollment.pk], NOW)
    read_timeline(enrollment)
    preview_rest(enrollment, NOW)
    read_stats(enrollment.sequence_id)
    assert enrollment.mailbox is not None
    read_lane(enrollment.mailbox, NOW)


def steer(workspace: Workspace) -> None:
    ids = list(
        Enrollment.objects.filter(workspace=workspace, status="active")
        .order_by("-id")
        .values_list("pk", flat=True)[:40]
    )
    pause_enrollments(ids[:20], actor=ACTOR, now=NOW, reason="a holiday")
    resume_enrollments(ids[:10], actor=ACTOR, now=NOW)
    skip_steps(ids[20:30], actor=ACTOR, now=NOW)
    exit_enrollments(ids[30:], actor=ACTOR, now=NOW)
    contacts = Contact.objects.filter(workspace=workspace).order_by("id").values_list("pk", flat=True)[:30]
    sequence = Sequence.objects.filter(workspace=workspace).order_by("id").last()
    assert sequence is not None
    mailbox = Mailbox.objects.filter(workspace=workspace).first()
    enroll_contacts(sequence=sequence, contact_ids=list(contacts), mailbox=mailbox, owner=None, actor=ACTOR, now=NOW)


def open_mail(workspace: Workspace) -> None:
    """As a member of one workspace, so that no message of another workspace is read and sorted."""
    client = Client()
    client.force_login(workspace.memberships.order_by("id")[0].user)
    for address in ("/api/messages", "/api/messages?ordering=id"):
        assert client.get(address).json()["results"]


def find(workspace: Workspace) -> None:
    """One person by the whole address, in any case, and what has left a mailbox."""
    root = get_user_model().objects.create_superuser("finder", "finder@sender.example", "password")
    member = workspace.memberships.order_by("id")[0].user
    enrollment = Enrollment.objects.filter(workspace=workspace).order_by("id")[50]
    address = enrollment.contact.email.upper()
    for user in (root, member):
        client = Client()
        client.force_login(user)
        (found,) = client.get("/api/contacts", {"email": address}).json()["results"]
        assert found["id"] == enrollment.contact_id
        assert not client.get("/api/suppressions", {"email": address}).json()["results"]
        assert client.get("/api/messages", {"mailbox": enrollment.mailbox_id}).json()["results"]
    assert Contact.objects.filter(has_address(address), workspace=workspace).exists()
    call_command("why", address, stdout=StringIO())


def search() -> None:
    """What a person types into the search of a list that only grows."""
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root", "root@sender.example", "password"))
    # a long one, so that no other address begins with it
    person = EmailEvent.objects.filter(provider="tracking", contact_id__gt=10_000).order_by("id")[0].contact.email
    for model in ("execution/executionlog", "emails/emailevent", "emails/emailmessage"):
        for term in (person, "unknown@nowhere"):
            answer = client.get(f"/admin/{model}/", {"q": term})
            assert answer.status_code == 200
            assert (person in answer.content.decode().partition("<table")[2]) is (term == person)


def test_no_plan_reads_a_hot_table_from_end_to_end(workspace: Workspace) -> None:
    actions: dict[str, Callable[[], Any]] = {
        "decide": lambda: decide(None),
        "decide for a workspace": lambda: decide(workspace),
        "deliver": lambda: deliver(None),
        "deliver for a workspace": lambda: deliver(workspace),
        "record events": lambda: record_all(workspace),
        "decide after events": lambda: decide(None),
        "keep house": keep_house,
        "look at one": lambda: look([workspace.pk], enrollment),
        "look at all": lambda: look(all_workspaces, enrollment),
        "open mail": lambda: open_mail(workspace),
        "find": lambda: find(workspace),
        "search": search,
        "measure": lambda: render_metrics(NOW),
        "steer": lambda: steer(workspace),
    }
    all_workspaces = list(Workspace.objects.values_list("pk", flat=True))
    enrollment = Enrollment.objects.filter(workspace=workspace, emails_sent=1).order_by("id")[50]
    scans: list[str] = []
    walked: set[str] = set()
    for name, action in actions.items():
        with running_plans() as plans:
            action()
        assert len(plans) >= 3, f"{name}: its statements were seen"
        scans += [f"{name}: {table}: {' '.join(plan.sql.split())}" for plan in plans for table in plan.scanned() & HOT]
        if name == "open mail":
            pages = [plan for plan in plans if 'FROM "emails_emailmessage"' in plan.sql and " LIMIT " in plan.sql]
            nodes = [node for plan in pages for node in plan.nodes]
            assert {node["Node Type"] for node in nodes} == {"Limit", "Index Scan"}
        if name == "find":
            assert not [plan.sql for plan in plans if "sequences_contact" in plan.scanned()]
        walked |= {node.get("Index Name", "") for plan in plans for node in plan.nodes}
    assert not scans, "\n".join(scans)
    assert {"message_newest", "enrollment_trouble"} <= walked


def test_queries_of_a_workspace_read_only_its_own_rows(workspace: Workspace) -> None:
    """What one workspace's engine, lanes, events and pages do is the same when the database hides all other rows.

    It shows that a statement for a workspace reads and writes nothing of another: with the tables distributed by
    workspace, one shard answers it. Not shown is that a planner of shards can tell which.
    """
    seen: list[list[Any]] = []
    for is_hidden in (False, True):
        with transaction.atomic():
            if is_hidden:
                hide_others(workspace)
            decide(workspace)
            deliver(workspace)
            record_all(workspace)
            decide(workspace)
            steer(workspace)
            enrollment = Enrollment.objects.filter(workspace=workspace, emails_sent=1).order_by("id")[50]
            look([workspace.pk], enrollment)
            seen.append(describe(workspace))
            transaction.set_rollback(True)
    assert seen[0] == seen[1]
    assert all(count for count, _ in seen[0])


OWNED = ("sequences_enrollment", "emails_emailmessage", "emails_emailevent", "execution_executionlog", "tasks_app_task")
LEFT_OUT = (
    "id", "enrollment_id", "message_id", "lease_token", "text", "html", "payload", "details", "updated_at",
)  # fmt: skip
_WORKSPACES_OWN = """
SELECT c.table_name FROM information_schema.columns c
WHERE c.table_schema = 'public' AND c.column_name = 'workspace_id' AND c.is_nullable = 'NO'
"""


def hide_others(workspace: Workspace) -> None:
    """For the rest of the transaction, as a user who can neither read nor write rows of other workspaces."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(_WORKSPACES_OWN)
        for (table,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            cursor.execute(f"CREATE POLICY own ON {table} USING (workspace_id = {workspace.pk})")
        cursor.execute("CREATE ROLE one_workspace")
        cursor.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO one_workspace")
        cursor.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO one_workspace")
        cursor.execute("SET LOCAL ROLE one_workspace")
        cursor.execute("SELECT count(DISTINCT workspace_id) FROM sequences_enrollment")
        assert cursor.fetchone() == (1,)


def describe(workspace: Workspace) -> list[Any]:
    """How many rows of each hot table the workspace has, and what stands in them but ids and what holds ids."""
    found = []
    with connection.cursor() as cursor:
        for table in OWNED:
            cursor.execute(
                f"SELECT count(*), md5(string_agg(line, ',' ORDER BY line)) FROM ("
                f"SELECT (to_jsonb(t) - %s::text[])::text AS line FROM {table} t WHERE workspace_id = %s) x",
                [list(LEFT_OUT), workspace.pk],
            )
            found.append(cursor.fetchone())
    return found
