"""Ways to send an email: our lanes, Django's own mail backend, and queues in front of it.

Called by worker processes. Each way prepares what it sends, and returns the seconds that sending alone took.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from django.core.mail import EmailMultiAlternatives, get_connection
from django.utils import timezone

_SENTENCE = "We help teams like yours to plan the week ahead, so that no one has to ask twice who does what and when. "
# with the parts and headers around it the whole is about 2.6 kB, as an email of a sequence is
TEXT = f"Hello,\n\nhow does planning go?\n\n{_SENTENCE * 9}\n\nAda\n"
HTML = "".join(f"<p>{part}</p>" for part in TEXT.strip().split("\n\n"))
BODY = f"Hello {{{{ contact.first_name }}}},\n\nhow does planning go?\n\n{_SENTENCE * 5}\n\nAda"
OCTETS = range(2_300, 2_900)


def through_one_lane(count: int) -> dict[str, Any]:
    """The crash-safe way, one mailbox and one connection: each message marked before and recorded after."""
    from emails.sending.delivery import HeldLeases, deliver_lane

    delivered, leases = 0, HeldLeases()
    started = time.perf_counter()
    while (handed_over := deliver_lane(timezone.now, "bench", leases)) is not None:
        delivered += handed_over
    return {"done": delivered, "seconds": time.perf_counter() - started}


def through_lanes(count: int, threads: int) -> dict[str, Any]:
    """The executor's stage `deliver` with as many lanes at a time as it has threads."""
    from execution.engine.backoff import Policy
    from execution.worker.options import Options, Stage
    from execution.worker.runner import Runner

    runner = Runner(Options(policy=Policy(), stage=Stage.DELIVER, lane_threads=threads), timezone.now)
    thread = threading.Thread(target=runner.run)
    started = time.perf_counter()
    thread.start()
    while runner.delivered < count and time.perf_counter() - started < 300:
        time.sleep(0.005)
    seconds = time.perf_counter() - started
    runner.stop()
    thread.join()
    return {"done": runner.delivered, "seconds": seconds}


def through_lanes_of_many(threads: int) -> dict[str, Any]:
    """The same as one of several processes, until all lanes are empty. Returns what this process sent."""
    from emails.models import EmailMessage
    from execution.engine.backoff import Policy
    from execution.worker.options import Options, Stage
    from execution.worker.runner import Runner

    runner = Runner(Options(policy=Policy(), stage=Stage.DELIVER, lane_threads=threads), timezone.now)
    thread = threading.Thread(target=runner.run)
    thread.start()
    while EmailMessage.objects.filter(status__in=("queued", "sending")).exists():
        time.sleep(0.01)
    runner.stop()
    thread.join()
    return {"done": runner.delivered}


def with_django_kept(count: int, port: int) -> dict[str, Any]:
    """Django's SMTP backend with one connection for all; no queue and no database."""
    started = time.perf_counter()
    with get_connection("django.core.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=port) as kept:
        for number in range(count):
            _message(number, kept).send()
    return {"done": count, "seconds": time.perf_counter() - started}


def with_post_office(count: int) -> dict[str, Any]:
    """django-post_office: one process with its five threads, with its defaults."""
    from post_office import mail
    from post_office.models import STATUS, Email

    Email.objects.all().delete()
    mail.send_many(
        {
            "sender": "sdr@sender.example",
            "recipients": [f"person{number}@firm.example"],
            "subject": "Quick question",
            "message": TEXT,
            "html_message": HTML,
        }
        for number in range(count)
    )
    started = time.perf_counter()
    mail.send_queued(processes=1)
    seconds = time.perf_counter() - started
    return {"done": Email.objects.filter(status=STATUS.sent).count(), "seconds": seconds}


def with_mailer(count: int) -> dict[str, Any]:
    """django-mailer: its `send_mail` command's loop."""
    from mailer import engine
    from mailer.models import Message, MessageLog

    Message.objects.all().delete()
    MessageLog.objects.all().delete()
    queue = get_connection("mailer.backend.DbBackend")
    queue.send_messages([_message(number, queue) for number in range(count)])
    started = time.perf_counter()
    engine.send_all()
    return {"done": MessageLog.objects.count(), "seconds": time.perf_counter() - started}


def _message(number: int, connection: Any) -> EmailMultiAlternatives:
    recipient = f"person{number}@firm.example"
    message = EmailMultiAlternatives("Quick question", TEXT, "sdr@sender.example", [recipient], connection=connection)
    message.attach_alternative(HTML, "text/html")
    return message
