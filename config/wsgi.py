"""The entry point of a WSGI server: `gunicorn config.wsgi`."""

import os
import sys

from django.core.wsgi import get_wsgi_application

from config.env import EnvError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
try:
    application = get_wsgi_application()
except EnvError as error:
    print(error, file=sys.stderr)  # noqa: T201
    # gunicorn gives up on a worker that ends with 3, and starts it again for ever on any other status
    sys.exit(3)
