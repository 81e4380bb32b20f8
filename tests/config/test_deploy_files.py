"""Files for running and monitoring: they name what exists, and the web command serves."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from config.api.metrics import render_requests
from execution.insight.metrics import render_metrics
from tests.factories import (
    NOW,
    AlertFactory,
    DeadLetterFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    ExecutionLogFactory,
    MailboxFactory,
    SentMessageFactory,
    StepFactory,
    WorkerFactory,
)

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "docs" / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def read_rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def read_targets() -> list[dict[str, Any]]:
    panels = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))["panels"]
    return [target for panel in panels for target in panel["targets"]]


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """Every metric that the expression asks for. Raises `ValueError` when Prometheus would not understand it."""
    found: list[promql_parser.VectorSelector] = []

    def note(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(expression), note)
    return found


@pytest.fixture
def served(db: None) -> dict[str, dict[str, set[str]]]:
    """What /metrics says of an installation in which everything happens: per metric the values of each label."""
    step = StepFactory()
    message = SentMessageFactory(enrollment=EnrollmentFactory(sequence=step.sequence, current_step=step))
    ExecutionLogFactory(enrollment=message.enrollment, action="queued", at=message.queued_at)
    ExecutionLogFactory(enrollment=message.enrollment, action="executed", details={"message": message.pk})
    EmailMessageFactory(status="unknown", unknown_at=NOW, handed_over_at=NOW)
    EnrollmentFactory()
    MailboxFactory(status="broken", status_reason="login")
    DeadLetterFactory()
    AlertFactory()
    WorkerFactory()
    Client().get("/healthz")
    labels: dict[str, dict[str, set[str]]] = {}
    for family in text_string_to_metric_families((render_metrics(NOW) + render_requests()).decode()):
        for sample in family.samples:
            if sample.name.endswith(("_created", "_count", "_sum")):
                continue
            of_metric = labels.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                of_metric.setdefault(label, set()).add(value)
    return labels


def test_rules_and_dashboard_ask_for_what_is_served(served: dict[str, dict[str, set[str]]]) -> None:
    shown = [each for target in read_targets() for each in selectors(target["expr"])]
    watched = [each for rule in read_rules() for each in selectors(rule["expr"])]
    for selector in shown + watched:
        of_metric = served[selector.name or ""]
        for matcher in selector.matchers.matchers:
            assert matcher.value in of_metric[matcher.name]
    assert {each.name for each in shown} == set(served)


def test_dashboard_legends_name_existing_labels(served: dict[str, dict[str, set[str]]]) -> None:
    for target in read_targets():
        named = set(re.findall(r"\{\{\s*(\w+)\s*\}\}", target["legendFormat"]))
        if named:
            (selector,) = selectors(target["expr"])
            assert named == set(served[selector.name or ""])


def test_rules_are_written_as_prometheus_reads_them() -> None:
    for rule in read_rules():
        assert set(rule) - {"for"} == {"alert", "expr", "labels", "annotations"}
        if "for" in rule:
            promql_parser.parse_duration(rule["for"])
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_every_rule_has_a_runbook() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for rule in read_rules():
        assert f"### {rule['alert']}\n" in text
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_units_start_existing_commands(path: Path) -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(path.read_text(encoding="utf-8"))
    words = shlex.split(unit["Service"]["ExecStart"])
    if words[0].endswith("/gunicorn"):
        assert words[1:4] == ["--config", "python:config.gunicorn", "config.wsgi"]
    else:
        assert words[1] == "manage.py" and words[2] in get_commands()
    assert (unit["Service"]["Restart"], unit["Install"]["WantedBy"]) == ("always", "multi-user.target")


@pytest.mark.parametrize("path", [path for path in UNITS if "web" not in path.stem], ids=lambda path: path.stem)
def test_units_of_the_engine_are_killed_only_after_the_wait_for_answers(path: Path) -> None:
    seconds = re.search(r"^TimeoutStopSec=(\d+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert seconds is not None
    assert int(seconds[1]) >= settings.STOP_WAIT_SECONDS + 15


def test_the_procfile_starts_existing_commands() -> None:
    lines = dict(line.split(": ", 1) for line in (DEPLOY / "Procfile").read_text(encoding="utf-8").splitlines())
    named = re.findall(r"manage\.py (\w+)", " ".join(lines.values()))
    assert set(named) <= set(get_commands()) | {"migrate"}
    assert lines["web"].startswith("gunicorn --config python:config.gunicorn config.wsgi ")


@pytest.mark.slow
def test_the_web_command_serves_and_stops_on_sigterm(database_url: str) -> None:
    text = (DEPLOY / "systemd" / "sequence-executor-web.service").read_text(encoding="utf-8")
    words = shlex.split(re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)[1])  # type: ignore[index]
    arguments = ["127.0.0.1:0" if word.startswith("127.0.0.1:") else word for word in words[1:]]
    variables = {"DATABASE_URL": database_url, "DEBUG": "true", "ENV_FILE": os.devnull}
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *arguments], cwd=ROOT, env={**os.environ, **variables},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with server:
        assert server.stderr is not None
        try:
            detail = next(line for line in server.stderr if "Listening at" in line)
            url = re.search(r"http://\S+", detail)
            assert url is not None
            # the socket takes the call while the workers are still being started
            with urllib.request.urlopen(f"{url[0]}/healthz", timeout=120) as answer:
                assert answer.status == 200
            counted = set()
            for _ in range(12):
                with urllib.request.urlopen(f"{url[0]}/metrics", timeout=120) as answer:
                    found = re.search(r'http_requests_total\{.*route="/healthz".*\} (\S+)', answer.read().decode())
                counted.add(found and found[1])
            assert counted == {"1.0"}, "whichever worker answers tells the figures of all"
        finally:
            server.terminate()
            server.stderr.close()
    assert server.returncode == 0


def test_the_manifests_run_the_image_as_it_is_made() -> None:
    document = yaml.safe_load((DEPLOY / "kubernetes" / "sequence-executor.yaml").read_text(encoding="utf-8"))
    pods = [item["spec"]["template"]["spec"] for item in document["items"] if "template" in item.get("spec", {})]
    dockerfile = (DEPLOY / "container" / "Dockerfile").read_text(encoding="utf-8")
    for pod in pods:
        assert f"USER {pod['securityContext']['runAsUser']}\n" in dockerfile
        (container,) = pod["containers"]
        assert container.get("args", ["sequence-executor", "check"])[1] in get_commands()
        assert container["securityContext"]["readOnlyRootFilesystem"]
        for name, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
            assert container.get(name, {}).get("httpGet", {}).get("path", path) == path
    (engine,) = (pod for pod in pods if "run_executor" in pod["containers"][0].get("args", []))
    assert engine["terminationGracePeriodSeconds"] >= settings.STOP_WAIT_SECONDS + 15


def test_the_image_gets_all_that_the_package_is_made_of() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = build["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], build["project"]["readme"], "pyproject.toml"}
    assert needed <= sent
    assert {"requirements/base.in", "requirements/base.txt"} <= sent


def test_compose_starts_existing_commands_after_the_tables_are_made() -> None:
    services = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert services["migrate"]["command"][1] in {"migrate"}
    assert services["executor"]["command"][1] in get_commands()
    for name in ("web", "executor"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    documented = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    for variable in services["web"]["environment"]:
        assert f"`{variable}`" in documented
