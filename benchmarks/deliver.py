"""Sending an email: on a distant server, where lanes wait concurrently, and on one that answers at once.

What every contestant sent is counted by the server: each message once, and all of about the same size.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from benchmarks import processes
from benchmarks.mail_sink import Sink, mail_sink
from benchmarks.processes import Worker
from benchmarks.report import Report, least
from benchmarks.rounds import Contestant, ratio, take_turns
from benchmarks.sending import BODY, OCTETS
from benchmarks.tables import NOW, Filling, check_sent, fill
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick

LANES = 64
ROUND_TRIP = 0.02
OURS_FAR, OURS_NEAR = f"the executor, {LANES} lanes in one process", "the executor, one crash-safe lane"
KEPT = "Django's send, connection kept, no queue"
POST_OFFICE, MAILER = "django-post_office, one process of 5 threads", "django-mailer"


def measure(report: Report, rounds: int, messages: int, tell: Callable[[str], None]) -> None:
    with ExitStack() as stack:
        far = stack.enter_context(mail_sink(ROUND_TRIP))
        near = stack.enter_context(mail_sink())
        (ours,) = stack.enter_context(processes.workers(1))
        peers = {
            sink: stack.enter_context(processes.workers(1, {"BENCH_PEERS": "1", "BENCH_MAIL_PORT": str(sink.port)}))[0]
            for sink in (far, near)
        }
        # all contestants on the distant server run about as long, so that starting weighs about the same
        lanes = _ours(ours, far, messages * 4, LANES, "lanes", threads=LANES)
        lane = _ours(ours, near, messages, 1, "lane")
        lanes()
        lane()
        distant = [
            Contestant(OURS_FAR, lanes),
            Contestant(POST_OFFICE, _theirs(peers[far], far, max(messages // 4, 20), "post_office")),
            Contestant(KEPT, _theirs(peers[far], far, max(messages // 16, 10), "django", port=far.port)),
            Contestant(MAILER, _theirs(peers[far], far, max(messages // 32, 5), "mailer")),
        ]
        at_hand = [
            Contestant(OURS_NEAR, lane),
            Contestant(KEPT, _theirs(peers[near], near, messages, "django", port=near.port)),
            Contestant(POST_OFFICE, _theirs(peers[near], near, messages, "post_office")),
            Contestant(MAILER, _theirs(peers[near], near, max(messages // 4, 20), "mailer")),
        ]
        rates_far = take_turns(rounds, distant, tell)
        rates_near = take_turns(rounds, at_hand, tell)
    report.add_rates("Sending an email at 20 ms round trip", "messages/s", rates_far)
    report.add_rates("Sending an email on a server that answers at once", "messages/s", rates_near)
    found = ratio(rates_far, OURS_FAR, POST_OFFICE)
    report.add_ratio(f"delivery at 20 ms round trip, {LANES} lanes ÷ django-post_office", found, least(10))
    found = ratio(rates_near, OURS_NEAR, KEPT)
    report.add_ratio(
        "delivery on a fast server, crash-safe ÷ Django's send with the connection kept", found, least(0.8)
    )


def _ours(worker: Worker, sink: Sink, count: int, lanes: int, way: str, **order: int) -> Callable[[], float]:
    def once() -> float:
        fill(Filling(count, lanes=lanes, port=sink.port, body=BODY))
        while run_tick(NOW, 500, Policy()).claimed:
            pass
        sink.forget()
        answer = worker.ask(way, count=count, **order)
        check_sent(count)
        sink.check(count, OCTETS)
        return float(count / answer["seconds"])

    return once


def _theirs(worker: Worker, sink: Sink, count: int, way: str, **order: int) -> Callable[[], float]:
    def once() -> float:
        sink.forget()
        answer = worker.ask(way, count=count, **order)
        sink.check(count, OCTETS)
        return float(count / answer["seconds"])

    return once
