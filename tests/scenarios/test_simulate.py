"""The simulation as its users run it, short: every fault, and the promises as figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from execution.simulation.trial_faults import Fault, parse_faults, plan_strikes
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
    assert list(run["promises"]) == [f"P{number}" for number in range(1, 11)]
    assert run["emails"] > 30
    assert not run["promises"]["P7"]["figure"].startswith("0 crashes")


def test_one_seed_is_one_schedule() -> None:
    faults = parse_faults("kill,outage")
    first = plan_strikes(3, faults, NOW, 2)
    assert first == plan_strikes(3, faults, NOW, 2) != plan_strikes(4, faults, NOW, 2)
    assert {strike.fault for strike in first} == faults
    assert [strike.at for strike in first] == sorted(strike.at for strike in first)
