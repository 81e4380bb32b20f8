"""The engine as a process: threads, jobs, schedules, signals."""
