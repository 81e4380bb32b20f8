"""Settings of the benchmarks: the product's own on a database under .data/bench, and with BENCH_PEERS the peers' apps.

The tables are emptied again and again, so a DATABASE_URL is not looked at.
"""

from __future__ import annotations

import os
from logging import CRITICAL, disable
from pathlib import Path

os.environ["ENV_FILE"] = os.devnull
os.environ.pop("DATABASE_URL", None)
os.environ["DATA_DIR"] = str(Path(__file__).resolve().parent.parent / ".data" / "bench")
os.environ["LOG_FORMAT"] = "json"

from config.settings import *
from config.settings import DATABASES, INSTALLED_APPS

# Django keeps every statement in memory otherwise, which would slow down the row-by-row ways alone
DEBUG = False
if "BENCH_DATABASE" in os.environ:
    DATABASES["default"]["NAME"] = os.environ["BENCH_DATABASE"]

if "BENCH_PEERS" in os.environ:
    # a log line per job would count against the queues
    disable(CRITICAL)
    INSTALLED_APPS = [*INSTALLED_APPS, "procrastinate.contrib.django", "post_office", "mailer"]
    # as fast as django-q2 gets with this broker: two workers on two cores, ten jobs a fetch, successes not kept
    Q_CLUSTER = {
        "name": "bench",
        "workers": 2,
        "orm": "default",
        "poll": 0.2,
        "bulk": 10,
        "queue_limit": 50,
        "timeout": 300,
        "retry": 360,
        "max_attempts": 1,
        "save_limit": -1,
        "recycle": 100_000,
    }
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST = "127.0.0.1"
    EMAIL_PORT = int(os.environ.get("BENCH_MAIL_PORT", "25"))
    MAILER_EMAIL_BACKEND = EMAIL_BACKEND
    POST_OFFICE = {"BACKENDS": {"default": EMAIL_BACKEND}, "BATCH_SIZE": 10_000}
