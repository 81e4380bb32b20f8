"""How log lines look: structured by structlog, on standard error, as text or as JSON."""

from __future__ import annotations

import logging.config
from typing import Any, Literal

import structlog
from django.db.utils import InterfaceError, OperationalError
from django.http import HttpRequest
from structlog.typing import EventDict, Processor, WrappedLogger

from config.routes import name_route


def configure(log_format: str) -> None:
    """Route structlog and the standard library through one formatter; `log_format` is `console` or `json`."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    logging.config.dictConfig(_standard_library(log_format, shared))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _standard_library(log_format: str, shared: list[Processor]) -> dict[str, Any]:
    level: Literal["INFO"] = "INFO"
    render: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if log_format == "json"
        # other tracebacks print the variables of every frame: with secrets and personal data
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*shared, structlog.stdlib.ExtraAdder(), _leave_out_objects],
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
            }
        },
        "filters": {"outages in one line": {"()": lambda: _shorten_outage}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # django.request has already logged what the development server logs about a refused request
            "django.server": {"level": "ERROR"},
            "django.db.backends": {"level": "WARNING"},
            # warns about consequences of an error that is raised anyway; the warnings of its pool stay
            "psycopg": {"level": "ERROR"},
            "mcp": {"level": "WARNING"},
            "psycopg.pool": {"level": "WARNING"},
            # retries by itself, every few seconds in several processes
            "django-q": {"filters": ["outages in one line"]},
        },
    }


def _shorten_outage(record: logging.LogRecord) -> bool:
    """An outage of the database needs no traceback: the first line of its error says where and why."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, OperationalError | InterfaceError):
        line = next(iter(str(error).splitlines()), type(error).__name__)
        record.msg, record.args = f"{record.getMessage()}: {line}", ()
        record.exc_info = record.exc_text = None
    return True


def _leave_out_objects(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Django's records carry the request or its socket; a path may hold a token, so its route is named instead."""
    request = event.pop("request", None)
    if isinstance(request, HttpRequest):
        event["event"] = str(event["event"]).replace(request.path, name_route(request))
    event.pop("server_time", None)
    return event
