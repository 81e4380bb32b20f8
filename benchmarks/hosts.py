"""What a second process adds: `python -m benchmarks.hosts`. Deciding, and sending to a distant server.

Each process is what a host would run; they meet in the database alone. The two sizes take turns, and what each has left
there and at the mail server is counted.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from benchmarks.start import set_up

if TYPE_CHECKING:
    from benchmarks.mail_sink import Sink
    from benchmarks.processes import Worker
    from benchmarks.rounds import Contestant

LANES, THREADS, ROUND_TRIP = 64, 16, 0.02


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hosts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often one and two take turns (default 3)")
    parser.add_argument("--steps", type=int, default=20_000, help="decided a round (default 20,000)")
    parser.add_argument("--messages", type=int, default=1_280, help="handed over a round (default 1,280)")
    options = parser.parse_args()
    set_up()
    from benchmarks import processes
    from benchmarks.mail_sink import mail_sink
    from benchmarks.rounds import ratio, take_turns

    with ExitStack() as stack:
        pair = stack.enter_context(processes.workers(2))
        sink = stack.enter_context(mail_sink(ROUND_TRIP))
        for unit, contestants in (
            ("steps/s decided", [_deciding(pair[:count], options.steps) for count in (1, 2)]),
            ("messages/s handed over", [_sending(pair[:count], sink, options.messages) for count in (1, 2)]),
        ):
            contestants[1].run()  # imports and first plans are not measured
            rates = take_turns(options.rounds, contestants, lambda line: None)
            for name, found in rates.items():
                sys.stdout.write(f"{name}: {statistics.median(found):,.0f} {unit}\n")
            one, two = rates
            sys.stdout.write(f"2 processes ÷ 1: {ratio(rates, two, one).median:.2f}\n")
            sys.stdout.flush()
    return 0


def _name(chosen: Sequence[Worker]) -> str:
    return "1 process" if len(chosen) == 1 else f"{len(chosen)} processes"


def _deciding(chosen: Sequence[Worker], steps: int) -> Contestant:
    from benchmarks.processes import together
    from benchmarks.rounds import Contestant
    from benchmarks.tables import Filling, check_decided, fill

    def once() -> float:
        fill(Filling(steps))
        done, seconds = together(chosen, "engine", batch=500)
        check_decided(steps)
        return done / seconds

    return Contestant(_name(chosen), once)


def _sending(chosen: Sequence[Worker], sink: Sink, messages: int) -> Contestant:
    from benchmarks.processes import together
    from benchmarks.rounds import Contestant, WrongResultError
    from benchmarks.sending import BODY, OCTETS
    from benchmarks.tables import NOW, Filling, check_sent, fill
    from execution.engine.backoff import Policy
    from execution.engine.tick import run_tick

    def once() -> float:
        fill(Filling(messages, lanes=LANES, port=sink.port, body=BODY))
        while run_tick(NOW, 500, Policy()).claimed:
            pass
        sink.forget()
        done, seconds = together(chosen, "lanes of many", threads=THREADS)
        check_sent(messages)
        sink.check(messages, OCTETS)
        if done != messages:
            raise WrongResultError(f"the processes say they delivered {done} of {messages}")
        return done / seconds

    return Contestant(_name(chosen), once)


if __name__ == "__main__":
    sys.exit(main())
