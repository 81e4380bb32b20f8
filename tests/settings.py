"""Settings of the tests: the product's own, a second embedded server without fsync, and a fast password hasher."""

import os

os.environ["ENV_FILE"] = os.devnull
os.environ.setdefault("LOG_FORMAT", "console")

from config.settings import *
from config.settings import DATA_DIR, DATABASES

if DATABASES["default"]["ENGINE"] == "config.embedded_postgres":
    DATABASES["default"]["OPTIONS"] |= {"data_dir": str(DATA_DIR / "test-postgres"), "durable": False}
DATABASES["default"]["CONN_MAX_AGE"] = 0
# a name per run, so that runs at the same time do not take each other's database; workers are children of the run
RUN_ID = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
DATABASES["default"]["TEST"] = {"NAME": f"test_run_{RUN_ID}"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# static files straight from the packages: nothing is collected for a test
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
