"""Every environment variable of the product, read and validated once.

Owns names, defaults and the error that a user sees when a value is wrong. Must not import Django settings.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import getaddresses
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final, Never
from urllib.parse import unquote, urlsplit

import environ
from cryptography.fernet import Fernet
from psycopg import ProgrammingError, conninfo

from common.networks import EVERYWHERE, Network

_HOST = re.compile(r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]")
_ORIGIN = re.compile(r"https?://((\*\.)?[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
DEFAULT_BASE_URL: Final = "http://localhost:8000"


class EnvError(Exception):
    """A variable has a value that cannot be used. The message is one line: the name, and what it takes."""


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A database as libpq understands it. `options` holds every further connection parameter, such as sslmode."""

    name: str
    user: str
    password: str
    host: str
    port: str
    options: dict[str, str]

    def __repr__(self) -> str:
        return f"PostgresAddress(name={self.name!r}, host={self.host!r})"


def read_env_file(base_dir: Path) -> None:
    """Add the lines of `.env` (or of the file named by ENV_FILE) to the environment, unless already set."""
    named = os.environ.get("ENV_FILE", "")
    path = Path(named) if named else base_dir / ".env"
    if not path.exists():
        if named:
            refuse("ENV_FILE", f"takes the path of an existing file, and {named} does not exist")
        return
    try:
        environ.Env.read_env(str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise EnvError(f"{path}: cannot be read ({error.__class__.__name__}); it takes NAME=value lines") from error


def refuse(name: str, takes: str) -> Never:
    """Stop the start with the one line that names the variable and what it takes."""
    raise EnvError(f"{name}: {takes}")


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value in {"true", "1", "yes", "on"}:
        return True
    if value in {"false", "0", "no", "off"}:
        return False
    refuse(name, "takes true or false")


def whole_number(name: str, default: int, *, minimum: int = 0, maximum: int = 1_000_000_000, unit: str = "") -> int:
    """The number of `unit`, a plural, inside the bounds, both included."""
    value = text(name)
    if not value:
        return default
    takes = f"takes a whole number{f' of {unit}' if unit else ''} from {minimum} to {maximum}"
    try:
        number = int(value)
    except ValueError:
        refuse(name, takes)
    if not minimum <= number <= maximum:
        refuse(name, takes)
    return number


def listed(name: str) -> list[str]:
    return [item.strip() for item in text(name).split(",") if item.strip()]


def whole_numbers(name: str, default: list[int], *, unit: str) -> list[int]:
    """A comma-separated list of numbers of `unit`, each at least 1."""
    takes = f"takes whole {unit} separated by commas, such as {','.join(map(str, default))}"
    if not text(name):
        return default
    items = listed(name)
    if not items or not all(item.isdecimal() and 0 < int(item) <= 1_000_000 for item in items):
        refuse(name, takes)
    return [int(item) for item in items]


def email_addresses(name: str) -> list[str]:
    addresses = listed(name)
    if not all(_ADDRESS.fullmatch(address) for address in addresses):
        refuse(name, "takes email addresses separated by commas")
    return addresses


def sender(name: str, default: str) -> str:
    """An email address, with or without a name before it."""
    value = text(name, default)
    found = getaddresses([value])
    if len(found) != 1 or not _ADDRESS.fullmatch(found[0][1]) or not value.isprintable():
        refuse(name, "takes an email address, such as alerts@example.com or Alerts <alerts@example.com>")
    return value


def host_names(name: str) -> list[str]:
    """Host names and addresses as Django compares them, without scheme, port and path."""
    hosts = listed(name)
    if not all(_HOST.fullmatch(host) for host in hosts):
        refuse(name, "takes host names separated by commas, such as mail.example.com,.example.org")
    return hosts


def networks(name: str, default: str) -> tuple[Network, ...]:
    """Networks in CIDR notation; `all` and `none` stand for every address and for no network."""
    takes = "takes networks separated by commas, such as 10.0.0.0/8,fd00::/8, or all or none"
    value = text(name, default)
    if value.lower() in {"all", "none"}:
        return EVERYWHERE if value.lower() == "all" else ()
    found: list[Network] = []
    for item in value.split(","):
        try:
            found.append(ip_network(item.strip()))
        except ValueError:
            refuse(name, takes)
    return tuple(found)


def name_server(name: str) -> str:
    """`address:port`, empty for the machine's own."""
    value = text(name)
    host, _, port = value.rpartition(":")
    try:
        return value and f"{ip_address(host.strip('[]'))}:{int(port)}"
    except ValueError:
        refuse(name, "takes address and port of a DNS server, such as 10.0.0.2:53")


def trusted_proxies(name: str) -> tuple[Network, ...]:
    """Networks of proxies. Every address is refused: each visitor could then choose the one they come from."""
    found = networks(name, "none")
    if any(network.prefixlen == 0 for network in found):
        refuse(name, "takes the networks of your own proxies, such as 10.0.3.0/24, not every address")
    return found


def origins(name: str) -> list[str]:
    found = listed(name)
    if not all(_ORIGIN.fullmatch(origin) for origin in found):
        refuse(name, "takes origins separated by commas, such as https://mail.example.com")
    return found


def choice(name: str, options: tuple[str, ...], default: str) -> str:
    value = text(name, default)
    if value not in options:
        refuse(name, f"takes {' or '.join(options)}")
    return value


def url(name: str, default: str = "", *, schemes: tuple[str, ...], example: str) -> str:
    """An absolute URL without its last slash, or the empty string when unset and without a default."""
    value = text(name, default)
    if not value:
        return ""
    takes = f"takes a URL such as {example}"
    try:
        parts = urlsplit(value)
        valid = parts.scheme in schemes and bool(parts.hostname or parts.scheme == "unix") and parts.port != 0
    except ValueError:
        refuse(name, takes)
    if not valid:
        refuse(name, takes)
    return value.rstrip("/")


def single_sign_on(*, debug: bool) -> dict[str, str]:
    """The issuer, the client's id and its secret; empty without OIDC_ISSUER and the other two."""
    given = {
        "OIDC_ISSUER": text("OIDC_ISSUER"),
        "OIDC_CLIENT_ID": text("OIDC_CLIENT_ID"),
        "OIDC_CLIENT_SECRET": text("OIDC_CLIENT_SECRET"),
    }
    missing = [name for name, value in given.items() if not value]
    if len(missing) == len(given):
        return {}
    if missing:
        refuse(missing[0], f"is required for single sign-on, which needs {', '.join(given)}, all or none")
    issuer = url("OIDC_ISSUER", schemes=("https", "http"), example="https://login.example.com")
    parts = urlsplit(issuer)
    is_local = debug and parts.hostname in _LOOPBACK
    if parts.query or parts.fragment or "@" in parts.netloc or (parts.scheme == "http" and not is_local):
        refuse("OIDC_ISSUER", "takes an https URL without a query, such as https://login.example.com")
    return {"issuer": issuer, "client_id": given["OIDC_CLIENT_ID"], "client_secret": given["OIDC_CLIENT_SECRET"]}


def mailbox_clients() -> dict[str, dict[str, str]]:
    """The OAuth clients that mailboxes are connected with, by provider; without those that are not set."""
    variables = {
        "google": {
            "GOOGLE_CLIENT_ID": text("GOOGLE_CLIENT_ID"),
            "GOOGLE_CLIENT_SECRET": text("GOOGLE_CLIENT_SECRET"),
        },
        "microsoft": {
            "MICROSOFT_CLIENT_ID": text("MICROSOFT_CLIENT_ID"),
            "MICROSOFT_CLIENT_SECRET": text("MICROSOFT_CLIENT_SECRET"),
        },
    }
    found: dict[str, dict[str, str]] = {}
    for provider, given in variables.items():
        missing = [name for name, value in given.items() if not value]
        if len(missing) == 1:
            refuse(missing[0], f"is required to connect mailboxes of {provider.title()}: set both")
        if not missing:
            found[provider] = dict(zip(("client_id", "client_secret"), given.values(), strict=True))
    tenant = text("MICROSOFT_TENANT")
    if tenant and not _TENANT.fullmatch(tenant):
        refuse("MICROSOFT_TENANT", "takes the id or a domain of your directory, such as contoso.onmicrosoft.com")
    if tenant and "microsoft" not in found:
        refuse("MICROSOFT_CLIENT_ID", "is required with MICROSOFT_TENANT")
    if "microsoft" in found:
        found["microsoft"]["tenant"] = tenant or "common"
    return found


def mail_settings(name: str) -> dict[str, Any]:
    """Django's EMAIL_* settings for the product's own mail, such as alerts; a backend that sends nothing when unset.

    The value may hold a password, so no error repeats it.
    """
    value = text(name)
    if not value:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    takes = "takes a URL such as smtp+tls://user:password@mail.example.com:587 (smtp, smtp+tls or smtp+ssl)"
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        refuse(name, takes)
    if parts.scheme not in {"smtp", "smtp+tls", "smtp+ssl"} or not parts.hostname:
        refuse(name, takes)
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtp+ssl",
        "EMAIL_TIMEOUT": 15,
    }


def database_address(*, debug: bool) -> PostgresAddress | None:
    """`DATABASE_URL`; None stands for the embedded server, which is for development only."""
    address = postgres_address("DATABASE_URL")
    if address is None and not debug:
        refuse(
            "DATABASE_URL",
            "is required when DEBUG=false; takes a PostgreSQL URI: postgres://user:password@host:5432/name",
        )
    return address


def postgres_address(name: str) -> PostgresAddress | None:
    """Parse a PostgreSQL URI with libpq's own parser, so that sockets and every libpq parameter work; None if unset.

    The value may hold a password, so no error repeats it.
    """
    value = text(name)
    if not value:
        return None
    takes = "takes a PostgreSQL URI such as postgres://user:password@host:5432/name or postgres://user@/name?host=/dir"
    if not value.startswith(("postgres://", "postgresql://")):
        refuse(name, takes)
    try:
        found = {key: str(item) for key, item in conninfo.conninfo_to_dict(value).items()}
    except ProgrammingError:
        refuse(name, takes)
    database = found.pop("dbname", "")
    port = found.pop("port", "")
    if not database or not all(item.isdecimal() for item in port.split(",") if item):
        refuse(name, takes)
    return PostgresAddress(
        name=database,
        user=found.pop("user", ""),
        password=found.pop("password", ""),
        host=found.pop("host", ""),
        port=port,
        options=found,
    )


def secret_key(data_dir: Path, *, makes: bool) -> str:
    """SECRET_KEY; where one may be made, one that is created once and stored under the data directory."""
    value = text("SECRET_KEY")
    if value:
        return value
    if not makes:
        refuse("SECRET_KEY", "is required when DEBUG=false; takes 50 or more random characters")
    return _kept_secret(data_dir / "secret_key", lambda: secrets.token_urlsafe(64))


def field_encryption_keys(data_dir: Path, *, makes: bool) -> list[str]:
    """Fernet keys: the first encrypts, all decrypt. Where keys may be made, one is created once and stored."""
    name = "FIELD_ENCRYPTION_KEYS"
    takes = "takes Fernet keys (32 bytes in URL-safe base64) separated by commas, the newest first"
    keys = listed(name)
    if not keys:
        if not makes:
            refuse(name, f"is required when DEBUG=false; {takes}")
        keys = [_kept_secret(data_dir / "field_encryption_key", lambda: Fernet.generate_key().decode())]
    for key in keys:
        try:
            Fernet(key)
        except ValueError:
            refuse(name, takes)
    return keys


def _kept_secret(path: Path, make: Callable[[], str]) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            draft = path.with_name(f"{path.name}.{os.getpid()}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(make())
            # link() never replaces: of several processes that start at once, all read the one that came first
            try:
                path.hardlink_to(draft)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise EnvError(f"DATA_DIR: takes a directory that can be written; {path}: {error.strerror}") from error


def start_error_reporting(dsn: str) -> None:
    """Send unhandled errors to Sentry when a DSN is given; the package is an optional extra."""
    if not dsn:
        return
    try:
        import sentry_sdk
    except ImportError:
        refuse("SENTRY_DSN", "needs the package sentry-sdk; install it or leave the variable empty")
    # local variables and bodies of requests hold passwords, addresses and texts of users
    sentry_sdk.init(dsn=dsn, send_default_pii=False, include_local_variables=False, max_request_body_size="never")


_NEVER_BY_ITSELF = 1_000_000_000


def database_settings(address: PostgresAddress | None, data_dir: Path, pool_size: int) -> dict[str, Any]:
    """The Django DATABASES entry: the given server, or the embedded one under the data directory."""
    # statements that ask for it are prepared (Django turns that off altogether), and no others
    options: dict[str, Any] = {"prepare_threshold": _NEVER_BY_ITSELF, **(address.options if address else {})}
    if pool_size:
        options["pool"] = {"min_size": 1, "max_size": pool_size}
    common: dict[str, Any] = {"CONN_MAX_AGE": 0 if pool_size else 60, "CONN_HEALTH_CHECKS": True}
    if address is None:
        options |= {"data_dir": str(data_dir / "postgres"), "durable": True}
        return {"ENGINE": "config.embedded_postgres", "NAME": "sequence_executor", "OPTIONS": options, **common}
    return {
        "ENGINE": "config.several_hosts" if "," in address.host else "django.db.backends.postgresql",
        "NAME": address.name,
        "USER": address.user,
        "PASSWORD": address.password,
        "HOST": address.host,
        "PORT": address.port,
        "OPTIONS": options,
        **common,
    }
