"""Ratios of one interleaved run: our ways of doing a thing beside the ways we did not take. Never part of the tests."""
