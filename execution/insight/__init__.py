"""What users ask: why, when, how many. Reads only."""
