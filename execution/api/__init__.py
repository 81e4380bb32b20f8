"""The HTTP API of the executor, the enrollments, and of what needs the engine to act."""
