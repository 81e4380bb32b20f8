"""The entry point of a WSGI server: `gunicorn config.wsgi`."""

import os
import sys
from contextlib import suppress

import psycopg
from django.core.wsgi import get_wsgi_application
from django.db import DatabaseError, connection

from common.suitable import UnsuitableError, check_environment
from config.env import EnvError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
try:
    application = get_wsgi_application()
    try:
        # a database that is not there yet is no reason: `/readyz` says so until it is
        with suppress(DatabaseError, psycopg.Error):
            check_environment()
    finally:
        connection.close()
except (EnvError, UnsuitableError) as error:
    print(error, file=sys.stderr)  # noqa: T201
    # gunicorn gives up on a worker that ends with 3, and starts it again for ever on any other status
    sys.exit(3)
