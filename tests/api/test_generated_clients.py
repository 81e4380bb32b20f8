"""Clients that generators make of the OpenAPI document: complete, typed, and used by the examples of the docs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from knox.models import get_token_model
from openapi_spec_validator import validate

from sequences.choices import Role, SequenceStatus
from sequences.models import Enrollment
from tests.factories import (
    ContactFactory,
    MailboxFactory,
    MembershipFactory,
    SequenceFactory,
    StepFactory,
    WorkspaceFactory,
)

ROOT = Path(__file__).resolve().parents[2]
INTEGRATIONS = ROOT / "docs" / "integrations"
TOOLS = Path(sys.executable).parent


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """The real one: the examples run in processes of their own."""
    yield


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = StringIO()
    call_command("spectacular", stdout=text)
    path = tmp_path_factory.mktemp("openapi") / "openapi.yaml"
    path.write_text(text.getvalue())
    return path


@pytest.fixture(scope="module")
def python_client(document: Path) -> Path:
    """The folder that holds the package sequence_executor_client."""
    place = document.parent / "client"
    run(
        TOOLS / "openapi-python-client", "generate", "--path", document, "--output-path", place, "--meta", "none",
        "--config", INTEGRATIONS / "python" / "generator.yaml", "--fail-on-warning",
    )  # fmt: skip
    package = document.parent / "python" / "sequence_executor_client"
    package.parent.mkdir()
    return place.rename(package).parent


@pytest.fixture(scope="module")
def typescript(document: Path, is_ci: bool) -> Path:
    """A folder with the example, its packages and the client made for it."""
    packages = ROOT / "build" / "typescript" / "node_modules"
    if not packages.is_dir():
        missing = "The packages of the TypeScript example are not installed: make client, with npm"
        if is_ci:
            pytest.fail(missing)
        pytest.skip(missing)
    place = document.parent / "typescript"
    shutil.copytree(INTEGRATIONS / "typescript", place)
    (place / "node_modules").symlink_to(packages)
    run("npx", "openapi-ts", "--input", document, "--output", "client", cwd=place)
    return place


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=110, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_document_is_valid_openapi(document: Path) -> None:
    validate(yaml.safe_load(document.read_text()))


def test_names_are_those_that_users_know(document: Path) -> None:
    schema = yaml.safe_load(document.read_text())
    names = set(schema["components"]["schemas"])
    assert len({re.sub("[^a-z]", "", name.lower()) for name in names}) == len(names), "two would be one after cleaning"
    for name in names:
        assert not name.startswith("_"), name
        assert "Form" not in name.removesuffix("Format").removesuffix("FormatEnum"), name
    operations = [operation for verbs in schema["paths"].values() for operation in verbs.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids) > 100
    assert {"sequences_pause", "sequence_enrollments_skip_step", "contacts_list"} <= set(ids)
    assert [name for name in ids if re.search(r"_\d+$", name)] == []
    for operation in operations:
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path" and parameter["name"] == "id":
                assert parameter["schema"]["type"] == "integer", operation["operationId"]


def test_objects_have_a_type(document: Path) -> None:
    schemas = yaml.safe_load(document.read_text())["components"]["schemas"]
    assert schemas["Enrollment"]["properties"]["why"]["items"] == {"$ref": "#/components/schemas/Hold"}
    assert "timezone" in schemas["Sequence"]["properties"]["window"]["properties"]
    for name, component in schemas.items():
        for field, described in component.get("properties", {}).items():
            assert set(described) - {"readOnly", "writeOnly", "description", "nullable", "default"}, (name, field)


@pytest.mark.slow
def test_the_python_client_is_typed(python_client: Path, tmp_path: Path) -> None:
    run(
        TOOLS / "mypy", "--strict", "--config-file", os.devnull, "--cache-dir", tmp_path, "--python-executable",
        sys.executable, python_client / "sequence_executor_client", INTEGRATIONS / "python" / "enroll.py",
        env={**os.environ, "MYPYPATH": str(python_client)},
    )  # fmt: skip


@pytest.fixture
def credentials(live_server: Any) -> dict[str, str]:
    """A manager's key, and a sequence that she can enroll contacts in from her mailbox."""
    workspace = WorkspaceFactory()
    member = MembershipFactory(workspace=workspace, role=Role.MANAGER.value)
    sequence = SequenceFactory(workspace=workspace, name="Warm intro", status=SequenceStatus.ACTIVE.value)
    StepFactory(sequence=sequence, number=1)
    MailboxFactory(workspace=workspace, owner=member.user, address="ada@acme.example")
    ContactFactory(workspace=workspace, email="known@customer.example")
    key = get_token_model().objects.create(user=member.user)[1]
    return {**os.environ, "SEQUENCE_EXECUTOR_URL": live_server.url, "SEQUENCE_EXECUTOR_TOKEN": key}


CALL = ("warm intro", "ada@acme.example", "known@customer.example", "new@customer.example")


def check_enrolled(lines: list[str]) -> None:
    enrollments = Enrollment.objects.order_by("pk")
    assert [each.contact.email for each in enrollments] == ["known@customer.example", "new@customer.example"]
    assert [line.partition(":")[0] for line in lines] == [f"enrollment {each.pk}" for each in enrollments]


def test_the_python_example_enrolls_once(python_client: Path, credentials: dict[str, str]) -> None:
    command = (sys.executable, INTEGRATIONS / "python" / "enroll.py", *CALL)
    environment = {**credentials, "PYTHONPATH": str(python_client)}
    for _ in range(2):
        check_enrolled(run(*command, env=environment).stdout.splitlines())
    bad = subprocess.run(
        [*command[:2], "No such", *CALL[1:]], capture_output=True, text=True, timeout=60, env=environment, check=False
    )
    assert bad.returncode == 1
    assert bad.stderr == "400 invalid: sequence: There is no such sequence.\n"


@pytest.mark.slow
def test_the_typescript_example_is_typed_and_enrolls_once(typescript: Path, credentials: dict[str, str]) -> None:
    run("npx", "tsc", "--noEmit", cwd=typescript)
    for _ in range(2):
        done = run("npx", "tsx", "enroll.ts", *CALL, cwd=typescript, env=credentials)
        check_enrolled(done.stdout.splitlines())
