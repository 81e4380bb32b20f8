"""`/healthz` and `/readyz` for load balancers and monitors. No login needed, nothing about workspaces."""

from __future__ import annotations

from functools import lru_cache

from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe


@csrf_exempt
@never_cache
@require_safe
def show_health(request: HttpRequest) -> JsonResponse:
    """The process answers. It checks nothing else."""
    return JsonResponse({"status": "ok"})


@csrf_exempt
@never_cache
@require_safe
def show_readiness(request: HttpRequest) -> JsonResponse:
    """200 when this process can serve: the database is available and its tables are current.

    503 names which of `database` and `migrations` is missing. Whether an executor is alive is no question of
    a load balancer: `run_executor --check` and the metrics say it.
    """
    missing = _find_missing()
    if missing is None:
        return JsonResponse({"status": "ok"})
    name, detail = missing
    return JsonResponse({"status": "unavailable", "missing": name, "detail": detail}, status=503)


def _find_missing() -> tuple[str, str] | None:
    try:
        applied = set(MigrationRecorder(connection).applied_migrations())
        behind = sorted(_newest_migrations() - applied)
        if behind:
            app, name = behind[0]
            return "migrations", f"{app}.{name} is not applied: run manage.py migrate"
    except DatabaseError:
        return "database", "the database cannot be reached: check DATABASE_URL and the server"
    return None


@lru_cache(maxsize=1)
def _newest_migrations() -> frozenset[tuple[str, str]]:
    """The last migration of each app, as on disk."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.leaf_nodes())
