"""The OpenAPI document: valid, complete, served locally; and the answers of the product are as it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO
from typing import Any
from unittest import mock

import jsonschema
import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from django.urls import get_resolver
from hypothesis import HealthCheck, Phase, given, settings
from rest_framework.test import APIClient
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from emails.transport import LoginReport
from sequences.interface.api.examples import BODIES
from sequences.interface.api.schema import takes_json


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    answer: dict[str, Any] = Client().get("/api/schema").json()
    return answer


def test_the_schema_is_valid_and_without_warnings() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())


def _name_place(pattern: str) -> str:
    named = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", pattern.strip("^$").replace("/?", ""))
    return f"/{named}".replace("{pk}", "{id}")


def test_every_address_is_described(document: dict[str, Any]) -> None:
    served = {
        _name_place(str(inner.pattern))
        for outer in get_resolver().url_patterns
        if str(outer.pattern) == ""
        for api in getattr(outer, "url_patterns", [])
        if str(api.pattern) == "api/"
        for inner in api.url_patterns
    }
    assert {f"/api{path}" for path in served} == set(document["paths"])
    assert len(served) > 25


def test_every_operation_describes_its_input_output_and_errors(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        assert not path.endswith("/")
        for method, operation in operations.items():
            good = [code for code in operation["responses"] if code.startswith("2")]
            assert good, (method, path)
            assert operation["description"], (method, path)
            problem = operation["responses"]["401"]["content"]["application/problem+json"]
            assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}
            if method == "post":
                assert "Idempotency-Key" in [parameter["name"] for parameter in operation["parameters"]]


def test_every_body_is_shown_by_an_example_that_its_schema_takes(document: dict[str, Any]) -> None:
    shown = 0
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            if not takes_json(operation):
                continue
            content = operation["requestBody"]["content"]["application/json"]
            assert "example" in content, (verb, path)
            schema = {**content["schema"], "components": document["components"]}
            jsonschema.Draft202012Validator(schema).validate(content["example"])
            shown += 1
    assert shown == len(BODIES)


# who one is, and what one may do
ASKS_NOTHING = ("/api/auth/",)


def test_only_described_parameters_are_accepted(
    document: dict[str, Any], ids: dict[str, int], operator_api: APIClient
) -> None:
    """A misspelt filter or dry run is refused, not ignored."""
    asked = 0
    for path, verbs in document["paths"].items():
        if path.startswith(ASKS_NOTHING):
            continue
        for verb, operation in verbs.items():
            described = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
            address = path.replace("{id}", str(ids.get(path.split("/")[2], 1))).replace("{delivery}", "1")
            answer = operator_api.generic(verb.upper(), f"{address}?stauts=active")
            assert answer.status_code == 400, (verb, path, answer.content)
            (text,) = answer.json()["errors"]["stauts"]
            known = text.partition("Known here: ")[2].rstrip(".")
            assert set(filter(None, known.split(", "))) == described, (verb, path)
            asked += 1
    assert asked > 60


def test_a_time_of_day_is_described_as_it_is_answered(document: dict[str, Any]) -> None:
    for name in ("Step", "PatchedStepRequest"):
        described = document["components"]["schemas"][name]["properties"]["send_time"]
        assert "format" not in described
        assert re.fullmatch(described["pattern"], "09:30:00")


def test_secrets_are_written_only(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert "credentials" in schemas["MailboxRequest"]["properties"]
    assert "credentials" not in schemas["Mailbox"]["properties"]


def test_the_documentation_needs_no_other_host() -> None:
    page = Client().get("/api/docs").content.decode()
    assert "swagger-ui" in page
    assert "https://" not in page
    assert "/static/drf_spectacular_sidecar/" in page


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests through WSGI stay inside the test's transaction, as those of Django's client do."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


# more than a thousand requests: on a busy machine they take longer than the limit of one test
@pytest.mark.timeout(900)
@pytest.mark.slow
@pytest.mark.parametrize("role", ["api", "manager_api", "operator_api", "stranger_api"])
def test_responses_match_the_schema(
    one_connection: None, ids: dict[str, int], document: dict[str, Any], request: pytest.FixtureRequest, role: str
) -> None:
    """Odd input of every kind, deterministic and bounded: no fault, and no answer that the document does not know."""
    bounded = settings(
        max_examples=8,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    checks = [not_a_server_error, status_code_conformance, response_schema_conformance]
    headers = {"Authorization": request.getfixturevalue(role)._credentials["HTTP_AUTHORIZATION"]}
    schema = schemathesis.openapi.from_dict(document)
    schema.app = get_wsgi_application()
    probed = []
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]

        @given(case=operation.as_strategy())
        @bounded
        def probe(case: Any) -> None:
            if "id" in (case.path_parameters or {}):
                case.path_parameters["id"] = ids[case.path.split("/")[2]]
            answer = case.call(headers=headers, base_url="http://testserver")
            case.validate_response(answer, checks=checks)

        login = mock.patch("emails.api.views.check_mailbox", return_value=LoginReport(None, None, imap_checked=False))
        with login, mock.patch("emails.api.views.check_setup", return_value=[]):
            probe()
        probed.append(operation.label)
    assert len(probed) == sum(len(operations) for operations in document["paths"].values())
