"""The engine in the foreground: `manage.py run_executor`."""

from __future__ import annotations

import os
import signal
import socket
import sys
import uuid
from datetime import timedelta
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone

from common.clocks import CheckedClock, describe_offset, is_wrong, measure_offset
from common.suitable import UnsuitableError, check_environment
from execution import heartbeat
from execution.control.failover import describe_database_trouble
from execution.engine.policy import engine_policy
from execution.engine.tick import count_overdue
from execution.heartbeat import alive_workers, wrong_clocks
from execution.insight.alerts import LATE_AFTER, reconcile_alerts
from execution.insight.progress import read_progress
from execution.management.base import BAD_ARGUMENTS, FAILED, ProductCommand
from execution.worker.gate import Gate
from execution.worker.options import Options, Stage
from execution.worker.runner import Runner, run_until_idle

# The limits of the environment variables of the same meaning.
_MOST_PER_BATCH = 10_000
_LONGEST_POLL = 3_600


class Command(ProductCommand):
    help = "Decide and deliver what is due, until stopped. SIGTERM and Ctrl-C finish the batch and exit."
    example = "manage.py run_executor --once --json"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--once", action="store_true", help="work until nothing is due, then exit")
        parser.add_argument(
            "--check", action="store_true", help="exit 0 if an executor is healthy, else 1, with an alert"
        )
        parser.add_argument(
            "--stage",
            choices=[stage.value for stage in Stage],
            default=Stage.ALL.value,
            help="do only this part of the work (default: all)",
        )
        parser.add_argument(
            "--poll-interval",
            type=float,
            default=settings.EXECUTOR_POLL_SECONDS,
            metavar="SECONDS",
            help="the longest sleep without a notification (default: EXECUTOR_POLL_SECONDS, here %(default)s)",
        )
        parser.add_argument(
            "--batch-size",
            type=int,
            default=settings.EXECUTOR_BATCH_SIZE,
            metavar="N",
            help="enrollments per transaction (default: EXECUTOR_BATCH_SIZE, here %(default)s)",
        )
        parser.add_argument("--limit", type=int, metavar="N", help="exit after deciding N enrollments")
        parser.add_argument("--workspace", metavar="SLUG", help="work for this workspace only")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            self._check(options["json"])
            return
        for name, most in (("batch_size", _MOST_PER_BATCH), ("limit", sys.maxsize), ("poll_interval", _LONGEST_POLL)):
            if options[name] is not None and not 0 < options[name] <= most:
                at_most = "" if most == sys.maxsize else f" and at most {most}"
                self.fail(f"--{name.replace('_', '-')} must be greater than 0{at_most}", BAD_ARGUMENTS)
        workspace = self.find_workspace(options["workspace"]) if options["workspace"] else None
        run_options = Options(
            policy=engine_policy(),
            stage=Stage(options["stage"]),
            poll_seconds=options["poll_interval"],
            batch_size=options["batch_size"],
            limit=options["limit"],
            workspace_id=workspace.pk if workspace else None,
            watched_inboxes=settings.IMAP_IDLE_CONNECTIONS,
            stop_wait_seconds=settings.STOP_WAIT_SECONDS,
        )
        try:
            check_environment()
        except UnsuitableError as error:
            self.fail(str(error), FAILED)
        if options["once"]:
            decided, delivered = self._run_once(run_options)
        else:
            decided, delivered = self._run(run_options)
        text = f"decided {decided}, delivered {delivered}"
        self.emit({"decided": decided, "delivered": delivered}, text, as_json=options["json"])

    def _run_once(self, run_options: Options) -> tuple[int, int]:
        """As a worker with a heartbeat: what it did counts as processed, and its end is recorded."""
        worker_id = uuid.uuid4()
        Gate(worker_id, f"{socket.gethostname()}:{os.getpid()}", run_options.kind, timezone.now).start()
        decided = delivered = 0
        try:
            decided, delivered = run_until_idle(run_options, timezone.now)
        finally:
            now = timezone.now()
            heartbeat.stop(worker_id, now, decided, delivered, now if decided or delivered else None)
        return decided, delivered

    def _run(self, run_options: Options) -> tuple[int, int]:
        runner = Runner(run_options, CheckedClock(timezone.now))

        def stop(number: int, frame: FrameType | None) -> None:
            runner.ask_to_stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        self.stderr.write(f"executor {runner.name} runs (stage {run_options.stage}); Ctrl-C stops it")
        runner.run()
        return runner.decided, runner.delivered

    def _check(self, as_json: bool) -> None:
        """Healthy: a worker was alive within the last minute, nothing stands still for more than five, clocks agree."""
        offset = measure_offset(timezone.now) or 0.0
        # by the database's clock: this host's may be the one that is wrong
        now = timezone.now() - timedelta(seconds=offset)
        workers = len(alive_workers(now))
        overdue = count_overdue(now - LATE_AFTER)
        standstills = read_progress(now).standstills
        # raises the alert when no executor is running to do it
        reconcile_alerts(now)
        clocks = {worker.name: worker.clock_offset_seconds or 0.0 for worker in wrong_clocks(now)}
        if is_wrong(offset):
            clocks["this host"] = offset
        trouble = describe_database_trouble()
        healthy = workers > 0 and overdue == 0 and not standstills and not clocks and not trouble
        text = f"{'healthy' if healthy else 'not healthy'}: {workers} workers alive, {overdue} enrollments overdue"
        document: dict[str, Any] = {"healthy": healthy, "workers": workers, "overdue": overdue}
        wrong = [f"the clock of {name} is {describe_offset(seconds)}" for name, seconds in clocks.items()]
        text = "; ".join([text, *(each.text for each in standstills), *wrong, *([trouble] if trouble else [])])
        if standstills:
            document["stuck"] = [{"part": each.part.value, "text": each.text} for each in standstills]
        self.emit(document, text, as_json=as_json)
        if not healthy:
            remedy = "look at manage.py why ENROLLMENT and the log"
            if trouble:
                remedy = "see Failover in docs/operations.md"
            elif clocks:
                remedy = "set the clock (NTP)"
            elif not workers:
                remedy = "start run_executor or qcluster"
            elif not overdue:
                remedy = "look at the open alerts and the executors' logs"
            self.fail(f"{text}: {remedy}", FAILED)
