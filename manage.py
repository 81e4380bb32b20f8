#!/usr/bin/env python
"""The command line of Sequence Executor: `./manage.py help` lists what there is."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line

        from config.embedded_postgres.server import EmbeddedPostgresError
        from config.env import EnvError
    except ImportError as error:
        sys.exit(f"{error}. Run `make demo` once, or use .venv/bin/python.")
    try:
        execute_from_command_line(sys.argv)
    except (EnvError, EmbeddedPostgresError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(2 if isinstance(error, EnvError) else 1)


if __name__ == "__main__":
    main()
