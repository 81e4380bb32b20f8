"""What users do: enroll, pause, move, edit, replan. Each calls the engine's own writer."""
