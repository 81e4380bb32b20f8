"""Ratios of one interleaved run: the engine compared with other designs. Never part of the tests."""
