"""Webhooks out: every fact is delivered once, signed, and retried for 24 hours when it is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone
from standardwebhooks import Webhook

from common.dialler import Dialler
from common.networks import EVERYWHERE
from emails.facts.suppressions import Entry, suppress_entries
from emails.models import EmailEvent
from execution.api.events import FeedEventSerializer
from execution.control.switches import pause_executor, pause_mailbox, pause_workspace
from execution.engine.policy import engine_policy
from execution.maintenance.retention import purge_older
from execution.models import ExecutionLog, WebhookDelivery, WebhookSubscription
from execution.webhooks_out import delivering, posting
from execution.webhooks_out.fan_out import fan_out
from execution.webhooks_out.feed import START, Filters, read_feed
from execution.webhooks_out.operations import ping, redeliver, subscribe, unsubscribe
from execution.webhooks_out.posting import RefusedAddressError, post, validate_endpoint
from execution.webhooks_out.round import deliver_webhooks
from execution.worker.options import Options
from execution.worker.runner import run_until_idle
from tests.factories import (
    NOW,
    CompletedEnrollmentFactory,
    EmailEventFactory,
    EnrollmentFactory,
    ExecutionLogFactory,
    SentMessageFactory,
    StepFactory,
)
from tests.fakes.receiver import Receiver
from tests.faults.concurrent_work import ConcurrentWork

pytestmark = pytest.mark.django_db

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LATER = NOW + timedelta(seconds=5)


def listen(receiver: Receiver, workspace: Any, *events: str) -> WebhookSubscription:
    values = {"url": receiver.url, "events": events or ("*",), "secret": SECRET}
    return subscribe(workspace, values, actor="ada", now=NOW)


def log(enrollment: Any, action: str, **fields: Any) -> ExecutionLog:
    made: ExecutionLog = ExecutionLogFactory(
        enrollment=enrollment, workspace=enrollment.workspace, action=action, **{"at": LATER, **fields}
    )
    return made


def received_events(receiver: Receiver) -> list[str]:
    return [json.loads(call.body)["event"] for call in receiver.calls]


def test_an_event_is_delivered_once_with_a_valid_signature() -> None:
    enrollment = EnrollmentFactory()
    with Receiver() as receiver:
        listen(receiver, enrollment.workspace)
        log(enrollment, "paused", message="legal", actor="ada")
        assert deliver_webhooks(LATER) == 1
        assert deliver_webhooks(LATER) == 0
    (call,) = receiver.calls
    text = json.loads(call.body)
    assert call.path == "/hook?team=a"
    assert (text["event"], text["enrollment"], text["workspace"]) == (
        "enrollment.paused", enrollment.pk, enrollment.workspace_id,
    )  # fmt: skip
    assert (text["contact"], text["contact_email"]) == (enrollment.contact_id, enrollment.contact.email)
    assert (text["details"]["message"], text["occurred_at"]) == ("legal", "2026-03-02T10:00:05Z")
    assert call.headers["webhook-timestamp"] == str(int(LATER.timestamp()))
    assert call.headers["webhook-signature"] == Webhook(SECRET).sign(str(text["id"]), LATER, call.body.decode())
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.status_code, delivery.attempts, str(delivery.pk)) == (
        "delivered", 200, 1, call.headers["X-Delivery"],
    )  # fmt: skip


def test_only_subscribed_events_of_the_own_workspace_are_delivered() -> None:
    enrollment, foreign = EnrollmentFactory(), EnrollmentFactory()
    with Receiver() as receiver:
        listen(receiver, enrollment.workspace, "enrollment.exited", "email.opened", "email.replied")
        log(enrollment, "paused")
        log(enrollment, "exited")
        log(foreign, "exited")
        message = SentMessageFactory(enrollment=enrollment)
        for kind, verdict in (("opened", "human"), ("opened", "machine"), ("clicked", "human"), ("replied", "human")):
            EmailEventFactory(message=message, type=kind, verdict=verdict, recorded_at=LATER)
        EmailEvent.objects.update(recorded_at=LATER)
        while deliver_webhooks(LATER):
            pass
    assert sorted(received_events(receiver)) == ["email.opened", "email.replied", "enrollment.exited"]


def test_sent_and_completed_have_their_own_event_names() -> None:
    step = StepFactory()
    done = CompletedEnrollmentFactory(sequence=step.sequence, completed_at=LATER)
    with Receiver() as receiver:
        listen(receiver, done.workspace)
        log(done, "executed", step=step, step_type="email")
        deliver_webhooks(LATER)
        deliver_webhooks(LATER + timedelta(minutes=1))
    assert sorted(received_events(receiver)) == ["email.sent", "enrollment.completed"]


def test_what_is_delivered_is_what_the_feed_has() -> None:
    step = StepFactory()
    done = CompletedEnrollmentFactory(sequence=step.sequence, completed_at=LATER)
    workspace = done.workspace
    log(done, "queued", step=step, step_type="email")
    log(done, "executed", step=step, step_type="email")
    message = SentMessageFactory(enrollment=done, step=step)
    EmailEventFactory(message=message, type="replied", recorded_at=LATER)
    EmailEvent.objects.update(recorded_at=LATER)
    suppress_entries(workspace.pk, [Entry(done.contact.email)], actor="ada", now=LATER)
    pause_workspace(workspace, actor="ada", now=LATER, reason="audit")
    pause_executor(actor="root", now=LATER, reason="upgrade")
    pause_mailbox(message.mailbox, actor="ada", now=LATER, reason="leave")
    with Receiver() as receiver:
        listen(receiver, workspace)
        while deliver_webhooks(LATER):
            pass
    delivered = [json.loads(call.body) for call in receiver.calls]
    assert [call.headers["webhook-id"] for call in receiver.calls] == [each["id"] for each in delivered]
    feed = FeedEventSerializer(read_feed([workspace.pk], START, Filters(), 100).rows, many=True).data
    by_id = {row["id"]: json.loads(json.dumps(row)) for row in feed}
    added = {"event", "contact_email", "sequence_name"}
    for each in delivered:
        assert {name: value for name, value in each.items() if name not in added} == by_id[each["id"]]
        assert each["event"] == each["type"]
    assert {each["type"] for each in delivered} >= {
        "email.sent", "enrollment.completed", "email.replied", "suppression.added", "workspace.paused",
        "executor.paused", "mailbox.paused",
    }  # fmt: skip
    kept_back = {row["type"] for row in by_id.values()} - {each["type"] for each in delivered}
    assert kept_back == {"email.queued", "webhook.created"}
    only = read_feed([workspace.pk], START, Filters(types=["enrollment.completed"]), 100).rows
    assert [row["type"] for row in only] == ["enrollment.completed"]


def test_a_late_task_does_not_deliver_completion_again() -> None:
    done = CompletedEnrollmentFactory(completed_at=NOW - timedelta(days=40))
    with Receiver() as receiver:
        listen(receiver, done.workspace)
        log(done, "task_completed")
        deliver_webhooks(LATER)
    assert received_events(receiver) == ["task.completed"]


def test_events_before_the_subscription_are_not_delivered() -> None:
    enrollment = EnrollmentFactory()
    with Receiver() as receiver:
        listen(receiver, enrollment.workspace)
        log(enrollment, "paused", at=NOW - timedelta(seconds=1))
        assert deliver_webhooks(LATER) == 0


def test_a_refused_delivery_is_retried_with_growing_pauses_for_a_day() -> None:
    enrollment = EnrollmentFactory()
    with Receiver(answers=[500, 302, 200]) as receiver:
        listen(receiver, enrollment.workspace)
        log(enrollment, "paused")
        deliver_webhooks(LATER)
        delivery = WebhookDelivery.objects.get()
        assert (delivery.state, delivery.status_code, delivery.next_attempt_at) == (
            "pending", 500, LATER + timedelta(seconds=10),
        )  # fmt: skip
        assert deliver_webhooks(LATER + timedelta(seconds=9)) == 0
        assert deliver_webhooks(LATER + timedelta(seconds=10)) == 1
        assert deliver_webhooks(LATER + timedelta(seconds=30)) == 1
    assert [call.path for call in receiver.calls] == ["/hook?team=a"] * 3
    assert len({call.headers["X-Delivery"] for call in receiver.calls}) == 1
    assert WebhookDelivery.objects.get().state == "delivered"


def test_a_delivery_is_given_up_after_a_day_and_can_be_repeated_by_a_user() -> None:
    enrollment = EnrollmentFactory()
    with Receiver(answers=[503]) as receiver:
        listen(receiver, enrollment.workspace)
        log(enrollment, "paused")
        now = LATER
        deliver_webhooks(now)
        while WebhookDelivery.objects.get().state == "pending":
            now = WebhookDelivery.objects.get().next_attempt_at or now
            deliver_webhooks(now)
        assert timedelta(hours=22) < now - LATER < timedelta(hours=24)
        assert 24 < len(receiver.calls) < 40
        receiver.answers[:] = [204]
        redeliver([WebhookDelivery.objects.get().pk], now)
        deliver_webhooks(now)
    assert (WebhookDelivery.objects.get().state, WebhookDelivery.objects.get().status_code) == ("delivered", 204)


def test_a_worker_that_dies_leaves_its_call_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    enrollment = EnrollmentFactory()
    with Receiver() as receiver:
        listen(receiver, enrollment.workspace)
        log(enrollment, "paused")

        def die(*args: Any) -> Any:
            raise SystemExit

        with monkeypatch.context() as patch:
            patch.setattr(delivering, "next_state", die)
            with pytest.raises(SystemExit):
                deliver_webhooks(LATER)
        assert deliver_webhooks(LATER + timedelta(seconds=30)) == 0
        assert deliver_webhooks(LATER + timedelta(seconds=61)) == 1
    assert [call.headers["X-Delivery"] for call in receiver.calls] == [str(WebhookDelivery.objects.get().pk)] * 2


def test_a_silent_subscriber_does_not_delay_the_others() -> None:
    enrollment = EnrollmentFactory()
    with Receiver(answers=[500]) as broken, Receiver() as good:
        listen(broken, enrollment.workspace)
        listen(good, enrollment.workspace)
        for _ in range(40):
            log(enrollment, "paused")
        while deliver_webhooks(LATER):
            pass
    assert len(good.calls) == 40


def test_a_resumed_subscription_receives_what_it_missed() -> None:
    enrollment = EnrollmentFactory()
    with Receiver() as receiver:
        subscription = listen(receiver, enrollment.workspace)
        WebhookSubscription.objects.update(is_active=False)
        log(enrollment, "paused")
        assert deliver_webhooks(LATER + timedelta(hours=2)) == 0
        WebhookSubscription.objects.filter(pk=subscription.pk).update(is_active=True)
        assert deliver_webhooks(LATER + timedelta(hours=3)) == 1


def test_the_executor_delivers_webhooks_and_purges_old_ones() -> None:
    step = StepFactory()
    enrollment = EnrollmentFactory(sequence=step.sequence)
    with Receiver() as receiver:
        listen(receiver, enrollment.workspace, "enrollment.quarantined")
        StepFactory._meta.model.objects.filter(pk=step.pk).update(body="{{ contact.nickname }}")
        run_until_idle(Options(policy=engine_policy()), lambda: LATER)
    assert received_events(receiver) == ["enrollment.quarantined"]
    assert purge_older(NOW + timedelta(days=1))["execution_webhookdelivery"] == 1


@pytest.mark.django_db(transaction=True)
def test_a_fact_that_commits_late_is_found_by_a_later_scan() -> None:
    enrollment = EnrollmentFactory()
    parts = connection.get_connection_params()
    with (
        Receiver() as receiver,
        psycopg.connect(**{key: parts[key] for key in ("dbname", "host", "port", "user")}) as late,
    ):
        listen(receiver, enrollment.workspace)
        late.execute(
            "INSERT INTO execution_executionlog (workspace_id, enrollment_id, step_type, at, action, status, message, "
            "error, actor, details) VALUES (%s, %s, '', %s, 'paused', 'ok', '', '', 'ada', '{}')",
            (enrollment.workspace_id, enrollment.pk, LATER),
        )
        with transaction.atomic():
            log(enrollment, "resumed", at=LATER + timedelta(seconds=1))
        deliver_webhooks(LATER + timedelta(minutes=1))
        assert received_events(receiver) == ["enrollment.resumed"]
        late.commit()
        deliver_webhooks(LATER + timedelta(minutes=2))
    assert received_events(receiver) == ["enrollment.resumed", "enrollment.paused"]


@pytest.mark.django_db(transaction=True)
def test_a_subscription_is_deleted_while_its_deliveries_are_stored() -> None:
    enrollment = EnrollmentFactory()
    with Receiver() as receiver:
        subscription = listen(receiver, enrollment.workspace)
        log(enrollment, "paused")
        with transaction.atomic():
            assert fan_out(LATER) == 1
            person = ConcurrentWork(lambda: unsubscribe(subscription, actor="ada", now=LATER)).start()
            person.run_until_blocked()
        person.join()
    assert not WebhookSubscription.objects.exists()
    assert not WebhookDelivery.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x", "http://localhost/x", "http://10.1.2.3/x", "http://169.254.169.254/latest/meta-data",
        "http://[::1]/x", "http://[::ffff:127.0.0.1]/x", "http://0.0.0.0/x",
        "http://[::ffff:10.1.2.3]/x", "http://[64:ff9b::127.0.0.1]/x", "http://[64:ff9b::a01:203]/x", "http://[64:ff9b:1::8.8.8.8]/x",
        "http://[2002:7f00:1::1]/x", "http://[2002:a01:203::1]/x", "http://[2001:0:808:808:0:ffff:80ff:fffe]/x", "http://[::10.1.2.3]/x",
        "http://[fec0::1]/x", "http://[fd00::1]/x", "http://[fe80::1]/x", "http://[ff02::1]/x", "http://224.0.0.1/x",
        "http://100.64.0.1/x", "http://2130706433/x", "ftp://example.com/x", "http:///x", "http://nowhere.invalid/x",
    ],
)  # fmt: skip
def test_private_addresses_are_not_called(url: str) -> None:
    with pytest.raises(RefusedAddressError):
        validate_endpoint(url, Dialler())
    answer = post(url, b"{}", {}, Dialler())
    assert (answer.status_code, answer.is_accepted) == (None, False)


@pytest.mark.parametrize("host", ["8.8.8.8", "[2606:4700::1111]", "[::ffff:8.8.8.8]", "[64:ff9b::8.8.8.8]"])
def test_public_addresses_are_called(host: str) -> None:
    validate_endpoint(f"https://{host}/x", Dialler())


def test_a_ping_reaches_its_subscription_alone() -> None:
    enrollment = EnrollmentFactory()
    with Receiver() as receiver, Receiver() as other:
        subscription = listen(receiver, enrollment.workspace, "email.sent")
        listen(other, enrollment.workspace, "email.sent")
        ping(subscription, timezone.now())
        deliver_webhooks(timezone.now())
    assert (received_events(receiver), received_events(other)) == (["ping"], [])


def test_a_subscriber_that_answers_byte_by_byte_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "TIMEOUT_SECONDS", 0.3)
    with Receiver(drips=200) as receiver:
        answer = post(receiver.url, b"{}", {}, Dialler(EVERYWHERE))
        assert answer.status_code is None
        assert receiver.was_hung_up.wait(10)


@pytest.mark.parametrize("url", ["https://127.0.0.1:{port}/", "http://127.0.0.1:{port}0/", "http://[bad/", "http:///x"])
def test_every_failure_is_recorded_as_a_result(url: str) -> None:
    with Receiver() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        assert post(url.format(port=port), b"{}", {}, Dialler(EVERYWHERE)).status_code is None


def test_a_path_in_any_script_is_called_in_ascii() -> None:
    with Receiver() as receiver:
        base = receiver.url.split("/hook")[0]
        assert post(f"{base}/здесь?q=ü", b"{}", {}, Dialler(EVERYWHERE)).is_accepted
        assert receiver.calls[0].path == "/%D0%B7%D0%B4%D0%B5%D1%81%D1%8C?q=%C3%BC"
