#!/usr/bin/env python
"""The command line of Sequence Executor: `./manage.py help` lists what there is."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        import psycopg
        from django.core.management import execute_from_command_line
        from django.db import OperationalError

        from config.embedded_postgres.errors import EmbeddedPostgresError
        from config.env import EnvError
    except ImportError as error:
        sys.exit(f"{error}. Use .venv/bin/python; `make demo` makes it.")
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


def stop(line: str, *, status: int) -> None:
    print(line, file=sys.stderr)  # noqa: T201
    sys.exit(status)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        stop("error: interrupted", status=130)
