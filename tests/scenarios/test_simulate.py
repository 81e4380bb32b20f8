"""A short simulation as users run it: every fault, and the promises as figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from simulation.trial_faults import Fault, parse_faults, plan_strikes
from tests.factories import NOW

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(280)
@pytest.mark.django_db(transaction=True)
def test_a_day_with_every_fault_breaks_no_promise(database_url: str) -> None:
    env = {**os.environ, "DATABASE_URL": database_url, "ENV_FILE": os.devnull}
    env["DJANGO_SETTINGS_MODULE"] = "config.settings"
    arguments = ["--days", "1", "--enrollments", "26", "--faults", "all", "--seed", "7", "--json"]
    command = [sys.executable, str(ROOT / "manage.py"), "simulate", *arguments]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=270, check=False)

    assert done.returncode == 0, done.stderr + done.stdout
    (run,) = json.loads(done.stdout)["runs"]
    assert run["faults"] == sorted(fault.value for fault in Fault)
    assert [promise for promise, found in run["promises"].items() if found["broken"]] == []
    assert list(run["promises"]) == [*(f"P{number}" for number in range(1, 11)), "P12", "P13"]
    assert run["emails"] > 30
    assert not run["promises"]["P7"]["figure"].startswith("0 crashes")


INTERRUPTED = """
import runpy, sys
from django.db.migrations.executor import MigrationExecutor
def interrupt(*args, **kwargs):
    raise KeyboardInterrupt
MigrationExecutor.migrate = interrupt
sys.argv = ["manage.py", "simulate", "--days", "1", "--enrollments", "10"]
runpy.run_path("manage.py", run_name="__main__")
"""


@pytest.mark.django_db
def test_interrupted_while_its_tables_are_made_it_leaves_no_database(database_url: str) -> None:
    env = {**os.environ, "DATABASE_URL": database_url, "ENV_FILE": os.devnull}
    env["DJANGO_SETTINGS_MODULE"] = "config.settings"
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], env=env, cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    _, message = process.communicate(timeout=60)

    assert (process.returncode, message) == (130, "error: interrupted\n")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname = %s", [f"simulate_{process.pid}"])
        assert cursor.fetchone() == (0,)


def test_one_seed_is_one_schedule() -> None:
    faults = parse_faults("kill,outage")
    first = plan_strikes(3, faults, NOW, 2)
    assert first == plan_strikes(3, faults, NOW, 2) != plan_strikes(4, faults, NOW, 2)
    assert {strike.fault for strike in first} == faults
    assert [strike.at for strike in first] == sorted(strike.at for strike in first)
