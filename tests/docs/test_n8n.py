"""The workflow of docs/integrations/n8n: it is whole, checks signatures, and its calls do what the page says."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient
from standardwebhooks import Webhook

from emails.models import ExternalEvent
from execution.control.keys import make_key
from execution.webhooks_out.events import EVENTS
from sequences.choices import SequenceStatus
from sequences.models import Contact, Enrollment
from tests.factories import (
    ContactFactory,
    EnrollmentFactory,
    MailboxFactory,
    MembershipFactory,
    ReplyFactory,
    SentMessageFactory,
    StepFactory,
)

ROOT = Path(__file__).resolve().parents[2] / "docs" / "integrations"
WORKFLOW: dict[str, Any] = json.loads((ROOT / "n8n" / "workflow.json").read_text())
NODES = {node["name"]: node for node in WORKFLOW["nodes"]}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")
_HARNESS = """
const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const $env = given.env, $input = { first: () => ({ json: { headers: given.headers } }) };
const helpers = { getBinaryDataBuffer: async () => Buffer.from(given.raw, 'base64') };
const Run = Object.getPrototypeOf(async function () {}).constructor;
new Run('require', '$env', '$input', given.code).call({ helpers }, require, $env, $input).then(
  (items) => console.log(JSON.stringify(items)),
  (error) => { console.error(error.message); process.exitCode = 1; },
);
"""
_EVALUATE = """
const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const value = new Function('$json', '$env', `return (${given.expression});`)(given.json, given.env);
console.log(JSON.stringify(value));
"""


def run_node(script: str, given: Any) -> subprocess.CompletedProcess[str]:
    assert NODE is not None
    return subprocess.run([NODE, "-e", script], input=json.dumps(given), capture_output=True, text=True, check=False)


def check_signature(raw: bytes, headers: dict[str, str]) -> subprocess.CompletedProcess[str]:
    code = NODES["Check signature"]["parameters"]["jsCode"]
    env = {"SEQUENCE_EXECUTOR_SECRET": SECRET}
    return run_node(_HARNESS, {"code": code, "env": env, "headers": headers, "raw": base64.b64encode(raw).decode()})


def test_the_workflow_is_whole() -> None:
    assert len(NODES) == len(WORKFLOW["nodes"]) == len({node["id"] for node in WORKFLOW["nodes"]})
    for node in WORKFLOW["nodes"]:
        assert {"id", "name", "type", "typeVersion", "position", "parameters"} <= set(node)
        assert node["type"].startswith("n8n-nodes-base.")
    for source, outputs in WORKFLOW["connections"].items():
        assert source in NODES
        for targets in outputs["main"]:
            assert all((target["node"] in NODES, target["type"]) == (True, "main") for target in targets)
    ways = [way for outputs in WORKFLOW["connections"].values() for way in outputs["main"]]
    reached = {target["node"] for way in ways for target in way}
    triggers = {name for name, node in NODES.items() if node["type"].endswith(".webhook")}
    assert reached | triggers == set(NODES)
    assert NODES["Something happened"]["parameters"]["options"] == {"rawBody": True}
    assert NODES["Check signature"]["parameters"]["jsCode"] == (ROOT / "n8n" / "check-signature.js").read_text()
    named = set(re.findall(r"\$env\.(\w+)", json.dumps(WORKFLOW)))
    assert named <= set(re.findall(r"\| `(\w+)` \|", (ROOT / "n8n.md").read_text()))


@needs_node
def test_only_what_we_signed_is_passed_on() -> None:
    now = timezone.now()
    event = {"id": "event-1", "type": "email.replied", "details": {"reply": {"text": "Größe?"}}}
    raw = json.dumps(event, ensure_ascii=False).encode()
    signed = {
        "webhook-id": "event-1", "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("event-1", now, raw.decode()),
    }  # fmt: skip
    done = check_signature(raw, signed)
    assert json.loads(done.stdout) == [{"json": event}]
    # during a rotation there are two, and receivers must find theirs
    both = {**signed, "webhook-signature": f"v1,AAAA {signed['webhook-signature']}"}
    assert check_signature(raw, both).returncode == 0
    old = now - timedelta(minutes=6)
    late = {
        **signed, "webhook-timestamp": str(int(old.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("event-1", old, raw.decode()),
    }  # fmt: skip
    for wrong_raw, wrong in (
        (raw + b" ", signed), (raw, late), (raw, {}), (raw, {**signed, "webhook-id": "event-2"}),
        (raw, {**signed, "webhook-signature": "v1,"}), (raw, {**signed, "webhook-signature": "v2,x"}),
    ):  # fmt: skip
        refused = check_signature(wrong_raw, wrong)
        assert (refused.returncode, refused.stdout) == (1, "")


class Runner:
    """Carries out HTTP Request nodes against the API, as n8n does."""

    def __init__(self, key: str, mailbox: str) -> None:
        self.env = {
            "SEQUENCE_EXECUTOR_URL": "http://testserver", "SEQUENCE_EXECUTOR_TOKEN": key,
            "SEQUENCE_EXECUTOR_MAILBOX": mailbox,
        }  # fmt: skip

    def fill(self, text: str, item: Any) -> str:
        """A parameter; one that begins with = holds expressions."""
        if not text.startswith("="):
            return text
        return re.sub(r"\{\{(.*?)\}\}(?!\})", lambda found: self._evaluate(found[1], item), text[1:], flags=re.DOTALL)

    def _evaluate(self, expression: str, item: Any) -> str:
        done = run_node(_EVALUATE, {"expression": expression, "json": item, "env": self.env})
        assert done.returncode == 0, done.stderr
        value = json.loads(done.stdout)
        return value if isinstance(value, str) else json.dumps(value)

    def run(self, name: str, item: Any) -> Any:
        node = NODES[name]["parameters"]
        headers = {each["name"]: self.fill(each["value"], item) for each in node["headerParameters"]["parameters"]}
        body = self.fill(node["jsonBody"], item) if "jsonBody" in node else ""
        url = self.fill(node["url"], item)
        assert url.startswith("http://testserver/api/")
        answer = APIClient().generic(node["method"], url, body, content_type="application/json", headers=headers)
        assert answer.status_code < 300, answer.content
        return answer.json()


@needs_node
@pytest.mark.django_db
def test_a_lead_is_added_and_enrolled_once() -> None:
    member = MembershipFactory(role="sdr")
    step = StepFactory(
        sequence__workspace=member.workspace, sequence__status=SequenceStatus.ACTIVE, sequence__name="Warm intro"
    )
    MailboxFactory(workspace=member.workspace, address="me@acme.example", owner=member.user)
    runner = Runner(make_key(member.user, "n8n", None, timezone.now())[1], "me@acme.example")
    lead = {"body": {"id": "crm-7", "email": "Grace@Prospect.example", "first_name": 'Gr"ace {{x}}'}}
    for _ in range(2):
        contact = runner.run("Save contact", lead)
        enrolled = runner.run("Enroll", contact)
    assert (contact["external_id"], contact["first_name"]) == ("crm-7", 'Gr"ace {{x}}')
    enrollment = Enrollment.objects.get()
    assert (enrollment.sequence, enrollment.contact_id) == (step.sequence, contact["id"])
    assert len(enrolled["enrolled"]) == 1
    assert Contact.objects.count() == 1


@needs_node
@pytest.mark.django_db
def test_a_reply_is_read_and_reported() -> None:
    member = MembershipFactory(role="manager")
    enrollment = EnrollmentFactory(
        workspace=member.workspace, sequence__workspace=member.workspace,
        contact=ContactFactory(workspace=member.workspace),
    )  # fmt: skip
    reply = ReplyFactory(message=SentMessageFactory(enrollment=enrollment))
    runner = Runner(make_key(member.user, "n8n", None, timezone.now())[1], "me@acme.example")
    for _ in range(2):
        read = runner.run("Read the reply", {"type": "email.replied", "details": {"reply": {"id": reply.pk}}})
        runner.run("Report it as an event", read)
    event = ExternalEvent.objects.get()
    assert (event.contact, event.event_key) == (enrollment.contact, f"reply-{reply.pk}")


def test_events_that_the_page_names_exist() -> None:
    named = re.findall(r'"events": (\[.*?\])', (ROOT / "n8n.md").read_text())
    assert named
    assert set(json.loads(named[0])) <= set(EVENTS)
