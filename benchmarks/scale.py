"""Pages and endpoints of a big installation, timed: `python -m benchmarks.scale` after `python -m benchmarks.populate`.

Each address is opened twice, as a superuser (all workspaces) and as a manager of one, and the second time counts. With
`--slow 0.3` the slowest statement of what took longer is printed too.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

ADMIN = "/admin/"
PEOPLE = f"{ADMIN}sequences/enrollment/"
ENROLLMENTS = "/api/sequence-enrollments"
PAGES = (
    ADMIN,
    PEOPLE, f"{PEOPLE}?needs=overdue", f"{PEOPLE}?needs=errors", f"{PEOPLE}?needs=live",
    f"{PEOPLE}?status__exact=paused",
    f"{PEOPLE}?status__exact=quarantined", f"{PEOPLE}?status__exact=completed", f"{PEOPLE}?sequence={{sequence}}",
    f"{PEOPLE}?mailbox={{mailbox}}", f"{PEOPLE}?owner={{owner}}", f"{PEOPLE}?current_step={{step}}",
    f"{PEOPLE}?q=person77777@", f"{PEOPLE}?q=no-such-person", f"{PEOPLE}?o=1", f"{PEOPLE}?o=-1", f"{PEOPLE}?o=2",
    f"{PEOPLE}?o=3", f"{PEOPLE}?o=-4", f"{PEOPLE}?o=5", f"{PEOPLE}?p=200", f"{PEOPLE}{{enrollment}}/change/",
    f"{ADMIN}sequences/contact/", f"{ADMIN}sequences/contact/?q=person77777", f"{ADMIN}sequences/contact/?q=missing",
    f"{ADMIN}sequences/contact/{{contact}}/change/", f"{ADMIN}search/?s=person77777",
    f"{ADMIN}sequences/contact/?in_sequence=never",
    f"{ADMIN}sequences/contact/?merge_field_name=plan&merge_field_value=pro",
    f"{ADMIN}sequences/account/", f"{ADMIN}sequences/account/?q=firm77",
    f"{ADMIN}sequences/account/{{account}}/change/",
    f"{ADMIN}sequences/sequence/", f"{ADMIN}sequences/sequence/{{sequence}}/change/",
    f"{ADMIN}sequences/workspace/", f"{ADMIN}sequences/workspace/{{workspace}}/change/",
    f"{ADMIN}sequences/membership/",
    f"{ADMIN}tasks_app/task/", f"{ADMIN}tasks_app/task/?q=call", f"{ADMIN}execution/deadletter/",
    f"{ADMIN}emails/mailbox/", f"{ADMIN}emails/mailbox/lanes/", f"{ADMIN}emails/mailbox/{{mailbox}}/change/",
    f"{ADMIN}emails/emailmessage/", f"{ADMIN}emails/emailmessage/?status__exact=sent",
    f"{ADMIN}emails/emailmessage/?status__exact=failed", f"{ADMIN}emails/emailmessage/?q=person77777@firm",
    f"{ADMIN}emails/emailmessage/?q=missing", f"{ADMIN}emails/emailmessage/{{message}}/change/",
    f"{ADMIN}emails/emailevent/", f"{ADMIN}emails/emailevent/?type__exact=clicked",
    f"{ADMIN}emails/emailevent/?type__exact=complained", f"{ADMIN}emails/emailevent/?q=missing",
    f"{ADMIN}emails/sendlimit/", f"{ADMIN}emails/suppression/", f"{ADMIN}execution/executionlog/",
    f"{ADMIN}execution/executionlog/?action__exact=failed", f"{ADMIN}execution/executionlog/?q=missing",
    f"{ADMIN}execution/controllog/", f"{ADMIN}execution/worker/", f"{ADMIN}execution/alert/", f"{ADMIN}auth/user/",
    "/metrics", "/readyz",
    "/api/sequence-executor/status", "/api/sequence-executor/queue", "/api/sequence-executor/queue?filter=overdue",
    "/api/sequence-executor/queue?filter=errors", "/api/sequence-executor/queue?filter=paused",
    "/api/sequence-executor/queue?filter=quarantined",
    ENROLLMENTS, *(f"{ENROLLMENTS}?ordering={each}" for each in ("id", "enrolled_at", "-enrolled_at",
    "updated_at", "-updated_at")),
    *(f"{ENROLLMENTS}?{each}" for each in (
        "status=active", "status=quarantined", "status=auto_exited", "sequence={sequence}", "contact={contact}",
        "owner={owner}",
        "mailbox={mailbox}", "due_before=2020-01-01T00:00:00Z", "workspace={workspace}",
        "status=paused&ordering=-updated_at",
        "cursor={deep}",
    )),
    f"{ENROLLMENTS}/{{enrollment}}", f"{ENROLLMENTS}/{{enrollment}}/why", f"{ENROLLMENTS}/{{enrollment}}/logs",
    f"{ENROLLMENTS}/{{enrollment}}/timeline",
    "/api/contacts", *(f"/api/contacts?ordering={each}" for each in (
        "email", "-email", "engagement_score", "-engagement_score", "created_at", "-updated_at")),
    "/api/contacts?search=person77777", "/api/contacts?search=missing", "/api/contacts?email=missing@nowhere.example",
    "/api/contacts?domain=firm77.example", "/api/contacts?score_at_least=99", "/api/contacts?account={account}",
    "/api/contacts?timezone=Mars", "/api/contacts?created_after=2100-01-01T00:00:00Z",
    "/api/contacts/{contact}/engagement",
    "/api/accounts", "/api/accounts?ordering=name", "/api/accounts?ordering=-engagement_score",
    "/api/accounts?search=firm77",
    "/api/accounts?domain=firm77.example", "/api/accounts?name=missing",
    "/api/sequences", "/api/sequences/{sequence}", "/api/sequences/{sequence}/stats", "/api/steps?sequence={sequence}",
    "/api/mailboxes", "/api/mailboxes/{mailbox}", "/api/mailboxes/{mailbox}/lane",
    "/api/messages", "/api/messages?status=sent", "/api/messages?status=unknown", "/api/messages?mailbox={mailbox}",
    "/api/messages?enrollment={enrollment}", "/api/messages/{message}",
    "/api/tasks", "/api/tasks?status=open", "/api/suppressions", "/api/dead-letters", "/api/webhooks",
)  # fmt: skip
_DEEP_OFFSET = 500_000


class Times:
    """Of one response: total seconds, and the slowest statement."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.statements: list[tuple[float, str]] = []


@contextlib.contextmanager
def timed() -> Iterator[Times]:
    from unittest import mock

    from django.db import connection

    from common import db

    times = Times()
    run = db._execute

    def note(started: float, sql: str) -> None:
        times.statements.append((time.perf_counter() - started, sql))

    def execute(sql: str, params: Any) -> Any:
        started = time.perf_counter()
        try:
            return run(sql, params)
        finally:
            note(started, sql)

    def wrapper(call: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        started = time.perf_counter()
        try:
            return call(sql, params, many, context)
        finally:
            note(started, f"{sql} -- {params!r}"[:4000])

    began = time.perf_counter()
    with mock.patch.object(db, "_execute", execute), connection.execute_wrapper(wrapper):
        yield times
    times.seconds = time.perf_counter() - began


def names_for(user: Any) -> dict[str, Any]:
    """Ids for the URLs, of rows that the user may see."""
    from django.core import signing

    from sequences.interface.api import paging
    from sequences.models import Enrollment

    row = Enrollment.objects.for_user(user).filter(status="active", emails_sent=1).order_by("id")[0]
    # as a page of the list links to the next one, many pages further
    deep = signing.dumps([["-id"], [row.pk + _DEEP_OFFSET], False], salt=paging._SALT)
    return {
        "enrollment": row.pk,
        "contact": row.contact_id,
        "account": row.contact.account_id,
        "sequence": row.sequence_id,
        "step": row.current_step_id,
        "mailbox": row.mailbox_id,
        "owner": row.owner_id,
        "workspace": row.workspace_id,
        "message": row.messages.first().pk,
        "deep": deep,
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument(
        "--slow", type=float, default=1.0, help="seconds above which the statement is shown (default 1)"
    )
    parser.add_argument("--only", default="", help="addresses that contain it")
    parser.add_argument("--as", dest="who", choices=["superuser", "manager"], help="only as this one")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    import logging

    from django.conf import settings
    from django.test import Client

    logging.disable(logging.WARNING)
    settings.ALLOWED_HOSTS = ["testserver"]
    slow = 0
    for name, user in _visitors().items():
        if options.who not in {None, name}:
            continue
        client, names = Client(raise_request_exception=False), names_for(user)
        client.force_login(user)
        for page in PAGES:
            address = page.format(**names)
            if options.only not in address:
                continue
            client.get(address)
            with timed() as times:
                answer = client.get(address)
                if answer.streaming:
                    sum(len(part) for part in answer)
            sys.stdout.write(
                f"{times.seconds:7.3f} s {len(times.statements):4} {answer.status_code} {name:<9} {address}\n"
            )
            if times.seconds > options.slow:
                slow += 1
                for seconds, sql in sorted(times.statements, reverse=True)[:2]:
                    if seconds > options.slow / 3:
                        sys.stdout.write(f"        {seconds:7.3f} s: {' '.join(sql.split())}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{slow} took longer than {options.slow} s\n")
    return 1 if slow else 0


def _visitors() -> dict[str, Any]:
    from django.contrib.auth.models import User

    from execution.admin import contacts  # noqa: F401
    from sequences.models import Membership

    root, _ = User.objects.get_or_create(
        username="root@sender.example",
        defaults={"is_superuser": True, "is_staff": True, "email": "root@sender.example"},
    )
    member = Membership.objects.select_related("user").order_by("id").first()
    assert member is not None
    Membership.objects.filter(pk=member.pk).update(role="admin")
    _give_role(member.user)
    return {"superuser": root, "manager": member.user}


def _give_role(user: Any) -> None:
    """The rights of the admin's pages, as `create_user` gives them."""
    from django.contrib.auth.models import Permission

    user.user_permissions.set(Permission.objects.filter(content_type__app_label__in=[
        "sequences", "emails", "tasks_app", "execution",
    ]))  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
