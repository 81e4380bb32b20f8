"""`make bench`: print what a batch costs and how many times faster than one row at a time it is.

Absolute times mean little on a shared machine, so the ways take turns within one run and only their ratios count.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often the ways take turns (default 5)")
    parser.add_argument("--steps", type=int, default=5_000, help="email steps a round for our way (default 5,000)")
    parser.add_argument("--naive-steps", type=int, default=300, help="for the row-by-row way (default 300)")
    parser.add_argument("--messages", type=int, default=400, help="messages a round (default 400)")
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ.setdefault("DATA_DIR", str(ROOT / ".data" / "bench"))
    os.environ.setdefault("LOG_FORMAT", "json")
    import django

    django.setup()
    import logging

    from django.core.management import call_command

    logging.disable(logging.WARNING)
    call_command("migrate", verbosity=0)

    from benchmarks import decide, deliver

    decided = _take_turns(options.rounds, decide.WAYS, [options.steps, options.naive_steps], decide.prepare)
    _say(f"deciding an email step (median of {options.rounds} interleaved rounds)")
    _print_rates(decided, "steps/s")
    for line in decide.describe_batch(options.steps):
        _say(f"  {line}")
    with deliver.mail_server() as port:
        sent = _take_turns(
            options.rounds, deliver.WAYS, [options.messages] * 2, lambda count: deliver.prepare(count, port)
        )
    _say(f"\nhanding over an email on a fast local server (median of {options.rounds} interleaved rounds)")
    _print_rates(sent, "messages/s")
    return 0


def _take_turns(
    rounds: int, ways: dict[str, Callable[[int], None]], counts: list[int], prepare: Callable[[int], None]
) -> dict[str, list[float]]:
    """Rates of each way, round by round, in alternating order."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    turns = list(zip(ways.items(), counts, strict=True))
    for number in range(rounds):
        for (name, way), count in turns if number % 2 == 0 else reversed(turns):
            prepare(count)
            started = time.perf_counter()
            way(count)
            rates[name].append(count / (time.perf_counter() - started))
    return rates


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _print_rates(rates: dict[str, list[float]], unit: str) -> None:
    first, *others = rates
    for name, values in rates.items():
        _say(f"  {name:<44} {statistics.median(values):>9,.0f} {unit}")
    for other in others:
        ratios = [ours / theirs for ours, theirs in zip(rates[first], rates[other], strict=True)]
        _say(f"  {first} ÷ {other}: {statistics.median(ratios):.2f} (from {min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    sys.exit(main())
