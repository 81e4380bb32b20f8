"""`make bench`: every target figure of the engine, compared with other designs, in one interleaved run.

Absolute times mean little on a shared machine, so the ways take turns and only their ratios count.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.start import set_up

PARTS = ("decide", "scale", "recovery", "deliver", "bulkheads")


def main() -> int:
    options = _parse()
    if importlib.util.find_spec("procrastinate") is None:
        sys.stderr.write("What is compared with is not installed here: run `make bench`, which makes .venv-bench.\n")
        return 1
    os.environ["BENCH_PEERS"] = "1"
    set_up()
    # the peers' apps would be imported by our own processes
    del os.environ["BENCH_PEERS"]
    from benchmarks.report import Report

    report = Report(shlex.join(sys.argv[1:]), datetime.now(UTC))
    for part in options.only:
        _run(part, report, options)
        # after each part, so that a later failure loses no earlier result
        if options.write:
            report.write(options.write)
    sys.stdout.write((json.dumps(report.as_json()) if options.json else report.as_text()) + "\n")
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--only", type=_parts, default=PARTS, metavar="PARTS", help=f"some of {','.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=5, help="how often the ways take turns (default 5)")
    parser.add_argument("--steps", type=int, default=20_000, help="steps a round for batched ways (default 20,000)")
    parser.add_argument("--slow-steps", type=int, default=400, help="for the ways one by one (default 400)")
    parser.add_argument("--messages", type=int, default=1280, help="messages a round (default 1,280)")
    parser.add_argument("--active", type=int, default=100_000, help="active enrollments of `scale` (default 100,000)")
    parser.add_argument("--million", action="store_true", help="a million of them; takes minutes more")
    parser.add_argument("--batch", type=int, default=500, help="enrollments per transaction (default 500)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables into this Markdown file")
    return parser.parse_args()


def _parts(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    if unknown := sorted(set(chosen) - set(PARTS)):
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is not a part: use some of {','.join(PARTS)}")
    return chosen


def _run(part: str, report: object, options: argparse.Namespace) -> None:
    from benchmarks import bulkheads, decide, deliver, growth, moments

    runs: dict[str, Callable[[], None]] = {
        "decide": lambda: decide.measure(
            report, options.rounds, decide.Sizes(options.steps, options.slow_steps, options.batch), _tell
        ),
        "scale": lambda: growth.measure(
            report, options.rounds, 1_000_000 if options.million else options.active, options.batch, _tell
        ),
        "recovery": lambda: moments.measure(report, options.rounds, options.batch, _tell),
        "deliver": lambda: deliver.measure(report, options.rounds, options.messages, _tell),
        "bulkheads": lambda: bulkheads.measure(report, _tell),
    }
    runs[part]()


def _tell(line: str) -> None:
    """Progress on standard error: standard output is the report's."""
    sys.stderr.write(f"\r\033[K{line}" if sys.stderr.isatty() else f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
