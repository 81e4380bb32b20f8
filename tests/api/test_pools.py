"""`/api/mailbox-pools`, and enrolling into a pool by API, command and desk."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from emails.models import MailboxPool
from execution.models import ControlLog, ExecutionLog
from sequences.choices import Role
from sequences.models import Enrollment, Sequence, Workspace
from tests.api.conftest import join
from tests.factories import (
    NOW,
    ContactFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    SentMessageFactory,
)
from tests.support.pools import make_pool
from tests.support.shell import Shell

pytestmark = pytest.mark.django_db
URL = "/api/mailbox-pools"


def test_a_manager_writes_and_every_member_reads(api: APIClient, manager_api: APIClient, workspace: Workspace) -> None:
    one, two = (MailboxFactory(workspace=workspace) for _ in range(2))
    assert api.post(URL, {"name": "West"}).status_code == 403
    made = manager_api.post(URL, {"name": " West ", "mailboxes": [two.pk, one.address.upper()]})
    assert made.status_code == 201, made.content
    row = made.json()
    assert set(row) == {"id", "workspace", "name", "mailboxes", "created_at", "updated_at"}
    assert (row["workspace"], row["name"], row["mailboxes"]) == (workspace.pk, "West", [one.pk, two.pk])
    assert api.get(f"{URL}/{row['id']}").json() == row
    assert api.patch(f"{URL}/{row['id']}", {"name": "East"}).status_code == 403
    changed = manager_api.patch(f"{URL}/{row['id']}", {"mailboxes": [two.pk]}).json()
    assert (changed["name"], changed["mailboxes"]) == ("West", [two.pk])
    assert [each["id"] for each in api.get(URL, {"mailbox": two.pk}).json()["results"]] == [row["id"]]
    assert api.get(URL, {"mailbox": one.pk}).json()["results"] == []
    log = ControlLog.objects.filter(target="mailbox_pool", target_id=row["id"]).order_by("pk")
    assert [line.action for line in log] == ["created", "edited"]
    assert log[1].changes[0]["before"] == sorted([one.address, two.address])
    assert manager_api.delete(f"{URL}/{row['id']}").status_code == 204
    assert ControlLog.objects.filter(target="mailbox_pool", action="deleted").count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "WEST"}, "name"),
        ({"name": "  "}, "name"),
        ({}, "name"),
        ({"name": "x", "mailboxes": ["missing@x.example"]}, "mailboxes"),
        ({"name": "x", "mailboxes": "ada"}, "mailboxes"),
        ({"name": "x", "mailbox": 1}, "mailbox"),
    ],
)
def test_a_bad_pool_is_refused_at_its_field(
    manager_api: APIClient, workspace: Workspace, body: dict[str, Any], field: str
) -> None:
    make_pool(workspace)
    answer = manager_api.post(URL, body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert MailboxPool.objects.count() == 1


def test_mailboxes_of_other_workspaces_are_not_known(manager_api: APIClient, workspace: Workspace) -> None:
    foreign = MailboxFactory()
    pool = make_pool(workspace)
    for named in (foreign.pk, foreign.address):
        assert manager_api.patch(f"{URL}/{pool.pk}", {"mailboxes": [named]}).status_code == 400
    assert not pool.mailboxes.exists()


@pytest.fixture
def running(sequence: Sequence) -> Sequence:
    sequence.status = "active"
    sequence.save()
    return sequence


def test_enrolling_takes_a_pool_by_id_or_name(manager_api: APIClient, running: Sequence) -> None:
    mailboxes = [MailboxFactory(workspace=running.workspace) for _ in range(2)]
    pool = make_pool(running.workspace, *mailboxes)
    emails = [ContactFactory(workspace=running.workspace).email for _ in range(4)]
    body = {"sequence": running.pk, "emails": emails[:2], "pool": "west"}
    dry = manager_api.post("/api/sequence-enrollments?dry_run=1", body).json()
    assert (len(dry["would_enroll"]), dry["forecast"]["people"]) == (2, 2)
    assert not Enrollment.objects.exists()
    assert len(manager_api.post("/api/sequence-enrollments", body).json()["enrolled"]) == 2
    manager_api.post("/api/sequence-enrollments", {**body, "emails": emails[2:], "pool": pool.pk})
    found = manager_api.get("/api/sequence-enrollments", {"pool": "West"}).json()["results"]
    assert sorted(row["mailbox"] for row in found) == sorted([mailbox.pk for mailbox in mailboxes] * 2)
    for bad, field in (({"mailbox": mailboxes[0].pk}, "pool"), ({"pool": "East"}, "pool")):
        answer = manager_api.post("/api/sequence-enrollments", {**body, **bad})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_a_pool_without_a_usable_mailbox_is_one_line(manager_api: APIClient, running: Sequence) -> None:
    make_pool(running.workspace, MailboxFactory(workspace=running.workspace, status="broken", status_reason="login"))
    email = ContactFactory(workspace=running.workspace).email
    body = {"sequence": running.pk, "emails": [email], "pool": "West"}
    answer = manager_api.post("/api/sequence-enrollments", body)
    assert answer.status_code == 400
    assert "no mailbox that can send" in answer.content.decode()
    assert not Enrollment.objects.exists()


def test_an_sdr_enrolls_into_pools_of_own_and_shared_mailboxes(api: APIClient, sdr: Any, running: Sequence) -> None:
    own, shared = MailboxFactory(workspace=running.workspace, owner=sdr), MailboxFactory(workspace=running.workspace)
    pool = make_pool(running.workspace, own, shared)
    email = [ContactFactory(workspace=running.workspace).email for _ in range(3)]
    body = {"sequence": running.pk, "emails": email[:2], "pool": "West"}
    assert len(api.post("/api/sequence-enrollments", body).json()["enrolled"]) == 2
    assert set(Enrollment.objects.values_list("mailbox", "owner")) == {(own.pk, sdr.pk), (shared.pk, sdr.pk)}
    own.owner = None
    own.save()
    pool.mailboxes.add(MailboxFactory(workspace=running.workspace, owner=join(running.workspace)))
    assert api.post("/api/sequence-enrollments", {**body, "emails": email[2:]}).status_code == 403


def test_the_commands_take_a_pool(running: Sequence, shell: Shell) -> None:
    pool = make_pool(running.workspace, MailboxFactory(workspace=running.workspace))
    email = ContactFactory(workspace=running.workspace).email
    args = ["--workspace", running.workspace.slug, "--sequence", running.name]
    assert shell("enroll", *args, "--pool", "west", email, "--json").data["enrolled"] == 1
    assert Enrollment.objects.get().pool_id == pool.pk
    both = shell("enroll", *args, "--pool", "West", "--mailbox", pool.mailboxes.get().address, email)
    assert (both.status, "not both" in both.err) == (2, True)
    unknown = shell("enroll", *args, "--pool", "East", email)
    assert (unknown.status, "'West'" in unknown.err) == (2, True)


def test_a_manager_makes_a_pool_in_the_desk_and_enrolls_into_it(sdr: Any, running: Sequence) -> None:
    mailboxes = [MailboxFactory(workspace=running.workspace) for _ in range(2)]
    desk, foreign, manager = Client(), MailboxFactory(), join(running.workspace, Role.MANAGER)
    desk.force_login(manager)
    add = reverse("admin:emails_mailboxpool_add")
    assert foreign.address not in desk.get(add).content.decode()
    data = {"workspace": running.workspace.pk, "name": "West", "mailboxes": [each.pk for each in mailboxes]}
    assert desk.post(add, {**data, "mailboxes": [foreign.pk]}).status_code == 200
    assert not MailboxPool.objects.exists()
    assert desk.post(add, data).status_code == 302
    pool = MailboxPool.objects.get()
    assert pool.mailboxes.count() == 2
    assert ControlLog.objects.get(target="mailbox_pool").actor == manager.email
    change = reverse("admin:emails_mailboxpool_change", args=[pool.pk])
    assert desk.post(change, {"name": "West", "mailboxes": [mailboxes[0].pk]}).status_code == 302
    assert pool.mailboxes.get() == mailboxes[0]
    pool.mailboxes.set(mailboxes)
    email = "\n".join(ContactFactory(workspace=running.workspace).email for _ in range(2))
    form = {"sequence": running.pk, "emails": email, "pool": pool.pk, "check": "1"}
    page = desk.post(reverse("admin:sequences_enrollment_add"), form)
    assert page.context["checked"].spread == tuple(
        (each.address, 1) for each in sorted(mailboxes, key=lambda m: m.address)
    )
    both = desk.post(reverse("admin:sequences_enrollment_add"), {**form, "mailbox": mailboxes[0].pk})
    assert "Choose a mailbox or a pool, not both." in both.content.decode()
    del form["check"]
    assert desk.post(reverse("admin:sequences_enrollment_add"), form).status_code == 302
    assert Enrollment.objects.filter(pool=pool).count() == 2
    colleague = Client()
    colleague.force_login(sdr)
    assert colleague.get(reverse("admin:emails_mailboxpool_changelist")).status_code == 200
    assert colleague.get(add).status_code == 403


def test_rehoming_moves_who_has_had_nothing_and_says_who_stays(
    api: APIClient, manager_api: APIClient, running: Sequence
) -> None:
    old, new = (MailboxFactory(workspace=running.workspace, owner=join(running.workspace)) for _ in range(2))
    pool, other = make_pool(running.workspace, old, new), make_pool(running.workspace, old, name="Other")
    step = running.steps.get(number=1)
    rows = {
        name: EnrollmentFactory(sequence=running, mailbox=old, owner=old.owner, pool=which, current_step=step)
        for name, which in (("queued", pool), ("named", None), ("other", other), ("sent", pool), ("unknown", pool))
    }
    queued = EmailMessageFactory(enrollment=rows["queued"], step=step, held_by="mailbox_cap: 5/5")
    SentMessageFactory(enrollment=rows["sent"], step=step)
    EmailMessageFactory(enrollment=rows["unknown"], step=step, status="unknown", unknown_at=NOW, handed_over_at=NOW)
    body = {"from": old.address, "reason": "left the team"}
    assert api.post(f"{URL}/{pool.pk}/rehome", body).status_code == 403
    dry = manager_api.post(f"{URL}/{pool.pk}/rehome", {**body, "dry_run": True}).json()
    assert not Enrollment.objects.filter(mailbox=new).exists()
    done = manager_api.post(f"{URL}/{pool.pk}/rehome", body).json()
    assert dry == {**done, "is_dry_run": True}
    moved = sorted(rows[name].pk for name in ("queued", "named"))
    assert (done["matched"], done["changed"], done["changed_ids"]) == (4, 2, moved)
    assert {pk for each in done["refused"] for pk in each["ids"]} == {rows["sent"].pk, rows["unknown"].pk}
    assert done["to"] == [{"mailbox": new.pk, "address": new.address, "count": 2}]
    found = Enrollment.objects.filter(mailbox=new).order_by("pk")
    assert [(row.pk, row.owner, row.pool) for row in found] == [(pk, new.owner, pool) for pk in moved]
    queued.refresh_from_db()
    assert (queued.status, queued.mailbox, queued.owner_id, queued.held_by) == ("queued", new, new.owner_id, "")
    log = ExecutionLog.objects.filter(action="rehomed").first()
    assert log is not None
    assert (log.actor, log.details["from"], log.message.endswith("left the team")) == (
        manager_api.get("/api/me").json()["email"], old.address, True
    )  # fmt: skip


@pytest.mark.parametrize("case", ["unknown", "alone", "outside"])
def test_rehoming_that_is_not_possible_is_one_line(manager_api: APIClient, running: Sequence, case: str) -> None:
    old, outside = (MailboxFactory(workspace=running.workspace) for _ in range(2))
    row = EnrollmentFactory(sequence=running, mailbox=old)
    pool = make_pool(running.workspace, old)
    named = {"unknown": MailboxFactory().pk, "alone": old.pk, "outside": outside.pk}[case]
    answer = manager_api.post(f"{URL}/{pool.pk}/rehome", {"from": named})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["from"])
    row.refresh_from_db()
    assert row.mailbox == old


def test_a_manager_previews_and_rehomes_in_the_desk(sdr: Any, running: Sequence) -> None:
    old, new = (MailboxFactory(workspace=running.workspace) for _ in range(2))
    pool, row = make_pool(running.workspace, old, new), EnrollmentFactory(sequence=running, mailbox=old)
    desk, colleague = Client(), Client()
    desk.force_login(join(running.workspace, Role.MANAGER))
    colleague.force_login(sdr)
    url = reverse("admin:emails_mailboxpool_rehome_one", args=[pool.pk])
    assert colleague.post(url, {"mailbox": old.pk}).status_code == 403
    page = desk.post(url, {"mailbox": old.pk, "check": "1"})
    assert "Would move <b>1</b> enrollment" in page.content.decode()
    row.refresh_from_db()
    assert row.mailbox == old
    assert desk.post(url, {"mailbox": old.pk, "reason": "left"}).status_code == 302
    row.refresh_from_db()
    assert row.mailbox == new
