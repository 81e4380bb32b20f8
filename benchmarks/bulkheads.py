"""Healthy lanes beside slow ones, in real time: 200 lanes on a server with 6 s a command, and 20 on one that is quick.

The slow ones begin 20 s earlier, so that each thread they can get is theirs when the others become due.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from benchmarks.mail_sink import mail_sink
from benchmarks.report import Report, most
from benchmarks.rounds import WrongResultError
from benchmarks.tables import BODY, NOW, Filling, fill
from emails.models import EmailMessage, Mailbox
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from execution.worker.options import Options, Stage
from execution.worker.runner import Runner

SLOW, HEALTHY, EACH = 200, 20, 3
COMMAND_SECONDS = 6.0
_BEGINS_EARLIER = timedelta(seconds=20)
_LONGEST_SECONDS = 300
# The same machine by another name, since the share is that of a host.
_SLOW_HOST = "localhost"


def measure(report: Report, tell: Callable[[str], None]) -> None:
    with mail_sink(COMMAND_SECONDS) as slow, mail_sink() as quick:
        fill(Filling((SLOW + HEALTHY) * EACH, lanes=SLOW + HEALTHY, port=quick.port, body=BODY))
        while run_tick(NOW, 500, Policy()).claimed:
            pass
        ids = list(Mailbox.objects.order_by("pk").values_list("pk", flat=True))
        Mailbox.objects.filter(pk__in=ids[:SLOW]).update(smtp_host=_SLOW_HOST, smtp_port=slow.port)
        due_at = timezone.now() + _BEGINS_EARLIER
        Mailbox.objects.filter(pk__in=ids[SLOW:]).update(lane_at=due_at)
        healthy = EmailMessage.objects.filter(mailbox__in=ids[SLOW:])
        healthy.update(send_after_at=due_at)
        tell(f"{SLOW} lanes at {COMMAND_SECONDS:.0f} s a command, {HEALTHY} healthy ones {_BEGINS_EARLIER} later")
        _run(lambda: not healthy.exclude(status="sent").exists())
        sent = healthy.filter(status="sent").values_list("handed_over_at", flat=True)
        late = sorted((at - due_at).total_seconds() for at in sent if at is not None)
    if len(late) != HEALTHY * EACH:
        raise WrongResultError(f"{len(late)} of {HEALTHY * EACH} healthy messages were sent")
    name = f"healthy lanes beside {SLOW} slow ones, lateness"
    report.add(f"{name} p95", f"{late[int(len(late) * 0.95)]:.1f} s", late[int(len(late) * 0.95)], most(30, "s"))
    report.add(f"{name} of the last", f"{late[-1]:.1f} s", late[-1])


def _run(is_done: Callable[[], bool]) -> None:
    runner = Runner(Options(policy=Policy(), stage=Stage.DELIVER, stop_wait_seconds=0), timezone.now)
    thread = threading.Thread(target=runner.run)
    thread.start()
    began = time.monotonic()
    while not is_done() and time.monotonic() - began < _LONGEST_SECONDS:
        time.sleep(0.2)
    runner.stop()
    thread.join()
