"""Messages out: outbox, lanes, delivery, the final check, results, recovery."""
