"""What is shipped to run and watch the product: it names what there is, and the web command really serves."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands
from django.test import Client

from tests.factories import (
    AlertFactory,
    DeadLetterFactory,
    EnrollmentFactory,
    ExecutionLogFactory,
    SentMessageFactory,
    WorkerFactory,
)

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "docs" / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def read_rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def named_metrics(texts: list[str]) -> set[str]:
    return {name for text in texts for name in re.findall(r"sequence_executor_\w+", text)}


@pytest.mark.django_db
def test_rules_and_dashboard_name_metrics_that_there_are() -> None:
    message = SentMessageFactory()
    ExecutionLogFactory(enrollment=message.enrollment, action="executed", details={"message": message.pk})
    EnrollmentFactory()
    DeadLetterFactory()
    AlertFactory()
    WorkerFactory()
    served = set(re.findall(r"^# TYPE (\S+)", Client().get("/metrics").content.decode(), re.MULTILINE))
    panels = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))["panels"]
    shown = named_metrics([target["expr"] for panel in panels for target in panel["targets"]])
    watched = named_metrics([rule["expr"] for rule in read_rules()])
    assert shown == served
    assert watched <= served


def test_every_rule_has_a_runbook() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for rule in read_rules():
        assert f"### {rule['alert']}\n" in text
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_units_start_what_there_is(path: Path) -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(path.read_text(encoding="utf-8"))
    words = shlex.split(unit["Service"]["ExecStart"])
    if words[0].endswith("/gunicorn"):
        assert words[1] == "config.wsgi"
    else:
        assert words[1] == "manage.py" and words[2] in get_commands()
    assert (unit["Service"]["Restart"], unit["Install"]["WantedBy"]) == ("always", "multi-user.target")


def test_the_procfile_starts_what_there_is() -> None:
    lines = dict(line.split(": ", 1) for line in (DEPLOY / "Procfile").read_text(encoding="utf-8").splitlines())
    named = re.findall(r"manage\.py (\w+)", " ".join(lines.values()))
    assert set(named) <= set(get_commands()) | {"migrate"}
    assert lines["web"].startswith("gunicorn config.wsgi ")


@pytest.mark.slow
def test_the_web_command_serves_and_ends_when_it_is_told(database_url: str) -> None:
    text = (DEPLOY / "systemd" / "sequence-executor-web.service").read_text(encoding="utf-8")
    words = shlex.split(re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)[1])  # type: ignore[index]
    arguments = ["127.0.0.1:0" if word.startswith("127.0.0.1:") else word for word in words[1:]]
    settings = {"DATABASE_URL": database_url, "DEBUG": "true", "ENV_FILE": os.devnull}
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *arguments], cwd=ROOT, env={**os.environ, **settings},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with server:
        assert server.stderr is not None
        try:
            said = next(line for line in server.stderr if "Listening at" in line)
            url = re.search(r"http://\S+", said)
            assert url is not None
            # the socket takes the call while the workers are still being started
            with urllib.request.urlopen(f"{url[0]}/healthz", timeout=120) as answer:
                assert answer.status == 200
        finally:
            server.terminate()
            server.stderr.close()
    assert server.returncode == 0
