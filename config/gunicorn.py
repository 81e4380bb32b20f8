"""Settings of gunicorn: `gunicorn --config python:config.gunicorn config.wsgi`.

The workers count requests in files of one folder, so that whichever of them answers `/metrics` tells the figures of
all. A worker takes the place of one that has ended and goes on with its file: the folder does not grow.
https://prometheus.github.io/client_python/multiprocess/
"""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Any

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

workers = 4
threads = 4
max_requests = 5000
max_requests_jitter = 500
# its socket would lie in the home directory, which may be read-only
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Before any worker: the library decides by this variable where it counts."""
    os.environ[_FOLDER] = tempfile.mkdtemp(prefix="sequence-executor-metrics-")


def pre_fork(server: Any, worker: Any) -> None:
    taken = {other.place for other in server.WORKERS.values()}
    worker.place = next(place for place in range(len(taken) + 1) if place not in taken)


def post_fork(server: Any, worker: Any) -> None:
    from prometheus_client import values

    make: Any = values.MultiProcessValue
    values.ValueClass = make(lambda: worker.place)


def on_exit(server: Any) -> None:
    shutil.rmtree(os.environ[_FOLDER], ignore_errors=True)
