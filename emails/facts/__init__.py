"""Facts from outside: events, stop facts, suppressions, engagement scores."""
