"""The product's command: `manage.py` in a checkout, `sequence-executor` where the package is installed."""

from __future__ import annotations

import os
import sys
from typing import Never

import psycopg
from django.core.management import execute_from_command_line
from django.db import OperationalError

from config.embedded_postgres.errors import EmbeddedPostgresError
from config.env import EnvError


def main() -> None:
    """Run the command that `sys.argv` names. What a user can put right ends with one line and a status."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except EnvError as error:
        stop(str(error), status=2)
    except EmbeddedPostgresError as error:
        stop(str(error), status=1)
    except OperationalError as error:
        cause = error.__cause__
        # without an SQLSTATE no server answered: none refused a statement, and there is no bug of ours to trace
        if not isinstance(cause, psycopg.OperationalError) or cause.sqlstate is not None:
            raise
        stop(f"The database does not answer: {' '.join(str(error).split())} (see DATABASE_URL)", status=1)
    except KeyboardInterrupt:
        stop("error: interrupted", status=130)


def stop(line: str, *, status: int) -> Never:
    """End the process with one line on standard error."""
    print(line, file=sys.stderr)  # noqa: T201
    sys.exit(status)
