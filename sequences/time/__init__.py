"""When a step may run: delays, send times, holidays, sending windows. Pure."""
