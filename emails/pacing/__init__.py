"""How much may leave when: caps, the ledger, ramp-up, circuit breaker, health, windows."""
