"""The whole product on sample data, in one process: `manage.py demo`."""

from __future__ import annotations

import errno
import logging
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import FrameType
from typing import IO, Any, cast

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone
from rich.console import Console

from common.db import fetch_all
from emails.models import ExecutorState
from execution.engine.policy import engine_policy
from execution.heartbeat import alive_workers
from execution.management.base import BAD_ARGUMENTS, FAILED, ProductCommand
from execution.worker.runner import Options
from simulation.demo_report import format_report, make_report
from simulation.demo_story import Story
from simulation.demo_web import WebServer
from simulation.demo_workspace import (
    ADMIN,
    MANAGER,
    SDRS,
    enroll_all,
    leave_in_order,
    make_workspace,
    remove_workspace,
)
from simulation.demo_world import Stop, World
from simulation.mail_server import MailServer
from simulation.virtual_clock import VirtualClock, living_by

_DEFAULT_PORT = 8000
# The sample sequences take about so long, so that their last steps happen about now.
_SPAN = timedelta(days=8)
# Seconds of the demo per real second while nothing happens; the time between two steps is cut short.
_SPEED = 1_000.0
# One demo at a time per database. Any constant number.
_ADVISORY_LOCK = 7_306_002


class Command(ProductCommand):
    help = (
        "Show the product on a sample workspace: a local mail server, scripted prospects, executor and web server in "
        "one process. Every start begins with a new sample workspace; other workspaces are not touched. Hours in which "
        "nothing happens are skipped."
    )
    example = "manage.py demo --once"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--port", type=int, help=f"of the web server (default: {_DEFAULT_PORT}; --once: any)")
        parser.add_argument("--once", action="store_true", help="run to the end, print a summary and exit 0 or 1")

    def handle(self, *args: Any, **options: Any) -> None:
        once: bool = options["once"] or options["json"]
        port = options["port"] if options["port"] is not None else (0 if once else _DEFAULT_PORT)
        if not 0 <= port <= 65_535:
            self.fail("--port takes a number from 1 to 65535", BAD_ARGUMENTS)
        self._check_database()
        web = self._open_web(port)
        self._settle_settings(web)
        stop = Stop()
        clock = VirtualClock(timezone.now() - _SPAN)
        with _stopping_on_signals(stop), MailServer() as server, living_by(clock), web:
            is_kept = self._show(server, web, clock, stop, once=once, as_json=options["json"])
        if not is_kept:
            self.fail("a promise was broken: see the summary", FAILED)

    def _show(
        self,
        server: MailServer,
        web: WebServer,
        clock: VirtualClock,
        stop: Stop,
        *,
        once: bool,
        as_json: bool,
    ) -> bool:
        remove_workspace()
        password = secrets.token_urlsafe(9)
        workspace = make_workspace(server.port, password)
        enlisted = enroll_all(workspace, clock)
        console = None if as_json else Console(file=cast("IO[str]", self.stdout._out), highlight=False)
        run_options = Options(policy=engine_policy(), batch_size=settings.EXECUTOR_BATCH_SIZE)
        story = Story(workspace, console)
        world = World(workspace, enlisted, server, clock, run_options, story, speed=None if once else _SPEED)
        if not as_json:
            self._greet(web, password, clock(), sum(len(group.addresses) for group in enlisted), once=once)
        reports = []

        def at_end() -> None:
            report = make_report(workspace, server, world.troubles)
            reports.append(report)
            self.emit(report.present(), f"\n{format_report(report)}", as_json=as_json)
            if not once:
                self.stdout.write(f"\nThe story is over, the demo goes on. {_describe_login(web, password)}")

        world.run(stop, at_end=at_end, stay=not once)
        if once and not reports:
            at_end()
        leave_in_order(workspace, clock)
        if not once:
            self.stdout.write(
                "\nThe demo has ended. You can still look at its workspace; the next start creates it again."
            )
        return all(report.is_kept for report in reports)

    def _greet(self, web: WebServer, password: str, now: datetime, people: int, *, once: bool) -> None:
        self.stdout.write(
            f"{people} people in 3 sequences; the clock starts at {now:%a %d %b %Y %H:%M} UTC, a week ago, "
            "and leaps over the hours in which nothing happens."
        )
        if not once:
            self.stdout.write(_describe_login(web, password))
            self.stdout.write(f"SDRs log in as {' or '.join(SDRS)}, a manager as {MANAGER}, with the same password.")
        self.stdout.write("")
        self.stdout.flush()

    def _check_database(self) -> None:
        if not settings.DEBUG:
            self.fail("the demo makes an administrator with a printed password: it needs DEBUG=true", BAD_ARGUMENTS)
        if not fetch_all("SELECT pg_try_advisory_lock(%(key)s) AS got", {"key": _ADVISORY_LOCK})[0]["got"]:
            self.fail("another demo runs on this database: stop it first, or set DATABASE_URL to another database")
        if alive_workers(timezone.now()):
            self.fail(
                "an executor runs on this database and would send the demo's mail by the real clock: stop it, or set "
                "DATABASE_URL to another database"
            )
        if ExecutorState.objects.filter(is_paused=True).exists():
            self.fail("the executor is paused: resume it in the admin (make run), then start the demo")

    def _open_web(self, port: int) -> WebServer:
        try:
            return WebServer(port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                self.fail(
                    f"port {port} is in use: choose another with --port, such as --port {port + 1} "
                    f"(make demo ARGS='--port {port + 1}')"
                )
            self.fail(f"port {port} cannot be used ({error.strerror}): choose another with --port")

    def _settle_settings(self, web: WebServer) -> None:
        """The links in the emails lead to this process, and the terminal belongs to the story."""
        settings.PUBLIC_BASE_URL = web.base_url
        logging.getLogger().setLevel(logging.ERROR)


def _describe_login(web: WebServer, password: str) -> str:
    return f"Look at {web.base_url}/admin/ as {ADMIN} with the password {password} (Ctrl-C ends)."


@contextmanager
def _stopping_on_signals(stop: Stop) -> Iterator[None]:
    """The first signal ends the demo in order, the second at once."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def end(number: int, frame: FrameType | None) -> None:
        stop.is_asked = True
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
