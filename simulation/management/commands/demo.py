"""The whole product on sample data, in one process: `manage.py demo`."""

from __future__ import annotations

import errno
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from typing import IO, Any
from typing import cast as cast_type

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone
from rich.console import Console

from common.db import fetch_all
from emails.models import ExecutorState
from execution.control.switches import resume_executor
from execution.engine.policy import engine_policy
from execution.heartbeat import alive_workers
from execution.management.base import BAD_ARGUMENTS, FAILED, ProductCommand
from execution.worker.options import Options
from sequences.models import Workspace
from simulation.demo_plot import SPAN, cast, enroll_all, spread_enrolling
from simulation.demo_report import format_report, make_report
from simulation.demo_story import Story
from simulation.demo_web import WebServer
from simulation.demo_workspace import (
    ACTOR,
    LOGINS,
    choose_password,
    connect_again,
    find_living_workspace,
    is_paused_by_a_visitor,
    leave_in_order,
    make_logins,
    make_workspace,
    remove_workspace,
)
from simulation.demo_world import Stop, World, wall_clock
from simulation.mail_server import MailServer
from simulation.virtual_clock import VirtualClock, living_by

_DEFAULT_PORT = 8000
# Seconds of the demo per real second while nothing happens; the time between two steps is cut short.
_SPEED = 5_000.0
# One demo at a time per database. Any constant number.
_ADVISORY_LOCK = 7_306_002


class Command(ProductCommand):
    help = (
        "Show the product on a sample workspace: a local mail server, scripted prospects, executor and web server in "
        "one process. The first start plays the last eight days in about a minute, then goes on in real time; a later "
        "start continues where the last one ended. Other workspaces are not touched."
    )
    example = "manage.py demo\n  manage.py demo --reset\n  manage.py demo --once"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--port", type=int, help=f"of the web server (default: {_DEFAULT_PORT}; --once: any)")
        parser.add_argument("--reset", action="store_true", help="forget what an earlier demo left, and start over")
        parser.add_argument(
            "--once", action="store_true", help="start over, run to the end, print a summary and exit 0 or 1"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        once: bool = options["once"] or options["json"]
        port = options["port"] if options["port"] is not None else (0 if once else _DEFAULT_PORT)
        if not 0 <= port <= 65_535:
            self.fail("--port takes a number from 1 to 65535", BAD_ARGUMENTS)
        self._check_database()
        web = self._open_web(port)
        self._adapt_settings(web)
        found = None if once or options["reset"] else find_living_workspace()
        clock = VirtualClock(wall_clock() if found else wall_clock() - SPAN)
        stop = Stop()
        with _stopping_on_signals(stop), MailServer() as server, living_by(clock), web:
            if once:
                if not self._run_once(server, clock, stop, as_json=options["json"]):
                    self.fail("a promise was broken: see the summary", FAILED)
            else:
                self._run_on(found, server, web, clock, stop)

    def _run_once(self, server: MailServer, clock: VirtualClock, stop: Stop, *, as_json: bool) -> bool:
        """To the end of every enrollment. Returns whether every promise was kept."""
        remove_workspace()
        workspace = make_workspace(server.port, choose_password())
        people = enroll_all(workspace, clock())
        if not as_json:
            self._greet(people, clock())
        world = self._make_world(workspace, server, clock, as_json=as_json, speed=None)
        world.play(stop)
        report = make_report(workspace, server, world.troubles)
        self.emit(report.present(), f"\n{format_report(report)}", as_json=as_json)
        leave_in_order(workspace, clock())
        return report.is_kept

    def _run_on(
        self, found: Workspace | None, server: MailServer, web: WebServer, clock: VirtualClock, stop: Stop
    ) -> None:
        """Up to the present, then by the wall's clock until stopped."""
        password = choose_password()
        if found is None:
            remove_workspace()
            workspace = make_workspace(server.port, password)
            self._describe_logins(web, password)
            world = self._make_world(workspace, server, clock, as_json=False, speed=_SPEED)
            self._greet(spread_enrolling(world, workspace, wall_clock(), server.port), clock())
            world.play(stop, until=wall_clock)
            if not stop.is_asked:
                report = make_report(workspace, server, world.troubles)
                self.stdout.write(f"\n{format_report(report)}\n\nThe past is over; from now on the clock is yours.")
        else:
            workspace = found
            make_logins(password)
            connect_again(workspace, server.port, clock())
            world = self._make_world(workspace, server, clock, as_json=False, speed=_SPEED, tells_from_now=True)
            self.stdout.write("The demo continues where it ended.")
        self._describe_logins(web, password)
        world.live(stop, complain=lambda text: self.stderr.write(f"The demo goes on after an error: {text}"))
        # deleted in the meantime, perhaps
        if Workspace.objects.filter(pk=workspace.pk).exists():
            leave_in_order(workspace, clock())
        self.stdout.write("\nThe demo has ended. The next start continues here; --reset starts over.")

    def _make_world(
        self,
        workspace: Workspace,
        server: MailServer,
        clock: VirtualClock,
        *,
        as_json: bool,
        speed: float | None,
        tells_from_now: bool = False,
    ) -> World:
        console = None if as_json else Console(file=cast_type("IO[str]", self.stdout._out), highlight=False)
        options = Options(policy=engine_policy(), batch_size=settings.EXECUTOR_BATCH_SIZE)
        story = Story(workspace, console)
        if tells_from_now:
            story.skip_the_past()
        return World(workspace, cast(workspace), server, clock, options, story, speed=speed)

    def _greet(self, people: int, now: datetime) -> None:
        self.stdout.write(
            f"{people} people in 3 sequences; the clock starts at {now:%a %d %b %Y %H:%M} UTC, a week ago, "
            "and leaps over the hours in which nothing happens.\n"
        )
        self.stdout.flush()

    def _describe_logins(self, web: WebServer, password: str) -> None:
        width = max(len(address) for address, _ in LOGINS)
        lines = [f"  {address:<{width}}  {role}" for address, role in LOGINS]
        self.stdout.write(
            f"\nOpen {web.base_url}/admin/ and log in with the password {password} as\n"
            + "\n".join(lines)
            + "\nCtrl-C ends the demo; it continues with the next start. make demo ARGS=--reset starts over.\n"
        )
        self.stdout.flush()

    def _check_database(self) -> None:
        if not settings.DEBUG:
            self.fail("the demo makes logins with a printed password: it needs DEBUG=true", BAD_ARGUMENTS)
        if not fetch_all("SELECT pg_try_advisory_lock(%(key)s) AS got", {"key": _ADVISORY_LOCK})[0]["got"]:
            self.fail("another demo runs on this database: stop it first, or set DATABASE_URL to another database")
        # with the lock in hand, the worker of a demo is one that was killed
        if any(worker.kind != ACTOR for worker in alive_workers(timezone.now())):
            self.fail(
                "an executor runs on this database and would send the demo's mail by the real clock: stop it, or set "
                "DATABASE_URL to another database"
            )
        if ExecutorState.objects.filter(is_paused=True).exists():
            if not is_paused_by_a_visitor():
                self.fail("the executor is paused: resume it in the admin (make run), then start the demo")
            resume_executor(actor=ACTOR, now=timezone.now())

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

    def _adapt_settings(self, web: WebServer) -> None:
        """The links in the emails lead to this process, alerts go nowhere, and the terminal belongs to the story."""
        settings.PUBLIC_BASE_URL = web.base_url
        settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
        settings.ALERT_WEBHOOK_URL = ""
        logging.getLogger().setLevel(logging.CRITICAL)


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
