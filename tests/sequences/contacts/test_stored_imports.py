"""Large imports are carried out by executors: in batches, exactly once, resumed after a crash."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest

from execution.maintenance.erase_contact import erase_contact, export_contact
from execution.maintenance.retention import purge_round
from execution.worker.imports import import_contacts
from sequences.contacts import contact_importer, stored_imports
from sequences.contacts.csv_import import store_batch
from sequences.contacts.csv_reader import CsvFormError
from sequences.contacts.stored_imports import is_large, list_rejects
from sequences.models import Account, Contact, ContactImport, ContactImportBatch, Workspace
from tests.factories import NOW, ContactFactory, WorkspaceFactory
from tests.support.imports import make_csv, run_imports, store_file

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(seconds=5)


@pytest.fixture
def workspace() -> Workspace:
    return WorkspaceFactory()


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_imports, "BATCH_ROWS", 10)


def reload(stored: ContactImport) -> ContactImport:
    return ContactImport.objects.get(pk=stored.pk)


def test_files_are_large_by_bytes_or_by_lines() -> None:
    assert not is_large(io.BytesIO(make_csv(2_000)))
    assert is_large(io.BytesIO(make_csv(2_001)))
    assert is_large(io.BytesIO(b"email,note\na@x.example," + b"x" * 1024 * 1024))


@pytest.mark.usefixtures("small_batches")
def test_an_import_stores_every_row_and_says_what_became_of_them(workspace: Workspace) -> None:
    known = ContactFactory(workspace=workspace, email="p3@x.example", first_name="Old")
    stored = store_file(workspace, make_csv(25, bad=(7, 24)))
    assert (stored.state, stored.rows, Contact.objects.count()) == ("waiting", None, 1)
    assert run_imports() == 25
    stored = reload(stored)
    assert (stored.state, stored.rows, stored.done) == ("done", 25, 25)
    assert (stored.created, stored.updated, stored.rejected) == (22, 1, 2)
    assert (stored.content, stored.finished_at, stored.lease) == (None, LATER, None)
    known.refresh_from_db()
    assert (known.first_name, known.fields) == ("P3", {"seats": "3"})
    assert [row.row for row in list_rejects(stored)] == [9, 26]
    ids = [pk for batch in ContactImportBatch.objects.order_by("first") for pk in batch.contact_ids]
    assert sorted(ids) == sorted(Contact.objects.values_list("pk", flat=True))
    assert run_imports() == 0


@pytest.mark.usefixtures("small_batches")
def test_a_dry_run_counts_the_same_and_stores_no_contact(workspace: Workspace) -> None:
    ContactFactory(workspace=workspace, email="p3@x.example", first_name="Old")
    content = make_csv(25, bad=(7,)).replace(b"seats", b"company")
    stored = store_file(workspace, content, is_dry_run=True)
    run_imports()
    stored = reload(stored)
    assert (stored.state, stored.created, stored.updated, stored.rejected) == ("done", 23, 1, 1)
    assert (Contact.objects.count(), Account.objects.count()) == (1, 0)
    assert Contact.objects.get().first_name == "Old"


@pytest.mark.usefixtures("small_batches")
def test_another_executor_goes_on_after_the_last_batch_of_one_that_died(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = store_file(workspace, make_csv(45))
    upsert, batches = store_batch, []

    def die_in_third(*args: Any) -> Any:
        batches.append(args)
        if len(batches) == 3:
            upsert(*args)
            raise KeyboardInterrupt
        return upsert(*args)

    monkeypatch.setattr(contact_importer, "store_batch", die_in_third)
    with pytest.raises(KeyboardInterrupt):
        import_contacts(lambda: LATER)
    assert (reload(stored).done, Contact.objects.count()) == (20, 20)
    monkeypatch.setattr(contact_importer, "store_batch", upsert)
    assert run_imports(LATER + timedelta(seconds=30)) == 0, "the dead executor still has the lease"
    assert run_imports(LATER + timedelta(seconds=61)) == 25
    stored = reload(stored)
    assert (stored.state, stored.created, stored.updated, Contact.objects.count()) == ("done", 45, 0, 45)


@pytest.mark.usefixtures("small_batches")
def test_an_executor_that_lost_its_lease_stores_nothing_more(workspace: Workspace) -> None:
    stored = store_file(workspace, make_csv(30))

    def sleep_long() -> bool:
        if reload(stored).done == 10:
            run_imports(LATER + timedelta(minutes=5))
        return False

    assert import_contacts(lambda: LATER, None, sleep_long) == 10
    stored = reload(stored)
    assert (stored.state, stored.done, stored.created, stored.updated) == ("done", 30, 30, 0)


@pytest.mark.usefixtures("small_batches")
def test_a_stopping_executor_leaves_the_rest_to_the_next(workspace: Workspace) -> None:
    stored = store_file(workspace, make_csv(30))
    assert import_contacts(lambda: LATER, None, lambda: True) == 0
    assert import_contacts(lambda: LATER, None, lambda: reload(stored).done >= 10) == 10
    assert reload(stored).state == "running"
    assert run_imports() == 20


def test_a_file_that_is_broken_at_its_end_changes_nothing(workspace: Workspace) -> None:
    stored = store_file(workspace, make_csv(30) + b'"open@x.example,x,1\n')
    run_imports()
    stored = reload(stored)
    assert (stored.state, stored.done, Contact.objects.count()) == ("failed", 0, 0)
    assert "people.csv: row 32: a quotation mark is never closed" in stored.problem
    assert stored.content is None


def test_a_header_that_cannot_be_used_is_refused_at_once(workspace: Workspace) -> None:
    with pytest.raises(CsvFormError, match="the column email is missing"):
        store_file(workspace, b"name,title\nBob,CTO\n")
    assert not ContactImport.objects.exists()


def test_an_import_that_fails_again_and_again_ends(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = store_file(workspace, make_csv(30))
    monkeypatch.setattr(contact_importer, "store_batch", None)
    for attempt in range(5):
        with pytest.raises(TypeError):
            import_contacts(lambda: LATER + timedelta(minutes=2 * attempt))  # noqa: B023
    assert import_contacts(lambda: LATER + timedelta(minutes=20)) == 0
    stored = reload(stored)
    assert stored.state == "failed"
    assert "an error in the program" in stored.problem


@pytest.mark.usefixtures("small_batches")
def test_a_large_import_gives_way_to_one_that_waits(workspace: Workspace) -> None:
    other = WorkspaceFactory()
    large, small = store_file(workspace, make_csv(40)), store_file(other, make_csv(5, first=100))
    times = iter(NOW + timedelta(seconds=15 * number) for number in range(100))
    assert import_contacts(lambda: next(times)) in {10, 20}
    import_contacts(lambda: NOW + timedelta(minutes=10))
    assert (reload(small).state, reload(large).state) == ("done", "running")


def test_what_cannot_be_stored_as_text_is_rejected_and_harms_no_other(workspace: Workspace) -> None:
    stored = store_file(workspace, make_csv(3) + b"a\0b@x.example,x,1\nlast@x.example,L,1\n")
    run_imports()
    stored = reload(stored)
    assert (stored.created, [row.reason for row in list_rejects(stored)]) == (4, ["holds a NUL character: remove it"])


def test_erasing_a_person_blanks_the_rejected_rows_that_name_them(workspace: Workspace) -> None:
    person = ContactFactory(workspace=workspace, email="ada@x.example", first_name="Ada", last_name="Lovelace")
    rows = b"email,title,first_name\nada@x.example," + b"t" * 300 + b",Ada\nbob@x.example," + b"t" * 300 + b",Bob\n"
    stored = store_file(workspace, rows)
    run_imports()
    exported = export_contact(person, LATER)["rejected_import_rows"]
    assert [row["cells"][2] for row in exported] == ["Ada"]
    erase_contact(person, actor="ada", reason="asked", now=LATER)
    rejects = list(list_rejects(stored))
    assert [row.cells[:1] for row in rejects] == [(), ("bob@x.example",)]
    assert "Ada" not in str(list(ContactImportBatch.objects.values()))
    again = store_file(workspace, rows)
    run_imports()
    assert [row.cells[:1] for row in list_rejects(again)] == [(), ("bob@x.example",)]


def test_imports_are_deleted_a_month_after_their_end(workspace: Workspace) -> None:
    store_file(workspace, make_csv(3))
    run_imports()
    waiting = store_file(workspace, make_csv(3))
    purge_round(NOW + timedelta(days=29))
    assert ContactImport.objects.count() == 2
    purge_round(NOW + timedelta(days=31))
    assert list(ContactImport.objects.all()) == [waiting]
    assert not ContactImportBatch.objects.exists()
