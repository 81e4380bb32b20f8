"""The HTTP API of tasks."""
