"""Environment variables: accepted values, values that stop the start, and the one-line error."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from config import env

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "DEBUG": "false",
    "DATABASE_URL": "postgres://user@db.example.com/name",
    "SECRET_KEY": "s" * 60,
    "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
}


def run_manage(data_dir: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run_manage_into(subprocess.PIPE, data_dir, *arguments, **variables)


def run_manage_into(stdout: int, data_dir: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=kept | {"ENV_FILE": os.devnull, "DATA_DIR": str(data_dir)} | variables,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("DEBUG", "maybe", lambda: env.flag("DEBUG", default=True)),
        ("SEND_DAILY_DEFAULT", "many", lambda: env.whole_number("SEND_DAILY_DEFAULT", 50, minimum=1)),
        ("SEND_DAILY_DEFAULT", "0", lambda: env.whole_number("SEND_DAILY_DEFAULT", 50, minimum=1)),
        ("SEND_DAILY_DEFAULT", "-3", lambda: env.whole_number("SEND_DAILY_DEFAULT", 50, minimum=1)),
        ("STOP_WAIT_SECONDS", "-1", lambda: env.whole_number("STOP_WAIT_SECONDS", 75, maximum=660, unit="seconds")),
        ("STOP_WAIT_SECONDS", "661", lambda: env.whole_number("STOP_WAIT_SECONDS", 75, maximum=660, unit="seconds")),
        ("RETRY_MINUTES", "5,x", lambda: env.whole_numbers("RETRY_MINUTES", [5, 10], unit="minutes")),
        ("RETRY_MINUTES", "0", lambda: env.whole_numbers("RETRY_MINUTES", [5, 10], unit="minutes")),
        ("RETRY_MINUTES", ",", lambda: env.whole_numbers("RETRY_MINUTES", [5, 10], unit="minutes")),
        ("ALERT_EMAILS", "ops@example.com,ops", lambda: env.email_addresses("ALERT_EMAILS")),
        ("ALERT_EMAILS", "ops team@example.com", lambda: env.email_addresses("ALERT_EMAILS")),
        ("ALERT_FROM_EMAIL", "alerts", lambda: env.sender("ALERT_FROM_EMAIL", "a@b.example")),
        ("ALERT_FROM_EMAIL", "a@b.example, c@d.example", lambda: env.sender("ALERT_FROM_EMAIL", "a@b.example")),
        ("ALERT_FROM_EMAIL", "Alerts <alerts>", lambda: env.sender("ALERT_FROM_EMAIL", "a@b.example")),
        ("ALERT_FROM_EMAIL", "a@b.example\nBcc: c@d.example", lambda: env.sender("ALERT_FROM_EMAIL", "a@b.example")),
        ("ALLOWED_HOSTS", "a.example,https://b.example", lambda: env.host_names("ALLOWED_HOSTS")),
        ("ALLOWED_HOSTS", "a.example:8000", lambda: env.host_names("ALLOWED_HOSTS")),
        ("CSRF_TRUSTED_ORIGINS", "a.example", lambda: env.origins("CSRF_TRUSTED_ORIGINS")),
        ("CSRF_TRUSTED_ORIGINS", "https://a.example/", lambda: env.origins("CSRF_TRUSTED_ORIGINS")),
        ("PRIVATE_NETWORKS", "10.0.0.0/33", lambda: env.networks("PRIVATE_NETWORKS", "none")),
        ("PRIVATE_NETWORKS", "10.0.0.1/8", lambda: env.networks("PRIVATE_NETWORKS", "none")),
        ("PRIVATE_NETWORKS", "10.0.0.0/8,relay", lambda: env.networks("PRIVATE_NETWORKS", "none")),
        ("PRIVATE_NETWORKS", ",", lambda: env.networks("PRIVATE_NETWORKS", "none")),
        ("DNS_SERVER", "10.0.0.2", lambda: env.name_server("DNS_SERVER")),
        ("DNS_SERVER", "ns.example:53", lambda: env.name_server("DNS_SERVER")),
        ("LOG_FORMAT", "xml", lambda: env.choice("LOG_FORMAT", ("console", "json"), "console")),
        (
            "PUBLIC_BASE_URL",
            "example.com",
            lambda: env.url("PUBLIC_BASE_URL", schemes=("https",), example="https://a.b"),
        ),
        ("PUBLIC_BASE_URL", "https://", lambda: env.url("PUBLIC_BASE_URL", schemes=("https",), example="https://a.b")),
        (
            "PUBLIC_BASE_URL",
            "https://a:b",
            lambda: env.url("PUBLIC_BASE_URL", schemes=("https",), example="https://a.b"),
        ),
        ("DATABASE_URL", "mysql://u:topsecret@h/db", lambda: env.postgres_address("DATABASE_URL")),
        ("DATABASE_URL", "postgres://u:topsecret@h", lambda: env.postgres_address("DATABASE_URL")),
        ("DATABASE_URL", "postgres://u:topsecret@h:port/db", lambda: env.postgres_address("DATABASE_URL")),
        ("DATABASE_URL", "postgres://u:topsecret@h/db?nonsense=1", lambda: env.postgres_address("DATABASE_URL")),
        ("FIELD_ENCRYPTION_KEYS", "topsecret", lambda: env.field_encryption_keys(Path("/nowhere"), makes=True)),
    ],
)
def test_wrong_value_is_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, read: Callable[[], Any]
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(env.EnvError) as refused:
        read()
    line = str(refused.value)
    assert line.startswith(f"{name}: takes ")
    assert "\n" not in line
    assert "topsecret" not in line


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (
            "postgres://ann:p%40ss@db.example:6543/sales?sslmode=require",
            env.PostgresAddress("sales", "ann", "p@ss", "db.example", "6543", {"sslmode": "require"}),
        ),
        ("postgres://ann@/sales?host=/run/pg", env.PostgresAddress("sales", "ann", "", "/run/pg", "", {})),
        ("postgresql://%2Frun%2Fpg/sales", env.PostgresAddress("sales", "", "", "/run/pg", "", {})),
        ("postgres://a,b:5433/sales", env.PostgresAddress("sales", "", "", "a,b", ",5433", {})),
    ],
)
def test_database_url_takes_any_postgres_uri(
    monkeypatch: pytest.MonkeyPatch, uri: str, expected: env.PostgresAddress
) -> None:
    monkeypatch.setenv("DATABASE_URL", uri)
    assert env.postgres_address("DATABASE_URL") == expected


def test_database_password_is_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://ann:topsecret@h/db?sslpassword=topsecret")
    assert "topsecret" not in repr(env.postgres_address("DATABASE_URL"))


def test_unset_database_is_the_embedded_one_and_a_pool_is_passed_on(tmp_path: Path) -> None:
    embedded = env.database_settings(None, tmp_path, 7)
    assert embedded["ENGINE"] == "config.embedded_postgres"
    assert embedded["OPTIONS"]["data_dir"] == str(tmp_path / "postgres")
    assert embedded["OPTIONS"]["pool"]["max_size"] == 7
    assert embedded["CONN_MAX_AGE"] == 0, "Django refuses a pool together with kept connections"


def test_several_hosts_have_a_backend_that_chooses_the_newest_primary(tmp_path: Path) -> None:
    one, several = (env.PostgresAddress("sales", "ann", "", host, "", {}) for host in ("a", "a,b"))
    assert env.database_settings(one, tmp_path, 0)["ENGINE"] == "django.db.backends.postgresql"
    assert env.database_settings(several, tmp_path, 0)["ENGINE"] == "config.several_hosts"


def test_unset_values_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RETRY_MINUTES", "DEBUG", "ALERT_EMAILS", "ALERT_FROM_EMAIL", "REDIS_URL", "DATABASE_URL"):
        monkeypatch.setenv(name, "")
    assert env.whole_numbers("RETRY_MINUTES", [5, 10, 20], unit="minutes") == [5, 10, 20]
    assert env.flag("DEBUG", default=True) is True
    assert env.email_addresses("ALERT_EMAILS") == []
    assert env.sender("ALERT_FROM_EMAIL", "executor@localhost") == "executor@localhost"
    assert env.url("REDIS_URL", schemes=("redis",), example="redis://a") == ""
    assert env.postgres_address("DATABASE_URL") is None


def test_a_sender_may_have_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERT_FROM_EMAIL", '"Queue, late" <alerts@example.com>')
    assert env.sender("ALERT_FROM_EMAIL", "") == '"Queue, late" <alerts@example.com>'


def test_hosts_and_origins_are_taken_as_django_compares_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "*, .example.org,mail.example.com,10.0.0.7,[::1]")
    assert env.host_names("ALLOWED_HOSTS") == ["*", ".example.org", "mail.example.com", "10.0.0.7", "[::1]"]
    monkeypatch.setenv("CSRF_TRUSTED_ORIGINS", "https://*.example.org,http://[::1]:8000")
    assert env.origins("CSRF_TRUSTED_ORIGINS") == ["https://*.example.org", "http://[::1]:8000"]


def test_env_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text("# ours\nQ_WORKERS=many\n")
    refused = run_manage(tmp_path, "check", ENV_FILE=str(file))
    assert (refused.returncode, refused.stderr[:17]) == (2, "Q_WORKERS: takes ")
    assert run_manage(tmp_path, "check", ENV_FILE=str(file), Q_WORKERS="3").stderr.count("Q_WORKERS") == 0


def test_development_secrets_are_made_once_and_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_KEY", "")
    monkeypatch.setenv("FIELD_ENCRYPTION_KEYS", "")
    data_dir = tmp_path / "data"
    made = env.secret_key(data_dir, makes=True), env.field_encryption_keys(data_dir, makes=True)
    assert made == (env.secret_key(data_dir, makes=True), env.field_encryption_keys(data_dir, makes=True))
    assert sorted(path.name for path in data_dir.iterdir()) == ["field_encryption_key", "secret_key"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in data_dir.iterdir()} == {0o600}


@pytest.mark.parametrize("name", ["SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "DATABASE_URL"])
def test_production_needs_its_secrets(tmp_path: Path, name: str) -> None:
    done = run_manage(tmp_path, "check", **(PRODUCTION | {name: ""}))
    assert done.returncode == 2
    assert done.stderr.startswith(f"{name}: is required when DEBUG=false")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "value"),
    [("DATABASE_URL", "sqlite:///db"), ("EXECUTOR_POLL_SECONDS", "soon"), ("ENV_FILE", "/no/such/file")],
)
def test_command_line_stops_with_status_2_and_one_line(tmp_path: Path, name: str, value: str) -> None:
    done = run_manage(tmp_path, "check", **{name: value})
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"{name}: takes ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["migrate", "qcluster"])
def test_unreachable_database_is_one_line_with_status_1(tmp_path: Path, command: str) -> None:
    done = run_manage(tmp_path, command, DATABASE_URL=f"postgres://u:topsecret@/db?host={tmp_path}/none")
    assert done.returncode == 1
    assert done.stderr.startswith("The database does not answer: ")
    assert done.stderr.count("\n") == 1
    assert "topsecret" not in done.stderr


INTERRUPTED = """
import runpy
from django.core import management
def interrupt(argv):
    raise KeyboardInterrupt
management.execute_from_command_line = interrupt
runpy.run_path("manage.py", run_name="__main__")
"""


def test_ctrl_c_while_a_command_starts_is_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "error: interrupted\n")


def test_an_answer_that_is_not_read_to_its_end_is_no_failure(tmp_path: Path) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    done = run_manage_into(writes, tmp_path, "stop_database", "--json")
    os.close(writes)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_under_the_output_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run_manage_into(full.fileno(), tmp_path, "stop_database")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("error: the work is done, but its answer cannot be written (No space left")


def test_error_reports_contain_no_user_content(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, object] = {}
    monkeypatch.setattr("sentry_sdk.init", lambda **options: given.update(options))
    env.start_error_reporting("https://key@sentry.example.com/1")
    assert given == {
        "dsn": "https://key@sentry.example.com/1",
        "send_default_pii": False,
        "include_local_variables": False,
        "max_request_body_size": "never",
    }


@pytest.mark.parametrize(
    ("value", "networks"),
    [
        ("", []), ("none", []), ("all", ["0.0.0.0/0", "::/0"]), ("10.0.3.25", ["10.0.3.25/32"]),
        ("10.0.0.0/8, fd00::/8", ["10.0.0.0/8", "fd00::/8"]),
    ],
)  # fmt: skip
def test_networks_are_read(monkeypatch: pytest.MonkeyPatch, value: str, networks: list[str]) -> None:
    monkeypatch.setenv("PRIVATE_NETWORKS", value)
    assert [str(network) for network in env.networks("PRIVATE_NETWORKS", "none")] == networks


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ({}, 2), ({"WEBHOOKS_TO_PRIVATE_ADDRESSES": "false"}, 0), (PRODUCTION, 0),
        (PRODUCTION | {"WEBHOOKS_TO_PRIVATE_ADDRESSES": "true"}, 2),
        (PRODUCTION | {"WEBHOOKS_TO_PRIVATE_ADDRESSES": "true", "PRIVATE_NETWORKS": "10.0.0.0/8"}, 1),
    ],
)  # fmt: skip
def test_private_networks_are_closed_in_production(tmp_path: Path, variables: dict[str, str], count: int) -> None:
    code = "from config import settings; print(len(settings.PRIVATE_NETWORKS))"
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = kept | {"ENV_FILE": os.devnull, "DATA_DIR": str(tmp_path)} | variables
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == str(count)


_SINGLE_SIGN_ON = {
    "OIDC_ISSUER": "https://login.example.com/",
    "OIDC_CLIENT_ID": "desk",
    "OIDC_CLIENT_SECRET": "s3cret",
}


@pytest.mark.parametrize(
    ("change", "debug", "error"),
    [
        ({}, False, ""),
        ({"OIDC_ISSUER": "http://127.0.0.1:9000"}, True, ""),
        ({"OIDC_ISSUER": "http://127.0.0.1:9000"}, False, "OIDC_ISSUER: takes an https URL"),
        ({"OIDC_ISSUER": "http://login.example.com"}, True, "OIDC_ISSUER: takes an https URL"),
        ({"OIDC_ISSUER": "https://login.example.com?x=1"}, False, "OIDC_ISSUER: takes an https URL"),
        ({"OIDC_ISSUER": "login.example.com"}, False, "OIDC_ISSUER: takes a URL such as"),
        ({"OIDC_ISSUER": ""}, False, "OIDC_ISSUER: is required for single sign-on"),
        ({"OIDC_CLIENT_ID": " "}, False, "OIDC_CLIENT_ID: is required for single sign-on"),
        ({"OIDC_CLIENT_SECRET": ""}, False, "OIDC_CLIENT_SECRET: is required for single sign-on"),
    ],
)
def test_single_sign_on_needs_all_three_and_an_https_issuer(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], debug: bool, error: str
) -> None:
    for name, value in {**_SINGLE_SIGN_ON, **change}.items():
        monkeypatch.setenv(name, value)
    if not error:
        found = env.single_sign_on(debug=debug)
        issuer = change.get("OIDC_ISSUER", "https://login.example.com")
        assert found == {"issuer": issuer, "client_id": "desk", "client_secret": "s3cret"}
        return
    with pytest.raises(env.EnvError) as raised:
        env.single_sign_on(debug=debug)
    assert str(raised.value).startswith(error)
    assert "s3cret" not in str(raised.value)


def test_single_sign_on_is_off_without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _SINGLE_SIGN_ON:
        monkeypatch.delenv(name, raising=False)
    assert env.single_sign_on(debug=False) == {}


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"GOOGLE_CLIENT_ID": "id"}, "GOOGLE_CLIENT_SECRET: is required to connect mailboxes of Google"),
        ({"MICROSOFT_CLIENT_SECRET": "s3cret"}, "MICROSOFT_CLIENT_ID: is required to connect mailboxes of Microsoft"),
        ({"MICROSOFT_TENANT": "contoso.example"}, "MICROSOFT_CLIENT_ID: is required with MICROSOFT_TENANT"),
        ({"MICROSOFT_TENANT": "a/../b"}, "MICROSOFT_TENANT: takes the id or a domain"),
    ],
)
def test_clients_for_mailboxes_are_refused_in_part(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], error: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(env.EnvError) as raised:
        env.mailbox_clients()
    assert str(raised.value).startswith(error)
    assert "s3cret" not in str(raised.value)


def test_clients_for_mailboxes_are_those_that_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.mailbox_clients() == {}
    for name in ("GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET", "MICROSOFT_CLIENT_ID", "MICROSOFT_CLIENT_SECRET"):
        monkeypatch.setenv(name, name.lower())
    google = {"client_id": "google_client_id", "client_secret": "google_client_secret"}
    microsoft = {"client_id": "microsoft_client_id", "client_secret": "microsoft_client_secret", "tenant": "common"}
    assert env.mailbox_clients() == {"google": google, "microsoft": microsoft}


def test_trusted_proxies_are_networks_and_never_every_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.trusted_proxies("TRUSTED_PROXIES") == ()
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.3.25, fd00::/64")
    assert [str(each) for each in env.trusted_proxies("TRUSTED_PROXIES")] == ["10.0.3.25/32", "fd00::/64"]
    for value in ("all", "0.0.0.0/0", "10.0.0.0/8,::/0"):
        monkeypatch.setenv("TRUSTED_PROXIES", value)
        with pytest.raises(env.EnvError, match="TRUSTED_PROXIES: takes the networks of your own proxies"):
            env.trusted_proxies("TRUSTED_PROXIES")
    monkeypatch.setenv("TRUSTED_PROXIES", "1")
    with pytest.raises(env.EnvError, match="TRUSTED_PROXIES: takes networks"):
        env.trusted_proxies("TRUSTED_PROXIES")
