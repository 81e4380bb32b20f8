"""The other end of the network for demo, simulate and tests: mail server, prospects, clock. No app imports it."""
