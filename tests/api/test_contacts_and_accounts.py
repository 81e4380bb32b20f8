"""`/api/contacts` and `/api/accounts`: written by members, deleted by managers, moved as CSV."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from execution.models import ControlLog
from sequences.models import Account, Contact, Enrollment, Sequence, Workspace
from tests.factories import (
    NOW,
    AccountFactory,
    CompletedEnrollmentFactory,
    ContactFactory,
    EnrollmentFactory,
    SplitStepFactory,
    WorkspaceFactory,
)

URL = "/api/contacts"


def upload(api: APIClient, text: str | bytes, query: str = "", **fields: Any) -> Any:
    data = text if isinstance(text, bytes) else text.encode()
    body = {"file": SimpleUploadedFile("people.csv", data), **fields}
    return api.post(f"{URL}/import{query}", body, format="multipart")


def test_a_member_writes_contacts_and_accounts(api: APIClient, workspace: Workspace) -> None:
    account = api.post("/api/accounts", {"name": "Prospect", "domain": "Prospect.Example"}).json()
    assert (account["domain"], account["workspace"]) == ("prospect.example", workspace.pk)
    body = {"email": "bob@prospect.example", "first_name": "Bob", "account": account["id"], "fields": {"plan": "pro"}}
    made = api.post(URL, body)
    assert made.status_code == 201, made.json()
    path = f"{URL}/{made.json()['id']}"
    changed = api.patch(path, {"title": "CTO", "timezone": "Europe/Berlin", "fields": {"plan": "max", "seats": 7}})
    assert (changed.json()["title"], changed.json()["fields"]) == ("CTO", {"plan": "max", "seats": 7})
    assert list(api.patch(path, {"workspace": WorkspaceFactory().pk}).json()["errors"]) == ["workspace"]
    assert api.put(f"/api/accounts/{account['id']}", {"name": "Prospect Ltd"}).json()["name"] == "Prospect Ltd"


def test_one_address_in_any_script_is_one_contact(api: APIClient, workspace: Workspace) -> None:
    made = api.post(URL, {"email": "bob@bücher.example"})
    assert made.json()["email"] == "bob@xn--bcher-kva.example"
    assert api.post(URL, {"email": "bob@xn--bcher-kva.example"}).status_code == 400
    assert len(api.get(URL, {"email": "Bob@Bücher.example"}).json()["results"]) == 1


def test_an_upsert_creates_or_changes_the_contact_that_is_named(api: APIClient, workspace: Workspace) -> None:
    body = {"external_id": " crm  7 ", "email": "bob@bücher.example", "first_name": "Bob", "fields": {"plan": "pro"}}
    assert api.put(f"{URL}?dry_run=1", body).json()["id"] is None
    made = api.put(URL, body)
    assert (made.status_code, made.json()["external_id"], made.json()["email"]) == (
        201, "crm 7", "bob@xn--bcher-kva.example",
    )  # fmt: skip
    again = api.put(URL, {"email": "BOB@Bücher.example", "title": "CTO", "fields": {"seats": 7}})
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
    assert (again.json()["first_name"], again.json()["fields"]) == ("Bob", {"plan": "pro", "seats": 7})
    moved = api.put(URL, {"external_id": "crm 7", "email": "bob@new.example"}, headers={"Idempotency-Key": "a"})
    assert (moved.status_code, moved.json()["email"], moved.json()["title"]) == (200, "bob@new.example", "CTO")
    logged = ControlLog.objects.count()
    assert api.put(URL, {"external_id": "crm 7", "fields": {"plan": "pro"}}).status_code == 200
    assert ControlLog.objects.count() == logged
    headers = {"Idempotency-Key": "a"}
    assert api.put(URL, {"external_id": "crm 7", "email": "b@new.example"}, headers=headers).status_code == 409
    assert [row["id"] for row in api.get(URL, {"external_id": "crm 7"}).json()["results"]] == [made.json()["id"]]
    ContactFactory(external_id="crm 7")
    assert upload(api, "email,external_id\nbob@new.example,crm 8\neve@x.example,crm 9\n").json()["updated"] == 1
    rejected = upload(api, "email,External ID\nmax@x.example,crm 8\n").json()["rejected"]
    assert "crm 8 is another contact's" in rejected[0]["reason"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"email": "eve@x.example", "external_id": "1"}, 409),
        ({"email": "bob@x.example", "external_id": "3"}, 409),
        ({"external_id": "3"}, 400),
        ({"first_name": "Bob"}, 400),
        ({"external_id": "1", "email": "no-address"}, 400),
        ({"external_id": "1", "fields": {"deep": {"a": 1}}}, 400),
        ({"external_id": "1", "nickname": "B"}, 400),
        ({"external_id": "a\x01"}, 400),
        ({"external_id": " ", "email": "bob@x.example"}, 400),
    ],
)
def test_an_upsert_that_names_none_or_two_changes_nothing(
    api: APIClient, workspace: Workspace, body: dict[str, Any], status: int
) -> None:
    for name, external_id in (("bob", "1"), ("eve", "2")):
        ContactFactory(workspace=workspace, email=f"{name}@x.example", external_id=external_id)
    before = list(Contact.objects.order_by("pk").values())
    assert api.put(URL, body).status_code == status
    assert list(Contact.objects.order_by("pk").values()) == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "no-address"}, "email"),
        ({"email": "BOB@prospect.example"}, "email"),
        ({"email": "x@x.example", "timezone": "Mars/Base"}, "timezone"),
        ({"email": "x@x.example", "fields": {"first_name": "Bob"}}, "fields"),
        ({"email": "x@x.example", "fields": {"Bad Name": 1}}, "fields"),
        ({"email": "x@x.example", "fields": {"deep": {"a": 1}}}, "fields"),
        ({"email": "x@x.example", "fields": [1]}, "fields"),
        ({"email": "x@x.example", "account": 10**9}, "account"),
    ],
)
def test_an_invalid_contact_is_refused(api: APIClient, workspace: Workspace, body: dict[str, Any], field: str) -> None:
    ContactFactory(workspace=workspace, email="bob@prospect.example")
    answer = api.post(URL, body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert Contact.objects.count() == 1


def test_another_workspaces_account_cannot_be_named(api: APIClient, workspace: Workspace) -> None:
    contact = ContactFactory(workspace=workspace)
    for account in (AccountFactory(), AccountFactory()):
        assert api.patch(f"{URL}/{contact.pk}", {"account": account.pk}).status_code == 400
    assert api.post("/api/accounts", {"name": "x", "workspace": WorkspaceFactory().pk}).status_code == 400


def test_a_changed_field_wakes_the_enrollment_that_waits_for_it(api: APIClient, sequence: Sequence) -> None:
    split = SplitStepFactory(
        sequence=sequence, condition_type="contact_field", condition_config={"field": "plan", "operator": "is_set"}
    )
    waiting = EnrollmentFactory(sequence=sequence, current_step=split, wake_at=None)
    other = EnrollmentFactory(sequence=sequence, contact__workspace=sequence.workspace, wake_at=None)
    api.patch(f"{URL}/{waiting.contact_id}", {"fields": {"plan": "pro"}})
    api.patch(f"{URL}/{other.contact_id}", {"fields": {"plan": "pro"}})
    assert list(Enrollment.objects.filter(wake_at=NOW)) == [waiting]
    Enrollment.objects.update(wake_at=None)
    upload(api, f"email,plan\n{waiting.contact.email},max\n")
    assert list(Enrollment.objects.filter(wake_at=NOW)) == [waiting]


def test_a_changed_account_wakes_enrollments_of_its_contacts(api: APIClient, sequence: Sequence) -> None:
    split = SplitStepFactory(
        sequence=sequence, condition_type="contact_field", condition_config={"field": "company", "operator": "is_set"}
    )
    account = AccountFactory(workspace=sequence.workspace)
    waiting = EnrollmentFactory(sequence=sequence, current_step=split, wake_at=None, contact__account=account)
    EnrollmentFactory(sequence=sequence, current_step=split, wake_at=None)
    api.patch(f"/api/accounts/{account.pk}", {"name": "Acme"})
    assert list(Enrollment.objects.filter(wake_at=NOW)) == [waiting]


def test_only_managers_delete_and_only_contacts_without_history(
    api: APIClient, manager_api: APIClient, sequence: Sequence
) -> None:
    free = ContactFactory(workspace=sequence.workspace)
    live, past = EnrollmentFactory(sequence=sequence), CompletedEnrollmentFactory(sequence=sequence)
    assert api.delete(f"{URL}/{free.pk}").status_code == 403
    assert manager_api.delete(f"{URL}/{free.pk}").status_code == 204
    for row, message in ((live, "exit it there first"), (past, "or suppress the address")):
        answer = manager_api.delete(f"{URL}/{row.contact_id}")
        assert (answer.status_code, message in answer.json()["detail"]) == (409, True)
    account = AccountFactory(workspace=sequence.workspace)
    Contact.objects.filter(pk=live.contact_id).update(account=account)
    assert manager_api.delete(f"/api/accounts/{account.pk}").status_code == 204
    assert Contact.objects.get(pk=live.contact_id).account_id is None


def test_contacts_are_searched_and_filtered(api: APIClient, workspace: Workspace) -> None:
    bob = ContactFactory(workspace=workspace, first_name="Bob", email="bob@prospect.example", engagement_score=40)
    ContactFactory(workspace=workspace, first_name="Eve", email="eve@other.example")
    for query in ("search=bob", "domain=Prospect.example", "score_at_least=40"):
        assert [row["id"] for row in api.get(f"{URL}?{query}").json()["results"]] == [bob.pk], query


def test_a_file_is_checked_then_imported_and_its_rejects_explained(api: APIClient, workspace: Workspace) -> None:
    ContactFactory(workspace=workspace, email="bob@prospect.example", title="CTO")
    text = "E-Mail;Vorname;Notes\nbob@prospect.example;Bob;x\nnobody;No;y\neve@prospect.example;Eve;z\n"
    mapping = json.dumps({"E-Mail": "email", "Vorname": "first_name", "Notes": ""})
    dry = upload(api, text, "?dry_run=1", mapping=mapping).json()
    assert (dry["created"], dry["updated"], [row["row"] for row in dry["rejected"]]) == (1, 1, [3])
    assert Contact.objects.count() == 1
    kept = upload(api, text, mapping=mapping).json()
    assert {**kept, "is_dry_run": True} == dry
    bob = Contact.objects.get(email="bob@prospect.example")
    assert (bob.first_name, bob.title, bob.fields) == ("Bob", "CTO", {})


@pytest.mark.parametrize(
    ("text", "mapping", "field"),
    [
        ("name\nBob\n", "{}", "file"),
        ("", "{}", "file"),
        (b"email\n\xff\xfe\xfa\n", "{}", "file"),
        ("email\nx@x.example\n", '{"Nope": "email"}', "file"),
        ("email\nx@x.example\n", "{", "mapping"),
        ("email\nx@x.example\n", "[1]", "mapping"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    api: APIClient, workspace: Workspace, text: str | bytes, mapping: str, field: str
) -> None:
    answer = upload(api, text, mapping=mapping)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert not Contact.objects.exists()


def test_what_is_exported_is_imported_again_and_holds_no_formula(
    api: APIClient, stranger_api: APIClient, workspace: Workspace
) -> None:
    account = AccountFactory(workspace=workspace, name="=cmd()", domain="prospect.example")
    ContactFactory(
        workspace=workspace, account=account, email="bob@prospect.example", phone="+49 30 1", fields={"plan": "-1"}
    )
    ContactFactory(workspace=workspace, email="eve@prospect.example", fields={"seats": 7})
    answer: Any = api.get(f"{URL}/export?search=prospect")
    text = b"".join(answer.streaming_content).decode()
    header, bob, eve = csv.reader(io.StringIO(text))
    assert header[:2] + header[-2:] == ["email", "first_name", "plan", "seats:number"]
    assert (bob[5], bob[4], bob[-2], eve[-1]) == ("'=cmd()", "'+49 30 1", "'-1", "7")
    before = list(Contact.objects.order_by("email").values_list("email", "phone", "account__name", "fields__plan"))
    Contact.objects.all().delete()
    Account.objects.all().delete()
    assert upload(api, text).json() == {"created": 2, "updated": 0, "rejected": []}
    after = list(Contact.objects.order_by("email").values_list("email", "phone", "account__name", "fields__plan"))
    assert after == before
    foreign: Any = stranger_api.get(f"{URL}/export")
    assert b"".join(foreign.streaming_content).count(b"\n") == 1


def test_an_export_keeps_the_types_of_merge_fields(api: APIClient, workspace: Workspace) -> None:
    fields = {
        "seats": 12, "share": 0.5, "is_partner": True, "is_lost": False, "zip": "01069", "word": "False",
        "nick": "'quoted",
        "order_no": "98765432109876543210", "big": 98765432109876543210, "cmd": "=cmd|' /C calc'!A0", "cut": "'=1",
        "tab": "\t=1", "wide": "＝1+1",
    }  # fmt: skip
    other = {"seats": "many", "share": 1e20, "is_lost": None}
    ContactFactory(workspace=workspace, email="xeno@types.example", first_name="=1+1", title="-lead", fields=fields)
    ContactFactory(workspace=workspace, email="yara@types.example", last_name="@today", fields=other)
    answer: Any = api.get(f"{URL}/export")
    text = b"".join(answer.streaming_content).decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert not [cell for row in rows for cell in row if cell[:1] in set("=+-@\t\r\n＝＋－＠") - {""}]
    before = list(Contact.objects.order_by("email").values_list("first_name", "last_name", "title"))
    Contact.objects.all().delete()
    assert upload(api, text).json() == {"created": 2, "updated": 0, "rejected": []}
    stored = list(Contact.objects.order_by("email"))
    assert [(row.first_name, row.last_name, row.title) for row in stored] == before
    assert [row.fields for row in stored] == [fields, {"seats": "many", "share": 1e20}]
    assert [type(value) for value in stored[0].fields.values()].count(bool) == 2


def test_warnings_of_an_import_name_the_row(api: APIClient, workspace: Workspace) -> None:
    answer = upload(api, "email,first_name\njan@mill.example,#NAME?\nkai@mill.example,Kai\n").json()
    assert answer == {
        "created": 2,
        "updated": 0,
        "rejected": [],
        "warnings": [{"row": 2, "reason": "first_name is #NAME?, an error of the spreadsheet: left empty"}],
    }
    assert Contact.objects.get(email="jan@mill.example").first_name == ""


def test_the_actor_of_each_change_is_recorded_without_secrets(manager_api: APIClient, workspace: Workspace) -> None:
    contact = manager_api.post(URL, {"email": "bob@prospect.example", "title": "CEO"}).json()
    manager_api.patch(f"{URL}/{contact['id']}", {"title": "CTO"})
    manager_api.patch(f"{URL}/{contact['id']}", {"title": "CTO"})
    manager_api.delete(f"{URL}/{contact['id']}")
    kept = ControlLog.objects.filter(target="contact").order_by("pk")
    assert [(row.action, row.label) for row in kept] == [
        ("created", "bob@prospect.example"), ("edited", "bob@prospect.example"), ("deleted", "bob@prospect.example"),
    ]  # fmt: skip
    assert kept[1].changes == [{"what": "row", "field": "title", "before": "CEO", "after": "CTO"}]
    body = {"address": "ada@sender.example", "smtp_host": "smtp.x.example", "credentials": {"password": "hunter2"}}
    mailbox = manager_api.post("/api/mailboxes", body).json()
    manager_api.patch(f"/api/mailboxes/{mailbox['id']}", {"gap_seconds": 9, "credentials": {"password": "hunter3"}})
    made, changed = ControlLog.objects.filter(target="mailbox").order_by("pk")
    assert (made.action, {change["field"] for change in changed.changes}) == ("created", {"gap_seconds", "credentials"})
    assert "hunter" not in str(ControlLog.objects.values())
    assert changed.actor.endswith("@sender.example")
