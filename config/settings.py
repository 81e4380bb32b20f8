"""Django's settings, derived from the environment (config/env.py) and nothing else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.templatetags.static import static

from config import VERSION as VERSION
from config import env, logging
from config.menu import NAVIGATION, list_own_links

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
# an installed package holds no one's data: those are where the command is run
IS_CHECKOUT = (BASE_DIR / "manage.py").exists()
HOME_DIR = BASE_DIR if IS_CHECKOUT else Path.cwd()
env.read_env_file(HOME_DIR)

DEBUG = env.flag("DEBUG", default=True)
DATA_DIR = Path(env.text("DATA_DIR", str(HOME_DIR / ".data"))).absolute()
_MAKES_KEYS = env.flag("GENERATE_KEYS", default=DEBUG)
SECRET_KEY = env.secret_key(DATA_DIR, makes=_MAKES_KEYS)
# replaced keys, newest first: what they signed (links in emails, sessions) stays valid
SECRET_KEY_FALLBACKS = env.listed("SECRET_KEY_FALLBACKS")
FIELD_ENCRYPTION_KEYS = env.field_encryption_keys(DATA_DIR, makes=_MAKES_KEYS)
ALLOWED_HOSTS = env.host_names("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")
PUBLIC_BASE_URL = env.url(
    "PUBLIC_BASE_URL", env.DEFAULT_BASE_URL, schemes=("http", "https"), example="https://mail.example.com"
)

EXECUTOR_POLL_SECONDS = env.whole_number("EXECUTOR_POLL_SECONDS", 30, minimum=1, maximum=3600, unit="seconds")
# rows that one API key may change by the tools for agents on one day
AGENT_DAILY_CHANGES = env.whole_number("AGENT_DAILY_CHANGES", 500, minimum=0, maximum=1_000_000)
EXECUTOR_BATCH_SIZE = env.whole_number("EXECUTOR_BATCH_SIZE", 500, minimum=1, maximum=10_000)
RETRY_MINUTES = env.whole_numbers("RETRY_MINUTES", [5, 10, 20], unit="minutes")
# systemd and others must wait longer before they kill (docs/deploy)
STOP_WAIT_SECONDS = env.whole_number("STOP_WAIT_SECONDS", 75, minimum=0, maximum=660, unit="seconds")
REPLY_FRESHNESS_MINUTES = env.whole_number("REPLY_FRESHNESS_MINUTES", 15, minimum=1, maximum=1440, unit="minutes")
DNS_SERVER = env.name_server("DNS_SERVER")
SEND_DAILY_DEFAULT = env.whole_number("SEND_DAILY_DEFAULT", 50, minimum=1)
SEND_HOURLY_DEFAULT = env.whole_number("SEND_HOURLY_DEFAULT", 10, minimum=1)
SEND_GAP_SECONDS = env.whole_number("SEND_GAP_SECONDS", 120, maximum=86_400, unit="seconds")
SEND_JITTER_SECONDS = env.whole_number("SEND_JITTER_SECONDS", 60, maximum=86_400, unit="seconds")
ALERT_EMAILS = env.email_addresses("ALERT_EMAILS")
ALERT_WEBHOOK_URL = env.url("ALERT_WEBHOOK_URL", schemes=("http", "https"), example="https://example.com/alert")
DEFAULT_FROM_EMAIL = env.sender("ALERT_FROM_EMAIL", "sequence-executor@localhost")
globals().update(env.mail_settings("EMAIL_URL"))
REDIS_URL = env.url("REDIS_URL", schemes=("redis", "rediss", "unix"), example="redis://localhost:6379/0")
env.start_error_reporting(env.url("SENTRY_DSN", schemes=("http", "https"), example="https://key@sentry.example.com/1"))

# the flag is the older name of the setting: true is all networks
_PRIVATE_BY_DEFAULT = "all" if env.flag("WEBHOOKS_TO_PRIVATE_ADDRESSES", default=DEBUG) else "none"
PRIVATE_NETWORKS = env.networks("PRIVATE_NETWORKS", _PRIVATE_BY_DEFAULT)
IMAP_IDLE_CONNECTIONS = env.whole_number("IMAP_IDLE_CONNECTIONS", 20, maximum=500, unit="connections per process")
TRUSTED_PROXIES = env.trusted_proxies("TRUSTED_PROXIES")
OIDC = env.single_sign_on(debug=DEBUG)
MAILBOX_OAUTH = env.mailbox_clients()
METRICS_TOKEN = env.text("METRICS_TOKEN")
METRICS_WITHOUT_TOKEN = DEBUG
TRACKING_LINK_DAYS = env.whole_number("TRACKING_LINK_DAYS", 365, minimum=30, maximum=3650, unit="days")
# an incoming mail with its attachments, as a provider posts it; the attachments are not stored
HOOK_MOST_BYTES = DATA_UPLOAD_MAX_MEMORY_SIZE = 26 * 1024 * 1024
JSON_MOST_BYTES = 1024 * 1024
FORM_MOST_BYTES = 50 * 1024 * 1024
FILE_UPLOAD_HANDLERS = ["common.uploads.UnnamedFileHandler"]

DATABASE_POOL = env.whole_number("DATABASE_POOL", 0, maximum=1000, unit="connections per process")
DATABASES = {"default": env.database_settings(env.database_address(debug=DEBUG), DATA_DIR, DATABASE_POOL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "config.apps.DeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.humanize",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "knox",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "anymail",
    # before django-q2, whose command it completes
    "execution",
    "django_q",
    "config",
    "simulation",
    "sequences",
    "emails",
    "tasks_app",
]

MIDDLEWARE = [
    "config.request_id.with_request_id",
    "config.access_log.log_requests",
    "config.body_limits.limit_bodies",
    "config.probes.answer_probes",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.reader_zone.in_readers_zone",
]

# Nothing is loaded from elsewhere, and no script stands in a page. The admin's theme evaluates the expressions of its
# templates (Alpine) and sets colours inline.
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, UNSAFE_EVAL],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates" if IS_CHECKOUT else BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTHENTICATION_BACKENDS = [
    "sequences.access.login_limits.LimitedBackend",
    "sequences.access.desk_permissions.RoleBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    *(
        {"NAME": f"django.contrib.auth.password_validation.{name}"}
        for name in (
            "UserAttributeSimilarityValidator",
            "MinimumLengthValidator",
            "CommonPasswordValidator",
            "NumericPasswordValidator",
        )
    ),
    {"NAME": "execution.control.keys.PasswordEndsKeys"},
]

LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(DATA_DIR / "static"))).absolute()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# Behind a proxy that ends TLS and always sets X-Forwarded-Proto itself; otherwise a visitor could forge it.
if env.flag("TRUST_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=not DEBUG)
SECURE_HSTS_SECONDS = env.whole_number("SECURE_HSTS_SECONDS", 0 if DEBUG else 31_536_000, unit="seconds")
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = bool(SECURE_HSTS_SECONDS)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.flag("SECURE_COOKIES", default=not DEBUG)
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"

ACCESS_LOG = env.flag("ACCESS_LOG", default=not DEBUG)
LOG_FORMAT = env.choice("LOG_FORMAT", ("console", "json"), "console")
LOGGING_CONFIG = None
logging.configure(LOG_FORMAT)

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "execution.api.keys.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["sequences.interface.api.parsers.StorableJSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "sequences.interface.api.autoschema.DocumentedSchema",
    "DEFAULT_THROTTLE_CLASSES": ["sequences.interface.api.throttling.CountingThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": "6000/min"},
    "URL_FORMAT_OVERRIDE": None,
    "EXCEPTION_HANDLER": "sequences.interface.api.problems.answer_problem",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
KNOX_TOKEN_MODEL = "execution.ApiKey"
REST_KNOX = {"AUTH_HEADER_PREFIX": "Token", "TOKEN_TTL": timedelta(days=365)}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Sequence Executor API",
    "DESCRIPTION": "Runs outbound sales sequences: on time, exactly once, and always able to say why.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "Role": "sequences.choices.Role.choices",
        "InvitationStatus": "sequences.choices.InvitationStatus.choices",
        "EnrollmentStatus": "sequences.choices.EnrollmentStatus.choices",
        "SequenceStatus": "sequences.choices.SequenceStatus.choices",
        "TaskStatus": "tasks_app.choices.TaskStatus.choices",
        "MailboxStatus": "emails.choices.MailboxStatus.choices",
        "MessageStatus": "emails.choices.MessageStatus.choices",
        "LogStatus": "execution.choices.LogStatus.choices",
        "TaskType": "sequences.choices.TaskType.choices",
        "StepType": "sequences.choices.StepType.choices",
        "TaskPriority": "sequences.choices.TaskPriority.choices",
        "AddressState": "emails.choices.AddressState.choices",
        "LimitScope": "emails.choices.LimitScope.choices",
        "LimitWindow": "emails.choices.LimitWindow.choices",
        "Security": "emails.choices.Security.choices",
        "BreakerState": "emails.choices.BreakerState.choices",
        "ReplyIntent": "emails.choices.ReplyIntent.choices",
        "ImportState": "sequences.choices.ImportState.choices",
    },
    "PREPROCESSING_HOOKS": ["sequences.interface.api.schema.strip_slashes"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "sequences.interface.api.schema.add_problems",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# A job that outlives `timeout` is killed, and only after `retry` offered again: the order of the two keeps it single.
Q_CLUSTER: dict[str, Any] = {
    "name": "sequence-executor",
    "workers": env.whole_number("Q_WORKERS", 4, minimum=1, maximum=256),
    "timeout": 300,
    "retry": 360,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "save_limit": 250,
    "recycle": 500,
    "bulk": 1,
    "poll": 1,
    "label": "Jobs",
    # other hosts cannot run jobs that were taken in advance
    "queue_limit": 1,
    **(
        {"redis": REDIS_URL}
        if REDIS_URL
        else {"orm": "default", "broker_class": "execution.worker.job_broker.FreeWorkersBroker"}
    ),
}


UNFOLD: dict[str, Any] = {
    "LOGIN": {"form": "sequences.interface.admin.login.LoginForm"},
    "ACCOUNT": {"navigation": list_own_links},
    "SITE_TITLE": "Sequence Executor",
    "SITE_HEADER": "Sequence Executor",
    "SITE_SYMBOL": "forward_to_inbox",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("execution/icon.svg")}],
    "SHOW_HISTORY": True,
    "DASHBOARD_CALLBACK": "execution.admin.overview.fill_overview",
    "SHOW_VIEW_ON_SITE": False,
    "COMMAND": {"show_history": True},
    "STYLES": [lambda request: static("execution/admin.css")],
    "SCRIPTS": [lambda request: static("execution/admin.js"), lambda request: static("execution/rows.js")],
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": NAVIGATION,
    },
}
