"""Simulate days of operation in minutes, with faults, and check the promises: `manage.py simulate`."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.db import DatabaseError, connection
from rich.console import Console
from rich.table import Table

from execution.management.base import BAD_ARGUMENTS, FAILED, ProductCommand
from simulation.trial import Result, Trial, run_trial, shrink
from simulation.trial_faults import DESCRIPTIONS, parse_faults


class Command(ProductCommand):
    help = (
        "Run the real engine, delivery, inbound and tracking against a virtual clock, a scripted mail server and "
        "scripted contacts, and check the promises P1-P10 from what the mail server saw. Works in its own database, "
        "made for it on the configured server and removed afterwards. Exit 1 when a promise is broken. Faults:\n"
        + "\n".join(f"  {fault.value}: {text}" for fault, text in DESCRIPTIONS.items())
    )
    example = "manage.py simulate --days 7 --enrollments 10000 --faults all --seed 1"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--days",
            type=float,
            default=7.0,
            help="days with faults; then all enrollments run to their end (default: %(default)s)",
        )
        parser.add_argument(
            "--enrollments", type=int, default=10_000, metavar="N", help="contacts (default: %(default)s)"
        )
        parser.add_argument(
            "--faults", default="none", metavar="LIST", help="all, none, or names with commas between (default: none)"
        )
        parser.add_argument("--seed", default="1", metavar="N|A..B", help="one seed, or one run for each from A to B")
        parser.add_argument(
            "--quiet", action="store_true", help="no contact reacts, which is what forecasts assume: shows their error"
        )
        parser.add_argument("--shrink", action="store_true", help="look for the smallest run that still fails")

    def handle(self, *args: Any, **options: Any) -> None:
        trials = self._plan(options)
        results = []
        with _own_database(self), _quiet():
            for trial in trials:
                result = self._run(trial)
                results.append(result)
                if not options["json"]:
                    self._show(result)
                if not result.is_kept and options["shrink"]:
                    smallest = shrink(result, self._run)
                    self.stderr.write(f"the smallest that still fails: {smallest.trial.command()}")
        broken = [result for result in results if not result.is_kept]
        if options["json"]:
            data = {"ok": not broken, "runs": [result.present() for result in results]}
            self.emit(data, "", as_json=True)
        if broken:
            self.fail(f"a promise was broken; again: {broken[0].trial.command()}", FAILED)

    def _plan(self, options: dict[str, Any]) -> list[Trial]:
        if options["enrollments"] < 1 or not 0 < options["days"] <= 90:
            self.fail("--enrollments must be at least 1 and --days more than 0, at most 90", BAD_ARGUMENTS)
        try:
            faults = parse_faults(options["faults"])
        except ValueError as error:
            self.fail(f"--faults: {error}", BAD_ARGUMENTS)
        first, _, last = str(options["seed"]).partition("..")
        if not first.isdigit() or not (last or first).isdigit() or int(last or first) < int(first):
            self.fail("--seed takes a number such as 7, or a range such as 1..5", BAD_ARGUMENTS)
        seeds = range(int(first), int(last or first) + 1)
        return [Trial(options["days"], options["enrollments"], faults, seed, options["quiet"]) for seed in seeds]

    def _run(self, trial: Trial) -> Result:
        random.seed(trial.seed)
        minutes = round(trial.days * 24 * 60)
        with self.progress(f"Seed {trial.seed}", minutes) as report:
            return run_trial(trial, report)

    def _show(self, result: Result) -> None:
        table = Table(title=result.trial.command(), title_justify="left")
        for name in ("", "promise", "broken", "measured"):
            table.add_column(name, justify="right" if name == "broken" else "left")
        for promise in result.results:
            table.add_row(promise.promise, promise.statement, str(promise.broken), promise.figure)
        console = Console(file=self.stdout._out, width=130)  # type: ignore[arg-type]
        console.print(table)
        for promise in result.results:
            for case in promise.cases:
                console.print(f"{promise.promise} broken: {case}")
        for trouble in result.troubles:
            console.print(f"trouble: {trouble}")
        console.print(str(result.forecast))
        console.print(
            f"{result.people} contacts, {result.mailboxes} mailboxes, {result.emails} emails in {result.turns} turns; "
            f"{result.seconds:.0f} s"
        )


@contextmanager
def _own_database(command: Command) -> Iterator[None]:
    """A new database on the configured server, so that no other data is in reach."""
    configured = connection.settings_dict
    name, pool = configured["NAME"], configured["OPTIONS"].pop("pool", None)
    configured["TEST"]["NAME"] = f"simulate_{os.getpid()}"
    connection.ensure_connection()
    try:
        try:
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        except (DatabaseError, SystemExit) as error:
            reason = next(iter(str(error).splitlines()), "")
            command.fail(f"a database for the simulation cannot be created ({reason}): grant CREATEDB", FAILED)
        with connection.cursor() as cursor:
            # what is killed here are processes, never the server; forked workers are too short-lived to plan by values
            for setting in ("synchronous_commit = off", "plan_cache_mode = force_generic_plan"):
                cursor.execute(f'ALTER DATABASE "{configured["NAME"]}" SET {setting}')
        connection.close()
        yield
    finally:
        # interrupted while the tables are made, it is there already
        if configured["NAME"] != name:
            connection.creation.destroy_test_db(name, verbosity=0)
        if pool is not None:
            configured["OPTIONS"]["pool"] = pool


@contextmanager
def _quiet() -> Iterator[None]:
    """Log no failures that are injected on purpose; links and mail servers are on this machine."""
    root, base_url = logging.getLogger(), settings.PUBLIC_BASE_URL
    level, hosts = root.level, settings.ALLOWED_HOSTS
    root.setLevel(logging.CRITICAL)
    networks, settings.PRIVATE_NETWORKS = settings.PRIVATE_NETWORKS, (ip_network("127.0.0.0/8"),)
    settings.PUBLIC_BASE_URL, settings.ALLOWED_HOSTS = "http://localhost", ["localhost"]
    try:
        yield
    finally:
        root.setLevel(level)
        settings.PUBLIC_BASE_URL, settings.ALLOWED_HOSTS = base_url, hosts
        settings.PRIVATE_NETWORKS = networks
