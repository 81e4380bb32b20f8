"""The name under which stored schedules call the engine: rows of django-q2 name a function, and this path stays."""

from execution.worker.jobs import run_engine

__all__ = ["run_engine"]
